//! The outside of a schedule: the services, the queues, the log, Lambda, EventBridge and Apify,
//! with the faults on the way to them. Nothing here judges, and no rule of the functions belongs
//! here. Only the planted bugs know what a message or a cell means.

pub(crate) mod bugs;
pub(crate) mod chance;
pub(crate) mod event_log;
pub(crate) mod faults;
pub(crate) mod lambda;
pub(crate) mod log_port;
pub(crate) mod odd_answers;
pub(crate) mod oddities;
pub(crate) mod parts;
pub(crate) mod paths;
pub(crate) mod plain;
pub(crate) mod ports;
pub(crate) mod queue_port;
mod queue_state;
pub(crate) mod queues;
pub(crate) mod scheduler;
pub(crate) mod transport;
pub(crate) mod variables;
pub(crate) mod webhooks;
pub(crate) mod worker;
pub(crate) mod world;
