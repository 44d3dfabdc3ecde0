//! The one place that reads the time.

use jiff::Timestamp;
use std::sync::Arc;

/// Reads the time. Code waits with tokio (`tokio::time::sleep`), so a test that pauses tokio's time
/// uses a clock from [`Clock::following_tokio`].
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[expect(clippy::disallowed_methods, reason = "this is where the time is read")]
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that starts at `start` and then advances with tokio's time.
    ///
    /// # Panics
    /// On a later read, if the time is beyond the year 9999.
    pub fn following_tokio(start: Timestamp) -> Self {
        let origin = tokio::time::Instant::now();
        Self(Arc::new(move || {
            start
                + jiff::SignedDuration::try_from(origin.elapsed())
                    .unwrap_or(jiff::SignedDuration::MAX)
        }))
    }

    /// A clock that returns what `read` returns. A test can set such a clock back.
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
