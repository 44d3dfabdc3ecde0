//! Accounts for every item and target of a harvest.

use super::input::Target;
use super::target::TargetKey;
use shared::messages::{Counted, HarvestStatus, UnknownReason};
use shared::services::apify::ApifyRun;
use std::collections::{BTreeMap, BTreeSet};

/// How many names are kept for each reason.
const NAMED: usize = 3;

/// Counts by reason, with the first few names.
#[derive(Debug)]
pub(super) struct Reasons<R>(BTreeMap<R, Counted<R>>);

impl<R: Ord + Copy> Reasons<R> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn add(&mut self, reason: R, name: &str) {
        let none = Counted { reason, count: 0, first: Vec::new() };
        let counted = self.0.entry(reason).or_insert(none);
        counted.count += 1;
        if counted.first.len() < NAMED && !counted.first.iter().any(|known| known == name) {
            counted.first.push(name.to_owned());
        }
    }

    pub(super) fn get(&self, reason: R) -> Option<&Counted<R>> {
        self.0.get(&reason)
    }

    pub(super) fn into_list(self) -> Vec<Counted<R>> {
        self.0.into_values().collect()
    }
}

/// What became of the targets.
pub(super) struct Targets {
    pub(super) all: u32,
    pub(super) with_posts: u32,
    /// Targets that are known to have no posts.
    pub(super) empty: BTreeSet<TargetKey>,
    pub(super) empty_count: u32,
    pub(super) unknown: Vec<Counted<UnknownReason>>,
}

/// The facts that decide about targets without a post.
pub(super) struct Seen<'a> {
    pub(super) run: &'a ApifyRun,
    pub(super) status: HarvestStatus,
    pub(super) items: u32,
    /// Why nothing is known about targets that have no item.
    pub(super) doubt: Option<UnknownReason>,
    pub(super) has_posts: &'a BTreeSet<TargetKey>,
    /// Targets that are named by any item.
    pub(super) has_items: &'a BTreeSet<TargetKey>,
}

impl Targets {
    /// Counts each target once, even if the input names it several times with the same text.
    pub(super) fn of(entries: &[Target], seen: &Seen<'_>) -> Self {
        let has_none =
            |entry: &&Target| entry.is_readable() && !seen.has_items.contains(&entry.key);
        let without = entries.iter().filter(has_none).count();
        let doubt = seen.doubt(without as u64);
        let mut targets = Self {
            all: 0,
            with_posts: 0,
            empty: BTreeSet::new(),
            empty_count: 0,
            unknown: Vec::new(),
        };
        let mut unknown = Reasons::new();
        let mut texts = BTreeSet::new();
        for entry in entries.iter().filter(|entry| texts.insert(entry.text.trim())) {
            targets.all += 1;
            if !entry.is_readable() {
                unknown.add(UnknownReason::NotReadable, &entry.key.to_string());
            } else if seen.has_posts.contains(&entry.key) {
                targets.with_posts += 1;
            } else if seen.has_items.contains(&entry.key) {
                unknown.add(UnknownReason::NoPostAmongItems, &entry.key.to_string());
            } else if let Some(reason) = doubt {
                unknown.add(reason, &entry.key.to_string());
            } else {
                targets.empty_count += 1;
                targets.empty.insert(entry.key.clone());
            }
        }
        targets.unknown = unknown.into_list();
        targets
    }
}

impl Seen<'_> {
    /// Why it is unknown whether the targets without an item have posts; `None` if the charged
    /// events say that none of them has.
    fn doubt(&self, without_items: u64) -> Option<UnknownReason> {
        let run = self.run;
        let is_cut = self.status != HarvestStatus::Succeeded;
        let max_items = run.max_items.is_some_and(|most| u64::from(self.items) >= most);
        // The actor stops if the next event would exceed the limit.
        let charge_limit =
            run.max_charge.zip(run.cost).is_some_and(|(most, cost)| cost.0 >= most.0 / 20 * 19);
        match run.empty_targets() {
            _ if self.doubt.is_some() => self.doubt,
            _ if is_cut => Some(UnknownReason::CutShort),
            _ if max_items => Some(UnknownReason::MaxItems),
            Some(charged) if charged >= without_items => None,
            _ if charge_limit => Some(UnknownReason::ChargeLimit),
            Some(_) => Some(UnknownReason::NotCharged),
            None => Some(UnknownReason::NotSaid),
        }
    }
}
