//! Where every item and target of a run's harvests must be counted.

use super::oracle::Oracle;
use super::run_book::{RunBook, UNATTRIBUTED};
use crate::scenario::Scenario;
use simulators::apify::RunStatus;
use std::collections::{BTreeMap, BTreeSet};

/// Where the items and targets of a run's harvests must be counted.
#[derive(Default)]
pub(super) struct Account {
    items: u64,
    targets: u64,
    /// Targets for which it is not known whether they have posts, because of `maxItems` or because
    /// the harvest was cut short.
    unknown: [u64; 2],
    strange: u64,
    damaged: u64,
    pub(super) items_not_used: u64,
}

impl Account {
    pub(super) fn unknown_targets(&self) -> u64 {
        self.unknown.iter().sum()
    }

    /// What `Balance` must say about this.
    pub(super) fn gaps(&self) -> Vec<String> {
        let (items, targets) = (counted(self.items, "item"), counted(self.targets, "target"));
        let [full, cut] = self.unknown;
        let lines = [
            (full, format!("{full} of {targets} unknown: maxItems reached")),
            (cut, format!("{cut} of {targets} unknown: the harvest was cut short")),
            (self.strange, format!("{} of {items} not understood: unknown shape", self.strange)),
            (self.damaged, format!("{} of {items} not understood: damaged item", self.damaged)),
        ];
        lines.into_iter().filter(|(count, _)| *count > 0).map(|(_, line)| line).collect()
    }
}

impl Oracle {
    pub(super) fn account_of(&self, scenario: &Scenario, run: &str, book: &RunBook) -> Account {
        let mut account = Account::default();
        for index in &book.harvests {
            let harvest = &scenario.harvests[*index];
            let odd = self.odd.get(index).cloned().unwrap_or_default();
            let items = harvest.items.len() as u64 + odd.items;
            let without_item = harvest.targets_without_item() as u64;
            account.items += items;
            account.targets += harvest.targets.len() as u64;
            account.strange += odd.strange;
            account.damaged += odd.damaged;
            if harvest.status != RunStatus::Succeeded {
                account.unknown[1] += without_item;
            } else if odd.is_full {
                account.unknown[0] += without_item;
            }
            let used = self.used(book, run, &harvest.posts);
            account.items_not_used += items - used;
        }
        account
    }

    /// How many posts of a harvest became posts of leads.
    fn used(&self, book: &RunBook, run: &str, posts: &BTreeMap<String, BTreeSet<String>>) -> u64 {
        if run.ends_with(UNATTRIBUTED) {
            return 0;
        }
        let leads = book
            .outcomes
            .iter()
            .filter(|((kind, _), outcome)| *kind == "post" && outcome.name != "not_a_lead")
            // A row with an unreadable URL has its own key, and no posts belong to it.
            .filter(|((_, key), _)| self.harvested_keys.contains(key));
        let slugs: BTreeSet<&String> =
            leads.filter_map(|((_, key), _)| self.slugs_by_key.get(key)).collect();
        let of_leads = posts.iter().filter(|(slug, _)| slugs.contains(slug));
        of_leads.map(|(_, posts)| posts.len() as u64).sum()
    }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
