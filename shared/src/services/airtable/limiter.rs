//! Keeps the request limit of each base.

use super::limiter_of_user::UserLimiter;
use super::rate::Rate;
use crate::core::ids::BaseId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Lets requests through at the limits of their base and of the user whose token they carry. All
/// clients in a process that reach the same bases share one `Limiters`.
#[derive(Debug)]
pub struct Limiters {
    rate: Rate,
    /// Whether other processes use the rest of each base's limit.
    is_one_of_many: bool,
    user: UserLimiter,
    bases: Mutex<Bases>,
}

#[derive(Debug, Default)]
struct Bases {
    limiters: HashMap<BaseId, Arc<Limiter>>,
    /// When the process took over the message group that it is working on.
    began: Option<Instant>,
}

impl Limiters {
    /// For a process that has `rate` of each base's limit, while other processes have the rest.
    pub fn of_one_process(rate: Rate) -> Self {
        Self {
            rate,
            is_one_of_many: true,
            user: UserLimiter::new(Rate::WHOLE_USER),
            bases: Mutex::default(),
        }
    }

    /// For the only process.
    pub fn of_the_only_process() -> Self {
        Self { is_one_of_many: false, ..Self::of_one_process(Rate::WHOLE_BASE) }
    }

    /// Starts work on a message group. If there are other processes, this one does not know what
    /// its predecessor did in the last second. So it uses its slots one by one, as the
    /// predecessor's slots become free.
    pub fn begin(&self) {
        if !self.is_one_of_many {
            return;
        }
        let mut bases = self.lock();
        let now = Instant::now();
        bases.began = Some(now);
        bases.limiters.values().for_each(|limiter| limiter.take_over(now));
    }

    /// Waits until the next process can [begin](Self::begin) work on the message group without
    /// exceeding the rate together with this one. If there are other processes, call it before you
    /// hand the group on.
    pub async fn rest(&self) {
        if !self.is_one_of_many {
            return;
        }
        let free_at = {
            let bases = self.lock();
            bases.limiters.values().filter_map(|base| base.may_hand_on_at()).max()
        };
        if let Some(free_at) = free_at {
            tokio::time::sleep_until(free_at).await;
        }
    }

    /// The state of the slots of each base that was used, sorted by base.
    pub fn slots(&self) -> Vec<BaseSlots> {
        let bases = self.lock();
        let mut slots: Vec<BaseSlots> =
            bases.limiters.iter().map(|(base, limiter)| limiter.slots_of(base)).collect();
        slots.sort_by(|a, b| a.base.cmp(&b.base));
        slots
    }

    pub(super) fn base(&self, base: &BaseId) -> Arc<Limiter> {
        let mut bases = self.lock();
        let began = bases.began;
        let limiter = bases.limiters.entry(base.clone()).or_insert_with(|| {
            let limiter = Limiter::new(self.rate);
            began.into_iter().for_each(|began| limiter.take_over(began));
            Arc::new(limiter)
        });
        Arc::clone(limiter)
    }

    fn lock(&self) -> MutexGuard<'_, Bases> {
        self.bases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn user(&self) -> &UserLimiter {
        &self.user
    }
}

/// The current state of one base's slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseSlots {
    pub base: BaseId,
    /// Requests per second that this process may make.
    pub slots: usize,
    /// Requests without an answer yet.
    pub in_use: usize,
    /// Slots whose last request was answered less than a second ago.
    pub resting: usize,
    /// How long the base will answer no request, after a 429.
    pub penalty: Option<Duration>,
}

impl BaseSlots {
    /// Whether every slot is free.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.in_use == 0 && self.resting == 0 && self.penalty.is_none()
    }
}

/// Lets requests to one base through at its [`Rate`].
///
/// A slot is free again `per` after its last request was *answered*, not sent. The service saw that
/// request before it answered. So it never sees more than `requests` requests within `per`, however
/// long they travel.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: Rate,
    slots: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When each unused slot may be used, soonest first.
    free_at: VecDeque<Instant>,
    /// No request is sent before this: the base answers nothing until then.
    penalty_until: Option<Instant>,
}

/// The right to make one request. Dropping it uses up the slot.
pub(super) struct Turn<'a> {
    limiter: &'a Limiter,
    _slot: SemaphorePermit<'a>,
}

impl Limiter {
    pub(super) fn new(rate: Rate) -> Self {
        let now = Instant::now();
        Self {
            rate,
            slots: Semaphore::new(rate.requests),
            state: Mutex::new(State {
                free_at: std::iter::repeat_n(now, rate.requests).collect(),
                penalty_until: None,
            }),
        }
    }

    #[cfg(test)]
    async fn turn(&self) -> Turn<'_> {
        self.turn_or_none(true).await.expect("whoever waits for a penalty gets a turn")
    }

    /// A turn; `None` while the base answers nothing, unless `waits_for_penalty`.
    pub(super) async fn turn_or_none(&self, waits_for_penalty: bool) -> Option<Turn<'_>> {
        let slot = self.slots.acquire().await.expect("the semaphore is never closed");
        let free_at = self.lock().free_at.pop_front().expect("a free slot per permit");
        let turn = Turn { limiter: self, _slot: slot };
        tokio::time::sleep_until(free_at).await;
        // A penalty may have started, or been extended, during the sleep.
        loop {
            let until = self.lock().penalty_until;
            match until {
                Some(until) if until > Instant::now() => {
                    if !waits_for_penalty {
                        return None;
                    }
                    tokio::time::sleep_until(until).await;
                }
                Some(_) | None => return Some(turn),
            }
        }
    }

    /// The base refused a request because of the rate: nothing is sent for `penalty`.
    pub(super) fn penalise(&self, penalty: Duration) {
        let until = Instant::now() + penalty;
        let mut state = self.lock();
        state.penalty_until = state.penalty_until.max(Some(until));
    }

    /// Makes the slots available one by one, starting at `began`.
    fn take_over(&self, began: Instant) {
        for (n, free_at) in self.lock().free_at.iter_mut().enumerate() {
            *free_at = (began + self.rate.wait_for_slot(n)).max(*free_at);
        }
    }

    /// When every slot will be free by the time the next process may use it.
    fn may_hand_on_at(&self) -> Option<Instant> {
        let state = self.lock();
        let by = |(n, free_at): (usize, &Instant)| *free_at - self.rate.wait_for_slot(n);
        state.free_at.iter().enumerate().map(by).max()
    }

    fn slots_of(&self, base: &BaseId) -> BaseSlots {
        let (now, state) = (Instant::now(), self.lock());
        let resting = state.free_at.iter().filter(|free_at| **free_at > now).count();
        let in_use = self.rate.requests - state.free_at.len();
        let penalty = state.penalty_until.and_then(|until| until.checked_duration_since(now));
        let penalty = penalty.filter(|left| !left.is_zero());
        BaseSlots { base: base.clone(), slots: self.rate.requests, in_use, resting, penalty }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.limiter.lock().free_at.push_back(Instant::now() + self.limiter.rate.per);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::airtable::{MAX_CHUNK_LANES, PLAN_LANES};
    use tokio::task::JoinSet;

    /// Makes `count` requests as fast as the limiter allows. The service sees the n-th request
    /// `latency(n)` milliseconds after it was sent. Returns when the service saw each request.
    async fn arrivals(count: usize, rate: Rate, latency: fn(usize) -> u64) -> Vec<Duration> {
        let limiter = Arc::new(Limiter::new(rate));
        let start = Instant::now();
        let mut requests = JoinSet::new();
        for n in 0..count {
            let limiter = Arc::clone(&limiter);
            requests.spawn(async move {
                let _turn = limiter.turn().await;
                tokio::time::sleep(Duration::from_millis(latency(n))).await;
                start.elapsed()
            });
        }
        let mut seen = requests.join_all().await;
        seen.sort_unstable();
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_sees_more_than_five_requests_whatever_they_take_on_the_way() {
        let seen = arrivals(60, Rate::WHOLE_BASE, |n| [0, 700, 40, 1500, 3][n % 5]).await;
        for six in seen.windows(6) {
            assert!(six[5] - six[0] >= Duration::from_secs(1), "{six:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answering_base_gets_five_requests_a_second() {
        let seen = arrivals(50, Rate::WHOLE_BASE, |_| 0).await;
        assert_eq!(seen.last().unwrap().as_secs(), 9);
    }

    #[test]
    fn all_that_ask_one_base_at_the_same_time_stay_below_its_limit_together() {
        let plans = Rate::PLAN.requests * PLAN_LANES as usize;
        assert_eq!(Rate::FINALIZER.requests + plans, Rate::WHOLE_BASE.requests);
        for lanes in 1..=MAX_CHUNK_LANES {
            let chunks = Rate::chunk(lanes).requests * lanes as usize;
            assert!(Rate::chunk(lanes).requests > 0);
            assert!(Rate::PLAN.requests + chunks <= Rate::WHOLE_BASE.requests, "{lanes} lanes");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_hands_over_rests_until_its_requests_are_a_second_old() {
        let base: BaseId = "appX8s1pPiBf5rqTz".parse().unwrap();
        for (limiters, rest) in
            [(Limiters::of_one_process(Rate::PLAN), 1), (Limiters::of_the_only_process(), 0)]
        {
            limiters.begin();
            drop(limiters.base(&base).turn().await);
            let answered = Instant::now();
            limiters.rest().await;
            assert_eq!(answered.elapsed(), Duration::from_secs(rest));
            limiters.rest().await;
            assert_eq!(answered.elapsed(), Duration::from_secs(rest));
        }
    }

    /// What a base sees of processes that work on one message group, one after another. Each makes
    /// `requests(n)` requests as fast as allowed, and each request takes 50 ms.
    async fn of_processes(rate: Rate, count: usize, requests: fn(usize) -> usize) -> Vec<Duration> {
        let base: BaseId = "appX8s1pPiBf5rqTz".parse().unwrap();
        let processes = [0, 1, 2].map(|_| Arc::new(Limiters::of_one_process(rate)));
        let (start, mut seen) = (Instant::now(), Vec::new());
        for n in 0..count {
            // The next process is another one, or the same one again.
            let limiters = &processes[[0, 1, 1, 2, 0, 2][n % 6]];
            limiters.begin();
            let mut at_once = JoinSet::new();
            for _ in 0..requests(n) {
                let limiter = limiters.base(&base);
                at_once.spawn(async move {
                    let _turn = limiter.turn().await;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    start.elapsed()
                });
            }
            seen.extend(at_once.join_all().await);
            limiters.rest().await;
        }
        seen.sort_unstable();
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn processes_that_follow_one_another_keep_their_part_together() {
        for rate in [Rate::PLAN, Rate::FINALIZER, Rate::chunk(1), Rate::chunk(2), Rate::chunk(3)] {
            for requests in [|_| 1, |n| [1, 7, 0, 2, 3, 12][n % 6], |_| 5] {
                let seen = of_processes(rate, 40, requests).await;
                for window in seen.windows(rate.requests + 1) {
                    let took = *window.last().unwrap() - window[0];
                    assert!(took >= Duration::from_secs(1), "{rate:?}: {window:?}");
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_is_handed_on_all_the_time_loses_hardly_a_request() {
        let rate = Rate::chunk(2);
        let seen = of_processes(rate, 40, |_| 6).await;
        let of_one = arrivals(seen.len(), rate, |_| 50).await;
        let (last, alone) = (*seen.last().unwrap(), *of_one.last().unwrap());
        assert!(last < alone + alone / 20, "{last:?} in place of {alone:?} without handing on");
    }

    #[tokio::test(start_paused = true)]
    async fn it_tells_how_its_slots_stand() {
        let base: BaseId = "appX8s1pPiBf5rqTz".parse().unwrap();
        let limiters = Limiters::of_the_only_process();
        let limiter = limiters.base(&base);
        let first = limiter.turn().await;
        drop(limiter.turn().await);
        limiter.penalise(Duration::from_secs(30));
        let stand = |in_use, resting, seconds: u64| {
            let penalty = (seconds > 0).then(|| Duration::from_secs(seconds));
            vec![BaseSlots { base: base.clone(), slots: 5, in_use, resting, penalty }]
        };
        assert_eq!(limiters.slots(), stand(1, 1, 30));
        tokio::time::advance(Duration::from_secs(10)).await;
        drop(first);
        assert_eq!(limiters.slots(), stand(0, 1, 20));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(limiters.slots(), stand(0, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_penalty_holds_every_later_request_back() {
        let limiter = Limiter::new(Rate::WHOLE_BASE);
        let start = Instant::now();
        drop(limiter.turn().await);
        limiter.penalise(Duration::from_secs(30));
        drop(limiter.turn().await);
        assert_eq!(start.elapsed(), Duration::from_secs(30));
    }
}
