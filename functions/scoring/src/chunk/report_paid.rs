//! Reports and writes paid work even if the queue accepts nothing for a while, because its disk is
//! full or it cannot be reached.

use super::attempt::ChunkAttempt;
use shared::core::failure::Failure;
use shared::messages::Fact;
use shared::ports::Env;
use std::time::Duration;

/// Time between two attempts to report.
const PAUSE: Duration = Duration::from_secs(1);
/// Part of the invocation's time that is reserved for its response.
const ANSWERING: Duration = Duration::from_secs(5);

impl<E: Env> ChunkAttempt<'_, E> {
    /// Waits while a report is being repeated, as long as an open wave has time for that. Returns
    /// whether the queue accepted all reports, so that calls may start.
    pub(super) async fn is_heard(&self) -> bool {
        let has_time = || self.deadline.remaining() > self.writing_time_of_a_wave() + 2 * PAUSE;
        while self.unreported.is_being_repeated() && has_time() {
            tokio::time::sleep(PAUSE).await;
        }
        !self.unreported.is_any()
    }

    /// Reports the results of calls. If the queue does not accept the report in time, the rows are
    /// written anyway, so that no later attempt pays for these leads again. The report is then sent
    /// with the leads' outcomes.
    pub(super) async fn report_paid(&self, fact: Fact) {
        if self.report_patiently(vec![fact.clone()], self.writing_time_of_a_wave()).await.is_err() {
            self.unreported.keep(vec![fact]);
        }
    }

    /// Reports the outcomes of leads, after the unreported results of calls. Facts that the queue
    /// does not accept are sent with the outcomes of the next wave, if another one is open.
    pub(super) async fn report_written(&self, facts: Vec<Fact>) -> Result<(), Failure> {
        let mut all = self.unreported.take();
        all.extend(facts);
        if all.is_empty() {
            return Ok(());
        }
        let reported = self.report_patiently(all.clone(), ANSWERING).await;
        if reported.is_err() {
            self.unreported.keep(all);
        }
        reported
    }

    async fn report_patiently(&self, facts: Vec<Fact>, kept_back: Duration) -> Result<(), Failure> {
        let Err(failure) = self.reporter.report(facts.clone()).await else { return Ok(()) };
        self.unreported.repeats(|reports| reports + 1);
        let reported = self.repeat(facts, (kept_back, failure)).await;
        self.unreported.repeats(|reports| reports - 1);
        reported
    }

    async fn repeat(
        &self,
        facts: Vec<Fact>,
        (kept_back, mut failure): (Duration, Failure),
    ) -> Result<(), Failure> {
        while self.deadline.remaining() > kept_back + PAUSE {
            tracing::warn!(%failure, "the queue did not accept a report; trying again");
            tokio::time::sleep(PAUSE).await;
            match self.reporter.report(facts.clone()).await {
                Ok(()) => return Ok(()),
                Err(again) => failure = again,
            }
        }
        Err(failure)
    }
}
