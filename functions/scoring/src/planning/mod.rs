//! From a task to chunks: reads a harvest or the waiting leads, divides them and queues the chunks.
//! A plan's id is derived from its content: planned again, it is the same plan.
//! No model call and no write to a lead's row may enter.

mod client_run;
pub(crate) mod harvest;
pub(crate) mod ingest;
mod omitted;
pub(crate) mod plan;
pub(crate) mod plan_lead;
pub(crate) mod prepare;
pub(crate) mod price;
pub(crate) mod publish;
pub(crate) mod replay;
pub(crate) mod scan;
pub(crate) mod waiting;
pub(crate) mod waiting_planner;
