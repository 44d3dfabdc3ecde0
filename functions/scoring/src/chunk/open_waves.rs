//! Which waves of a chunk are open, and how many calls each of them may have in flight.
//!
//! A wave occupies the slots of its first round's calls until it has its answers. Later rounds may
//! have more calls; they use slots that are free at that time. A wave is open until its leads are
//! settled. Once one wave is settled, so that rows can evidently be written, the waves that wait to
//! be settled may have as many slots as the calls in flight.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// Waves that check and write their rows at the same time: enough to use a base's limit even if
/// Airtable takes a second to answer.
const WRITERS: usize = 4;

/// The call slots of a chunk's open waves.
#[derive(Debug)]
pub(super) struct OpenWaves {
    taken: Mutex<Taken>,
    freed: Notify,
    writers: Semaphore,
}

impl Default for OpenWaves {
    fn default() -> Self {
        let writers = Semaphore::new(WRITERS);
        Self { taken: Mutex::default(), freed: Notify::new(), writers }
    }
}

#[derive(Debug, Default)]
struct Taken {
    waves: u32,
    /// Slots of waves with calls in flight.
    calls: usize,
    /// Slots of waves that are not settled.
    unsettled: usize,
    /// Whether any wave is settled.
    has_settled: bool,
}

/// A wave that is open until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenWave<'a> {
    all: &'a OpenWaves,
    calls: usize,
    has_answers: bool,
}

/// The slots that a round uses in addition to those of its wave, until this is dropped.
#[derive(Debug)]
pub(super) struct Round<'a> {
    all: &'a OpenWaves,
    borrowed: usize,
    /// How many calls the round makes.
    pub(super) calls: usize,
}

impl OpenWaves {
    /// How many waves are open.
    pub(super) fn count(&self) -> u32 {
        self.lock().waves
    }

    /// Whether a wave with this many calls may start if at most `most` calls may be in flight. One
    /// wave may always be open.
    pub(super) fn have_room(&self, calls: usize, most: usize) -> bool {
        let taken = self.lock();
        let most_unsettled = if taken.has_settled { 2 * most } else { most };
        let fits = taken.calls + calls <= most && taken.unsettled + calls <= most_unsettled;
        taken.waves == 0 || fits
    }

    /// Whether a slot is free, or no wave is open. Then the rows of the next waves are read before
    /// the rows of these waves are written.
    pub(super) fn have_free_slot(&self, most: usize) -> bool {
        let taken = self.lock();
        taken.waves == 0 || taken.calls < most
    }

    /// Waits until a wave has its answers or is settled.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Waits until a wave with answers may check its rows and write them. Its turn lasts until the
    /// permit is dropped.
    pub(super) async fn turn_to_write(&self) -> SemaphorePermit<'_> {
        self.writers.acquire().await.expect("it is never closed")
    }

    /// Starts a wave with this many calls, or with the most that may be in flight.
    pub(super) fn begin(&self, calls: usize, most: usize) -> OpenWave<'_> {
        let calls = calls.min(most);
        let mut taken = self.lock();
        taken.waves += 1;
        taken.calls += calls;
        taken.unsettled += calls;
        OpenWave { all: self, calls, has_answers: false }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenWave<'_> {
    /// Starts a round of up to `wanted` calls, and at least one.
    pub(super) fn round(&self, wanted: usize, most: usize) -> Round<'_> {
        let mut taken = self.all.lock();
        let free = most.saturating_sub(taken.calls);
        let calls = wanted.min(self.calls + free).min(most).max(1);
        let borrowed = calls.saturating_sub(self.calls);
        taken.calls += borrowed;
        Round { all: self.all, borrowed, calls }
    }

    /// The wave has its answers, and makes no further calls.
    pub(super) fn has_answers(&mut self) {
        if !self.has_answers {
            self.has_answers = true;
            self.all.lock().calls -= self.calls;
        }
        self.all.freed.notify_one();
    }
}

impl Drop for OpenWave<'_> {
    fn drop(&mut self) {
        self.has_answers();
        let mut taken = self.all.lock();
        taken.waves -= 1;
        taken.unsettled -= self.calls;
        taken.has_settled = true;
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.all.lock().calls -= self.borrowed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn waves_begin_as_long_as_there_are_slots_for_their_calls() {
        let open = OpenWaves::default();
        let first = open.begin(2, 5);
        assert!(open.have_room(3, 5) && !open.have_room(4, 5));
        let second = open.begin(2, 5);
        assert!(!open.have_room(2, 5));
        drop(first);
        assert!(open.have_room(2, 5));
        assert!(!open.have_room(2, 3), "fewer may be in flight after a call was limited");
        drop(second);
        assert!(open.have_room(10, 5), "one wave may always be open");
        assert_eq!(open.count(), 0);
    }

    #[test]
    fn a_wave_with_its_answers_makes_room_for_one_other_and_not_for_two() {
        let open = OpenWaves::default();
        let mut unwritten = open.begin(4, 4);
        unwritten.has_answers();
        assert!(!open.have_room(1, 4), "it is not known yet whether rows can be written");
        assert!(open.have_free_slot(4) && !open.have_free_slot(0));
        drop(unwritten);
        let mut first = open.begin(4, 4);
        assert!(!open.have_room(4, 4));
        first.has_answers();
        assert!(open.have_room(4, 4));
        let mut second = open.begin(4, 4);
        second.has_answers();
        assert!(!open.have_room(4, 4), "two are not settled");
        drop(first);
        assert!(open.have_room(4, 4));
    }

    #[test]
    fn a_round_uses_free_slots_and_gives_them_back() {
        let open = OpenWaves::default();
        let wave = open.begin(2, 8);
        let other = open.begin(2, 8);
        let round = wave.round(10, 8);
        assert_eq!(round.calls, 6, "its own two and the four that nobody takes up");
        assert_eq!(other.round(10, 8).calls, 2);
        assert!(!open.have_room(1, 8));
        drop(round);
        assert!(open.have_room(4, 8));
        assert_eq!(wave.round(1, 8).calls, 1);
        assert_eq!(wave.round(10, 1).calls, 1, "the model limits calls");
        assert_eq!(open.begin(10, 8).round(10, 8).calls, 8, "no more than may be in flight");
    }

    #[tokio::test]
    async fn a_few_waves_at_a_time_look_at_their_rows_and_write_them() {
        let open = OpenWaves::default();
        let mut turns = Vec::new();
        for _ in 0..WRITERS {
            turns.push(open.turn_to_write().await);
        }
        assert!(open.turn_to_write().now_or_never().is_none());
        turns.pop();
        assert!(open.turn_to_write().now_or_never().is_some());
    }
}
