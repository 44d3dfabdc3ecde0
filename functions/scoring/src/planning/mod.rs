//! From a task to chunks: reads a harvest or the waiting leads, divides them into chunks and queues
//! these. A plan's id is made from its content, so planning again gives the same plan. This module
//! makes no model calls and writes no lead's row.

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
