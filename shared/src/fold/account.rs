//! What became of the items and targets of a run's harvests.

use super::summary::{Account, Summary};
use crate::core::counted::counted;
use crate::messages::{Counted, HarvestAccount, Harvested};
use std::collections::BTreeMap;

/// How many names are kept for each reason.
const NAMED: usize = 3;

impl Account {
    /// Adds one harvest's report.
    pub(super) fn add(&mut self, harvested: &Harvested) {
        let Some(account) = &harvested.account else { return };
        self.items += u64::from(account.items);
        let is_no_post = account.unused_where(|reason| !reason.is_post());
        self.items_not_used += u64::from(is_no_post);
        let not_understood = account.unused_where(|reason| reason.is_not_understood());
        self.not_understood += u64::from(not_understood);
        self.targets_unknown += u64::from(account.unknown());
        merge(&mut self.unused, &account.unused);
        merge(&mut self.unknown, &account.targets_unknown);
        if account.input_is_missing {
            self.without_input.push(harvested.apify_run.clone());
        }
    }

    /// Whether anything is unknown or was not understood.
    pub(crate) fn has_gaps(&self) -> bool {
        self.not_understood > 0 || self.targets_unknown > 0 || !self.without_input.is_empty()
    }
}

fn merge<R: Ord + Copy>(known: &mut BTreeMap<R, Counted<R>>, added: &[Counted<R>]) {
    for one in added {
        let none = Counted { reason: one.reason, count: 0, first: Vec::new() };
        let counted = known.entry(one.reason).or_insert(none);
        counted.count += one.count;
        counted.first.extend(one.first.iter().cloned());
        counted.first.truncate(NAMED);
    }
}

/// What is unknown or was not understood in the harvests, for the field `Balance`.
pub(super) fn gaps(summary: &Summary) -> Vec<String> {
    let account = &summary.account;
    let mut found: Vec<String> = account
        .unknown
        .values()
        .map(|unknown| {
            let all = counted(summary.targets, "target");
            format!("{} of {all} unknown: {}", unknown.count, unknown.reason.as_str())
        })
        .collect();
    let odd = account.unused.values().filter(|unused| unused.reason.is_not_understood());
    found.extend(odd.map(|unused| {
        let all = counted(account.items, "item");
        format!("{} of {all} not understood: {}", unused.count, unused.reason.as_str())
    }));
    found.extend(account.without_input.iter().map(|harvest| {
        format!("targets: the input of Apify run {harvest} is missing or names none")
    }));
    let silent = summary.harvests_without_cost.len() as u64;
    if silent > 0 {
        found.push(format!("Apify costs: Apify reports none for {}", counted(silent, "harvest")));
    }
    found
}

/// What does not add up in one harvest's report.
pub(super) fn contradictions(harvested: &Harvested) -> Vec<String> {
    let Some(account) = &harvested.account else { return Vec::new() };
    let HarvestAccount { items, targets_with_posts, targets_empty, .. } = account;
    let (others, unknown) = (account.unused_where(|reason| !reason.is_post()), account.unknown());
    let mut found = Vec::new();
    if *items != harvested.posts + others {
        let posts = harvested.posts;
        found.push(format!("items: {items} read, but {posts} posts + {others} others"));
    }
    if harvested.targets != targets_with_posts + targets_empty + unknown {
        found.push(format!(
            "targets: {} named, but {targets_with_posts} with posts + {targets_empty} empty + \
             {unknown} unknown",
            harvested.targets
        ));
    }
    found
}
