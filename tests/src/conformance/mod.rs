//! What every implementation of a port promises. One suite for `Queue` and one for `EventLog` run
//! on the implementations for a single machine and for AWS.

pub mod event_log;
pub mod queue;
