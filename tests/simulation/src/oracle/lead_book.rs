//! What is known of one lead's row.

use crate::scenario::Lead;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a lead's row.
pub(crate) struct LeadBook {
    pub(crate) slug: String,
    /// Words of posts that any run wrote a score of.
    pub(crate) all_scored: BTreeSet<String>,
    pub(crate) is_unreadable: bool,
    /// The field of its row that holds an error.
    pub(crate) odd: Option<&'static str>,
    /// The URLs of posts that its row has.
    pub(crate) posts: BTreeSet<String>,
    /// When its posts were last written.
    pub(crate) posts_written: u64,
    /// Posts that were lost in the moment between a look at the row and its write.
    pub(crate) lost: BTreeSet<String>,
    /// When which run wrote scores of which posts.
    pub(crate) scored: BTreeMap<String, (u64, BTreeSet<String>)>,
    /// When which run wrote a score of its profile.
    pub(crate) profile_scored: BTreeMap<String, u64>,
}

impl LeadBook {
    pub(crate) fn of(lead: &Lead) -> Self {
        let Lead { slug, stored, is_unreadable, odd, .. } = lead;
        Self {
            slug: slug.clone(),
            is_unreadable: *is_unreadable,
            odd: *odd,
            posts: stored.clone(),
            posts_written: 0,
            lost: BTreeSet::new(),
            all_scored: BTreeSet::new(),
            scored: BTreeMap::new(),
            profile_scored: BTreeMap::new(),
        }
    }

    /// Whether its row has a post, or lost it in a way that nobody can prevent.
    pub(crate) fn has_or_lost(&self, url: &str) -> bool {
        self.posts.contains(url) || self.lost.contains(url)
    }

    /// When `run` wrote scores, and of which posts (by word).
    pub(crate) fn scored_by(&self, run: &str) -> Option<(u64, &BTreeSet<String>)> {
        self.scored.get(run).map(|(step, words)| (*step, words))
    }

    /// Whether any run wrote a score of its profile.
    pub(crate) fn has_profile_score(&self) -> bool {
        !self.profile_scored.is_empty()
    }

    pub(crate) fn profile_scored_by(&self, run: &str) -> Option<u64> {
        self.profile_scored.get(run).copied()
    }
}
