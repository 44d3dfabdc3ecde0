//! Decides whose turn it is if there is more work than may be done at a time.

use crate::storage::Received;
use shared::messages::routes::{holder_of, is_plan_group};
use std::collections::HashMap;
use std::num::NonZeroUsize;

/// Most holders that are remembered after their last turn.
const REMEMBERED: usize = 1_000;

/// How work is shared among the holders: the clients' bases, and the clients' plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Most plans at the same time. Each may hold a page of a harvest.
    pub plans: NonZeroUsize,
    /// No message is added while messages of this many bytes are in work.
    pub bytes: usize,
}

/// What is in work, and when each holder last had a turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    at_work: HashMap<String, usize>,
    last: HashMap<String, u64>,
    count: u64,
    plans: usize,
    bytes: usize,
}

/// A message in work, until [`Turns::end`] gets it back.
#[derive(Debug)]
pub(super) struct Turn {
    group: String,
    bytes: usize,
}

impl Turns {
    /// The index of the group that comes next: of the holder with the least in work, and among
    /// those, of the holder that has waited longest for a turn.
    pub(super) fn choose(&self, groups: &[String], shares: Shares) -> Option<usize> {
        let may_begin = |group: &str| self.plans < shares.plans.get() || !is_plan_group(group);
        let rank = |group: &str| {
            let holder = holder_of(group);
            let at_work = self.at_work.get(holder).copied().unwrap_or_default();
            (at_work, self.last.get(holder).copied().unwrap_or_default())
        };
        let places = (0..groups.len()).filter(|place| may_begin(&groups[*place]));
        places.min_by_key(|place| rank(&groups[*place]))
    }

    pub(super) fn has_room(&self, shares: Shares) -> bool {
        self.bytes < shares.bytes
    }

    pub(super) fn begin(&mut self, message: &Received) -> Turn {
        let (group, bytes) = (message.group.clone(), message.body.len());
        let holder = holder_of(&group).to_owned();
        self.count += 1;
        self.plans += usize::from(is_plan_group(&group));
        self.bytes += bytes;
        *self.at_work.entry(holder.clone()).or_default() += 1;
        self.last.insert(holder, self.count);
        if self.last.len() > REMEMBERED {
            self.last.retain(|holder, _| self.at_work.contains_key(holder));
        }
        Turn { group, bytes }
    }

    pub(super) fn end(&mut self, turn: &Turn) {
        let holder = holder_of(&turn.group);
        self.plans -= usize::from(is_plan_group(&turn.group));
        self.bytes -= turn.bytes;
        if let Some(at_work) = self.at_work.get_mut(holder) {
            *at_work -= 1;
            if *at_work == 0 {
                self.at_work.remove(holder);
            }
        }
    }
}
