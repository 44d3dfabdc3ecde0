//! The parts that AWS plays in a deployment, in one process: the three functions with their
//! triggers, the simulated services, and access to a system that runs elsewhere. Nothing here
//! parses arguments or prints.

mod canned;
mod connections;
mod deployment;
mod dispatcher;
mod errors;
mod injection;
mod one_machine;
mod pricing;
mod running;
mod served;
mod services;
mod upkeep;
mod webhook_server;

pub(crate) use connections::Reply;
pub(crate) use deployment::{DATABASE, Deployment};
pub use dispatcher::{Dispatcher, MappingOptions, Shares};
pub(crate) use injection::{FAULTS, Injection, MOST_FAULTS};
pub(crate) use pricing::pricer_alone;
pub(crate) use running::Inside;
pub use running::{Functions, System, Variables, queue_settings, start_functions};
pub(crate) use served::{Served, Service};
pub use services::{Ports, ServiceOptions, Services, tokens};
pub(crate) use webhook_server::{Front, serve_front};
