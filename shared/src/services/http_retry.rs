//! The only way to repeat a call: delays that double, with jitter, and a maximum number of
//! attempts.

use std::fmt::Display;
use std::time::Duration;

/// How often a call is made, and how long to wait between attempts.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Upper bound of the delay after the first attempt. It doubles with each further attempt.
    pub first: Duration,
    /// Upper bound of every delay.
    pub longest: Duration,
    /// Number of attempts, including the first.
    pub attempts: u32,
}

/// The attempts made at one call.
#[derive(Debug)]
pub struct Attempts {
    policy: RetryPolicy,
    made: u32,
    jitter: fastrand::Rng,
}

impl RetryPolicy {
    /// Starts a call. Calls with different seeds have different delays, so calls that failed
    /// together are not repeated together.
    pub fn begin(self, seed: u64) -> Attempts {
        Attempts { policy: self, made: 1, jitter: fastrand::Rng::with_seed(seed) }
    }

    /// The delay after the `made`-th attempt: between half of its upper bound and the upper bound.
    /// `None` if no attempt is left.
    pub fn delay_after(self, made: u32, jitter: &mut fastrand::Rng) -> Option<Duration> {
        if made >= self.attempts {
            return None;
        }
        let doubled = self.first * 2_u32.pow((made - 1).min(20));
        Some(doubled.min(self.longest).mul_f64(0.5 + jitter.f64() / 2.0))
    }
}

impl Attempts {
    /// Counts a failed attempt. Returns the delay before the next one; `None` if no attempt is
    /// left.
    pub fn next_delay(&mut self) -> Option<Duration> {
        let delay = self.policy.delay_after(self.made, &mut self.jitter)?;
        self.made += 1;
        Some(delay)
    }

    /// Waits before the next attempt at `what`.
    ///
    /// # Errors
    /// Returns `error` if no attempt is left, or if it is not `transient`: the same call would fail
    /// again.
    pub async fn wait_after<E: Display>(
        &mut self,
        error: E,
        transient: bool,
        what: &str,
    ) -> Result<(), E> {
        let Some(delay) = self.next_delay().filter(|_| transient) else { return Err(error) };
        tracing::warn!(%error, request.what = what, delay.ms = delay.as_millis(), "request repeated");
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

/// A seed made from the request. It is the same in every process, so that a simulation can be
/// repeated.
pub fn seed_of(request: &[u8]) -> u64 {
    // FNV-1a is fast, and good enough to spread delays.
    let mix = |seed: u64, byte: &u8| (seed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    request.iter().fold(0xCBF2_9CE4_8422_2325, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy =
        RetryPolicy { first: Duration::from_secs(1), longest: Duration::from_secs(5), attempts: 5 };

    #[test]
    fn delays_double_up_to_the_longest_and_end() {
        let mut attempts = POLICY.begin(7);
        for longest in [1.0, 2.0, 4.0, 5.0] {
            let delay = attempts.next_delay().unwrap().as_secs_f64();
            assert!((longest / 2.0..=longest).contains(&delay), "{delay}");
        }
        assert_eq!(attempts.next_delay(), None);
    }

    #[test]
    fn requests_that_fail_together_come_back_apart_and_a_seed_repeats_its_delays() {
        let delay = |request: &str| POLICY.begin(seed_of(request.as_bytes())).next_delay();
        assert_ne!(delay("a"), delay("b"));
        assert_eq!(delay("a"), delay("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lasting_error_is_returned_at_once_and_a_transient_one_after_the_last_attempt() {
        let begun = tokio::time::Instant::now();
        assert_eq!(POLICY.begin(7).wait_after("no", false, "").await, Err("no"));
        assert!(begun.elapsed().is_zero());
        let mut attempts = POLICY.begin(7);
        let mut waits = 0;
        while attempts.wait_after("no", true, "").await.is_ok() {
            waits += 1;
        }
        assert_eq!(waits, 4);
        assert!(begun.elapsed() >= Duration::from_secs(6));
    }
}
