//! Scripted schedules: which work there is, which fault strikes which call, and what a person edits
//! when. Everything else succeeds.

use super::fault::Fault;
use shared::schema::clients;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A schedule that replays one cause. Times count from its start.
#[derive(Default)]
pub struct Script {
    pub(crate) work: Vec<Work>,
    pub(crate) edits: Vec<Edit>,
    /// Whether every invocation gets a new process.
    pub(crate) is_cold: bool,
    strikes: Vec<Strike>,
    slow: Vec<(Strike, Duration)>,
    held: Vec<(Strike, Duration)>,
}

/// Work of the first client.
pub(crate) enum Work {
    /// A harvest ends. All named harvests belong to one run.
    Harvest { is_named: bool, after: Duration },
    /// Somebody requests scoring of the waiting leads, in the run of the named harvests.
    Request { kind: &'static str, after: Duration },
    /// A run may use this many tokens.
    Limit { field: &'static str, tokens: u64 },
}

#[derive(Clone)]
pub(crate) enum Edit {
    /// A field of the run records has another name for a while.
    Rename { field: &'static str, during: Range<Duration> },
    /// Somebody reads the first run's record at this time.
    Read { after: Duration, field: &'static str, says: &'static str },
}

/// A call of a port: its name, and the texts in it.
pub(crate) struct Call<'a> {
    pub(crate) name: &'static str,
    pub(crate) about: &'a [&'a str],
}

impl Call<'_> {
    fn mentions(&self, word: &str) -> bool {
        self.name == word || self.about.iter().any(|text| text.contains(word))
    }
}

struct Strike {
    fault: Fault,
    /// Words that the call must contain.
    words: &'static [&'static str],
    during: Range<Duration>,
    times: u32,
    struck: AtomicU32,
}

impl Strike {
    /// The calls take longer, whenever they come.
    fn delay(words: &'static [&'static str], times: u32) -> Self {
        let during = Duration::ZERO..Duration::MAX;
        Self { fault: Fault::DelayedMinutes, words, during, times, struck: AtomicU32::new(0) }
    }

    fn meets(&self, fault: Fault, call: &Call<'_>, elapsed: Duration) -> bool {
        let meets = self.fault == fault
            && self.during.contains(&elapsed)
            && self.struck.load(Ordering::Relaxed) < self.times
            && self.words.iter().all(|word| call.mentions(word));
        if meets {
            self.struck.fetch_add(1, Ordering::Relaxed);
        }
        meets
    }
}

impl Script {
    /// A harvest ends, in a run that was named beforehand or in a separate run.
    pub fn harvest(mut self, is_named: bool, after: Duration) -> Self {
        self.work.push(Work::Harvest { is_named, after });
        self
    }

    /// Somebody requests scoring of the waiting leads.
    pub fn request(mut self, kind: &'static str, after: Duration) -> Self {
        self.work.push(Work::Request { kind, after });
        self
    }

    /// A run may use this many tokens for posts.
    pub fn limit(mut self, tokens: u64) -> Self {
        self.work.push(Work::Limit { field: clients::POST_TOKEN_LIMIT, tokens });
        self
    }

    /// A fault strikes the first `times` calls that contain these words.
    pub fn strike(self, fault: Fault, words: &'static [&'static str], times: u32) -> Self {
        self.strike_during(fault, words, times, Duration::ZERO..Duration::MAX)
    }

    /// Like [`Self::strike`], within some time.
    pub fn strike_during(
        mut self,
        fault: Fault,
        words: &'static [&'static str],
        times: u32,
        during: Range<Duration>,
    ) -> Self {
        self.strikes.push(Strike { fault, words, during, times, struck: AtomicU32::new(0) });
        self
    }

    /// The first `times` calls that contain these words take this long.
    pub fn slow(mut self, words: &'static [&'static str], times: u32, takes: Duration) -> Self {
        self.slow.push((Strike::delay(words, times), takes));
        self
    }

    /// The first `times` messages that contain these words arrive at this moment. Messages behind
    /// them do not wait.
    pub fn hold(mut self, words: &'static [&'static str], times: u32, until: Duration) -> Self {
        self.held.push((Strike::delay(words, times), until));
        self
    }

    /// The first run's record must say this at a moment.
    pub fn says(mut self, after: Duration, field: &'static str, says: &'static str) -> Self {
        self.edits.push(Edit::Read { after, field, says });
        self
    }

    /// A person gives a field of the run records another name for a while.
    pub fn rename(mut self, field: &'static str, during: Range<Duration>) -> Self {
        self.edits.push(Edit::Rename { field, during });
        self
    }

    /// Every invocation gets a new process.
    pub fn cold(mut self) -> Self {
        self.is_cold = true;
        self
    }

    /// Whether `fault` strikes this call, which begins now, in a schedule that began at `start`.
    pub(crate) fn strikes(&self, fault: Fault, call: &Call<'_>, start: Instant) -> bool {
        self.strikes.iter().any(|strike| strike.meets(fault, call, start.elapsed()))
    }

    pub(crate) fn held(&self, call: &Call<'_>, start: Instant) -> Option<Duration> {
        let held = |(strike, until): &(Strike, Duration)| {
            let is_held = strike.meets(strike.fault, call, start.elapsed());
            is_held.then(|| until.saturating_sub(start.elapsed()))
        };
        self.held.iter().find_map(held)
    }

    /// How much longer this call takes than others.
    pub(crate) fn delay(&self, call: &Call<'_>, start: Instant) -> Duration {
        let slow = |(strike, takes): &(Strike, Duration)| {
            strike.meets(strike.fault, call, start.elapsed()).then_some(*takes)
        };
        self.slow.iter().find_map(slow).unwrap_or_default()
    }

    /// The strikes that met no call, so that the cause of the script did not happen.
    pub(crate) fn missed(&self) -> Vec<String> {
        let timed = self.slow.iter().chain(&self.held).map(|(strike, _)| strike);
        let missed = self.strikes.iter().chain(timed);
        let missed = missed.filter(|strike| strike.struck.load(Ordering::Relaxed) == 0);
        missed.map(|strike| format!("{:?} at {:?}", strike.fault, strike.words)).collect()
    }
}
