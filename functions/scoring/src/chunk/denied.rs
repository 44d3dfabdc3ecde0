//! Waits for a denial to end while the invocation has time, because the model's answers are already
//! paid for.

use shared::core::deadline::Deadline;
use shared::services::airtable::AirtableError;
use shared::services::http_retry::{Attempts, RetryPolicy};
use std::time::Duration;

/// How a denied request is repeated: a token that was just changed is denied for some seconds.
const DENIED: RetryPolicy =
    RetryPolicy { first: Duration::from_secs(2), longest: Duration::from_secs(5), attempts: 20 };
/// Part of the invocation's time that is reserved for reporting.
const REPORTING: Duration = Duration::from_secs(8);

/// Waits between attempts at a denied request, as long as the invocation has time.
pub(super) struct Patience {
    deadline: Deadline,
    attempts: Attempts,
}

impl Patience {
    pub(super) fn until(deadline: Deadline) -> Self {
        Self { deadline, attempts: DENIED.begin(1) }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// Returns `error` if it is not a denial, or if there is no time left to wait.
    pub(super) async fn wait_after(&mut self, error: AirtableError) -> Result<(), AirtableError> {
        let is_denial = matches!(error, AirtableError::Denied { .. });
        let has_time = |delay: &Duration| self.deadline.remaining() > *delay + REPORTING;
        let delay = self.attempts.next_delay().filter(|_| is_denial);
        let Some(delay) = delay.filter(has_time) else { return Err(error) };
        tracing::warn!(%error, delay.ms = delay.as_millis(), "denied; it is tried again");
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> AirtableError {
        let (what, error_type, message) = ("x".into(), "UNAUTHORIZED".into(), String::new());
        AirtableError::Denied { what, status: 401, error_type, message }
    }

    #[tokio::test(start_paused = true)]
    async fn a_denial_is_waited_out_as_long_as_there_is_time_and_no_other_error_is() {
        let deadline = Deadline::after(Duration::from_secs(60));
        let mut patience = Patience::until(deadline);
        let mut waits = 0;
        while patience.wait_after(denied()).await.is_ok() {
            waits += 1;
        }
        assert!(waits > 8, "{waits} waits");
        assert!(deadline.remaining() >= REPORTING, "{:?} are left", deadline.remaining());
        let mut patience = Patience::until(Deadline::after(Duration::from_secs(60)));
        assert!(patience.wait_after(AirtableError::QuotaSpent).await.is_err());
    }
}
