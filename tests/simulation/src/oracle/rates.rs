//! How many requests Airtable gets, and how fast.
//!
//! Two workers of one message group may together exceed the limit that each keeps. This is excused
//! for the base that they work on, while both are working and for a second after.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Requests to one base that are allowed within [`SECOND`].
const LIMIT: usize = 5;
/// Requests of one user to all bases that are allowed within [`SECOND`].
const LIMIT_OF_USER: usize = 50;
const SECOND: Duration = Duration::from_secs(1);
/// How long nothing may be sent to a base that answered 429.
const PENALTY: Duration = Duration::from_secs(30);

/// The known requests, and who makes them.
#[derive(Default)]
pub(crate) struct Rates {
    recent: BTreeMap<String, VecDeque<Instant>>,
    recent_of_all: VecDeque<Instant>,
    /// The message groups of each running invocation.
    working: BTreeMap<u64, BTreeSet<String>>,
    /// Until when each group is excused.
    excused: BTreeMap<String, Instant>,
    /// When each base told an invocation that it sends too many requests. The next invocation of
    /// the process may be a plan after a chunk, which has a separate limiter.
    limited: BTreeMap<(u64, String), Instant>,
}

impl Rates {
    /// An invocation received messages of these groups.
    pub(crate) fn began(&mut self, invocation: u64, groups: BTreeSet<String>) {
        self.working.insert(invocation, groups);
    }

    pub(crate) fn ended(&mut self, invocation: u64, now: Instant) {
        for group in self.working.remove(&invocation).unwrap_or_default() {
            if self.working.values().any(|groups| groups.contains(&group)) {
                self.excused.insert(group, now + SECOND);
            }
        }
    }

    /// Airtable told an invocation that it sends too many requests.
    pub(crate) fn limited(&mut self, invocation: u64, base: &str, now: Instant) {
        self.limited.insert((invocation, base.to_owned()), now);
    }

    /// A request arrived that an invocation sent at `sent`. Returns what is wrong with it.
    pub(crate) fn asked(
        &mut self,
        invocation: u64,
        base: &str,
        sent: Instant,
        now: Instant,
    ) -> Option<String> {
        let limited = self.limited.get(&(invocation, base.to_owned()));
        if limited.is_some_and(|at| *at < sent && sent < *at + PENALTY) {
            return Some(format!("base {base} is asked again within 30 s of its 429"));
        }
        let of_all = among_recent(&mut self.recent_of_all, now);
        if of_all > LIMIT_OF_USER {
            return Some(format!("Airtable got {of_all} requests within a second"));
        }
        let of_base = among_recent(self.recent.entry(base.to_owned()).or_default(), now);
        (of_base > LIMIT && !self.is_excused(base, now))
            .then(|| format!("base {base} got {of_base} requests within a second"))
    }

    fn is_excused(&self, base: &str, now: Instant) -> bool {
        // A plan reads the master base and its client's base.
        let concerns = |group: &String| !group.starts_with("app") || group.starts_with(base);
        let lately = self.excused.iter().filter(|(_, until)| **until > now);
        let shared = self.working.values().flatten().filter(|group| {
            self.working.values().filter(|groups| groups.contains(*group)).count() > 1
        });
        shared.chain(lately.map(|(group, _)| group)).any(concerns)
    }
}

/// Adds a request to those of the last second, and returns their number.
fn among_recent(recent: &mut VecDeque<Instant>, now: Instant) -> usize {
    while recent.front().is_some_and(|at| *at + SECOND <= now) {
        recent.pop_front();
    }
    recent.push_back(now);
    recent.len()
}
