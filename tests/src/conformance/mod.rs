//! What every implementation of a port promises: one suite for `Queue`, one for `EventLog`, run on
//! the one for a single machine and on the one for AWS.

pub mod event_log;
pub mod queue;
