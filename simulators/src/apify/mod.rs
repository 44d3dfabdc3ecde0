//! Apify: runs, their datasets and inputs, and their webhooks. No actor runs here:
//! [`Apify::add_run`] or `POST /_sim/runs` invents a run with its items and its end, the API shows
//! it, and its webhooks are sent. What Runtally does with a webhook does not belong here.

mod control;
mod datasets;
mod deliver;
mod dispatch;
mod error;
mod hook;
mod hooks;
mod items;
mod lifecycle;
mod options;
mod query;
mod records;
mod replies;
mod route;
mod run;
mod sender;
mod service;
mod simulator;
mod state;
mod status;
mod storage;
mod storages;
mod template;
mod views;
mod webhook;

pub use dispatch::{Call, Dispatch, DispatchStatus};
pub use options::ApifyOptions;
pub use run::{DEFAULT_ACTOR, RunLimits, RunSpec};
pub use sender::{Delivery, HttpSender, WebhookSender};
pub use simulator::Apify;
pub use status::RunStatus;
pub use template::TemplateError;
pub use webhook::{DEFAULT_PAYLOAD, EventType, Webhook, WebhookSpec};
