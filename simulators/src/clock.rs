//! The time.

use std::sync::Arc;

/// Where a simulator reads the time. A test passes a closure over paused time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>);

impl Clock {
    /// A clock that calls `now` each time.
    pub fn new(now: impl Fn() -> jiff::Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The machine's clock.
    pub fn system() -> Self {
        Self::new(jiff::Timestamp::now)
    }

    /// The time now.
    pub fn now(&self) -> jiff::Timestamp {
        (self.0)()
    }
}
