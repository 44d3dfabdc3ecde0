//! The one place that reads the time.

use jiff::Timestamp;
use std::sync::Arc;

/// Tells the time. Waiting is tokio's (`tokio::time::sleep`), so a test that pauses tokio's time
/// gives a clock made by [`Clock::following_tokio`].
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[expect(clippy::disallowed_methods, reason = "this is where the time is read")]
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that showed `start` when this was called and runs with tokio's time from there.
    ///
    /// # Panics
    /// Later, when asked for a time beyond the year 9999.
    pub fn following_tokio(start: Timestamp) -> Self {
        let origin = tokio::time::Instant::now();
        Self(Arc::new(move || {
            start
                + jiff::SignedDuration::try_from(origin.elapsed())
                    .unwrap_or(jiff::SignedDuration::MAX)
        }))
    }

    /// A clock that shows what `read` returns, such as one that a test sets back.
    pub fn showing(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
