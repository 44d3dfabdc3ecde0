//! The Airtable request limits that this process keeps.

use shared::services::airtable::{Limiters, Rate};
use std::sync::Arc;

/// The limiters of plans and of chunks.
#[derive(Debug, Clone)]
pub struct Limits {
    pub(crate) plans: Arc<Limiters>,
    pub(crate) chunks: Arc<Limiters>,
}

impl Limits {
    /// For one of many processes. Each works on one plan, or on one chunk in one of `lanes` lanes.
    pub fn of_one_process(lanes: u32) -> Self {
        Self {
            plans: Arc::new(Limiters::of_one_process(Rate::PLAN)),
            chunks: Arc::new(Limiters::of_one_process(Rate::chunk(lanes))),
        }
    }

    /// For a process that does all the work.
    pub fn of_the_only_process(all: &Arc<Limiters>) -> Self {
        Self { plans: Arc::clone(all), chunks: Arc::clone(all) }
    }

    /// Starts work on a message that another process may have handed on.
    pub(crate) fn begin(&self) {
        self.plans.begin();
        self.chunks.begin();
    }

    /// Returns when another process may start.
    pub(crate) async fn rest(&self) {
        self.plans.rest().await;
        self.chunks.rest().await;
    }
}
