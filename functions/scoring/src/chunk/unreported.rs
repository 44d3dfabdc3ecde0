//! What was paid for is reported and written, also when the queue takes nothing for a while: its disk is
//! full, or it cannot be reached.

use super::attempt::ChunkAttempt;
use super::limits::WRITING_TIME;
use shared::core::failure::Failure;
use shared::messages::Fact;
use shared::ports::Env;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Time between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// Kept back of the invocation's time to answer.
const ANSWERING: Duration = Duration::from_secs(5);

/// Facts about paid answers that the queue has not taken yet.
#[derive(Debug, Default)]
pub(super) struct Unreported(Mutex<Vec<Fact>>);

impl Unreported {
    /// Whether the queue takes nothing. Then no further call begins.
    pub(super) fn is_any(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn keep(&self, fact: Fact) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fact);
    }

    fn take(&self) -> Vec<Fact> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<E: Env> ChunkAttempt<'_, E> {
    /// Reports what calls became. If the queue does not take it in time, the rows are written all the
    /// same, so that no later attempt pays for their leads again, and it goes with their outcomes.
    pub(super) async fn report_paid(&self, fact: Fact) {
        if self.report_patiently(vec![fact.clone()], WRITING_TIME).await.is_err() {
            self.unreported.keep(fact);
        }
    }

    /// Reports what became of leads, behind what has not been reported of their calls.
    pub(super) async fn report_written(&self, facts: Vec<Fact>) -> Result<(), Failure> {
        let mut all = self.unreported.take();
        all.extend(facts);
        if all.is_empty() { Ok(()) } else { self.report_patiently(all, ANSWERING).await }
    }

    async fn report_patiently(&self, facts: Vec<Fact>, kept_back: Duration) -> Result<(), Failure> {
        loop {
            let Err(failure) = self.reporter.report(facts.clone()).await else { return Ok(()) };
            if self.deadline.remaining() <= kept_back + PAUSE {
                return Err(failure);
            }
            tracing::warn!(%failure, "the queue takes no report; it is tried again");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
