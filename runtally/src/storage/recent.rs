//! The last events that this process stored, so that a reader of a run reads only what is new.

use shared::core::ids::RunId;
use std::collections::VecDeque;

/// Most bytes of events that are kept. They cover many seconds, and an open page reads every few
/// hundred milliseconds.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// What the last appends stored, oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    appends: VecDeque<Append>,
    bytes: usize,
}

#[derive(Debug)]
struct Append {
    run: RunId,
    /// The number of this append to its run.
    count: u64,
    /// The bodies of the events that were not stored before.
    new: Vec<String>,
}

impl Append {
    fn bytes(&self) -> usize {
        self.run.as_str().len() + self.new.iter().map(String::len).sum::<usize>()
    }
}

impl Recent {
    /// Keeps the events of the `count`-th append to a run.
    pub(super) fn add(&mut self, run: &RunId, count: u64, new: Vec<String>) {
        let append = Append { run: run.clone(), count, new };
        self.bytes += append.bytes();
        self.appends.push_back(append);
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.appends.pop_front() else { break };
            self.bytes -= oldest.bytes();
        }
    }

    /// The events of the appends to a run after the first `before`, up to the `now`-th. `None`
    /// unless each of these appends is kept exactly once: others may write to the same file, and
    /// failed appends are kept too.
    pub(super) fn since(&self, run: &RunId, before: u64, now: u64) -> Option<Vec<String>> {
        let of_run = self.appends.iter().rev().filter(|append| append.run == *run);
        let mut later: Vec<&Append> = of_run.take_while(|append| append.count > before).collect();
        later.retain(|append| append.count <= now);
        later.reverse();
        let is_whole = later.iter().map(|append| append.count).eq(before + 1..=now);
        is_whole.then(|| later.into_iter().flat_map(|append| append.new.iter().cloned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str) -> RunId {
        format!("261123-094519-{name}").parse().unwrap()
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_came_since_is_told_only_if_all_of_it_is_known() {
        let (jane, max) = (run("jane"), run("max"));
        let mut recent = Recent::default();
        recent.add(&jane, 3, texts(&["c"]));
        recent.add(&max, 1, texts(&["x"]));
        recent.add(&jane, 4, texts(&[]));
        recent.add(&jane, 5, texts(&["d", "e"]));
        assert_eq!(recent.since(&jane, 2, 5), Some(texts(&["c", "d", "e"])));
        assert_eq!(recent.since(&jane, 4, 5), Some(texts(&["d", "e"])));
        assert_eq!(recent.since(&jane, 5, 5), Some(texts(&[])));
        assert_eq!(recent.since(&jane, 1, 5), None, "the second is not known");
        assert_eq!(recent.since(&jane, 4, 6), None, "somebody else appended");
        // A failed transaction left the same number twice.
        recent.add(&jane, 6, texts(&["f"]));
        recent.add(&jane, 6, texts(&["g"]));
        assert_eq!(recent.since(&jane, 5, 6), None);
    }

    #[test]
    fn only_so_many_bytes_are_kept() {
        let (jane, mut recent) = (run("jane"), Recent::default());
        for count in 1..=20 {
            recent.add(&jane, count, vec!["x".repeat(MOST_BYTES / 8)]);
        }
        assert!(recent.bytes <= MOST_BYTES && recent.appends.len() == 7);
        assert_eq!(recent.since(&jane, 19, 20).map(|new| new.len()), Some(1));
        assert_eq!(recent.since(&jane, 0, 20), None);
    }
}
