//! Keeps the request limit of the user whose tokens the requests carry, over all bases.

use super::rate::Rate;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

/// Lets requests through at a [`Rate`], in the order in which they came, but urgent ones first. As
/// in the limiter of a base, a slot is free again some time after its last request was answered.
#[derive(Debug)]
pub(super) struct UserLimiter {
    rate: Rate,
    /// The holder is next, unless an urgent request waits.
    line: Semaphore,
    changed: Notify,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When each unused slot may be used, soonest first.
    free_at: VecDeque<Instant>,
    /// How many urgent requests are waiting.
    urgent: usize,
}

/// The right to make one request. Dropping it uses up the slot.
pub(super) struct UserTurn<'a>(&'a UserLimiter);

/// An urgent request is waiting until this is dropped.
struct Urgent<'a>(&'a UserLimiter);

impl UserLimiter {
    pub(super) fn new(rate: Rate) -> Self {
        let free_at = std::iter::repeat_n(Instant::now(), rate.requests).collect();
        let state = Mutex::new(State { free_at, urgent: 0 });
        Self { rate, line: Semaphore::new(1), changed: Notify::new(), state }
    }

    pub(super) async fn turn(&self, is_urgent: bool) -> UserTurn<'_> {
        let _urgent = is_urgent.then(|| self.wait_urgently());
        let _next = if is_urgent { None } else { Some(self.line.acquire().await) };
        loop {
            // Created before the check, so that it sees every change after the check.
            let changed = self.changed.notified();
            match self.take(is_urgent) {
                Ok(turn) => return turn,
                Err(Some(free_at)) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(free_at) => {}
                },
                Err(None) => changed.await,
            }
        }
    }

    /// A free slot, or when the next one will be free, if that is known.
    fn take(&self, is_urgent: bool) -> Result<UserTurn<'_>, Option<Instant>> {
        let mut state = self.lock();
        if !is_urgent && state.urgent > 0 {
            return Err(None);
        }
        match state.free_at.front().copied() {
            Some(free_at) if free_at <= Instant::now() => {
                state.free_at.pop_front();
                Ok(UserTurn(self))
            }
            free_at => Err(free_at),
        }
    }

    fn wait_urgently(&self) -> Urgent<'_> {
        self.lock().urgent += 1;
        Urgent(self)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Urgent<'_> {
    fn drop(&mut self) {
        self.0.lock().urgent -= 1;
        self.0.changed.notify_waiters();
    }
}

impl Drop for UserTurn<'_> {
    fn drop(&mut self) {
        let free_at = Instant::now() + self.0.rate.per;
        self.0.lock().free_at.push_back(free_at);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::task::JoinSet;

    /// When, and in which order, `count` simultaneous requests go through. An urgent request comes
    /// half a second later.
    async fn order(count: usize) -> Vec<(String, Duration)> {
        let limiter = Arc::new(UserLimiter::new(Rate::WHOLE_USER));
        let (start, seen) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
        let mut requests = JoinSet::new();
        for n in 0..=count {
            let (limiter, seen) = (Arc::clone(&limiter), Arc::clone(&seen));
            requests.spawn(async move {
                let is_urgent = n == count;
                let name = if is_urgent { "urgent".to_owned() } else { n.to_string() };
                if is_urgent {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                let _turn = limiter.turn(is_urgent).await;
                seen.lock().unwrap().push((name, start.elapsed()));
                tokio::time::sleep(Duration::from_millis(10)).await;
            });
        }
        requests.join_all().await;
        std::mem::take(&mut *seen.lock().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_sees_more_than_fifty_requests_and_each_second_nearly_as_many() {
        let seen = order(500).await;
        assert_eq!(seen.len(), 501);
        for window in seen.windows(51) {
            assert!(window[50].1 - window[0].1 >= Duration::from_secs(1), "{window:?}");
        }
        assert!(seen.last().unwrap().1 < Duration::from_millis(10_200), "{:?}", seen.last());
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_request_goes_through_before_all_that_wait_and_those_in_their_order() {
        let seen = order(200).await;
        let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[50], "urgent", "fifty went through before it came: {names:?}");
        let others: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        let of_others: Vec<&str> = names.into_iter().filter(|name| *name != "urgent").collect();
        assert_eq!(of_others, others);
    }
}
