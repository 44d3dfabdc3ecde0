//! What is known about one lead's row.

use crate::scenario::Lead;
use std::collections::{BTreeMap, BTreeSet};

/// What is known about a lead's row.
pub(crate) struct LeadBook {
    pub(crate) slug: String,
    /// Words of posts for which any run wrote a score.
    pub(crate) all_scored: BTreeSet<String>,
    pub(crate) is_unreadable: bool,
    /// The field of its row that contains an error.
    pub(crate) odd: Option<&'static str>,
    /// The URLs of the posts in its row.
    pub(crate) posts: BTreeSet<String>,
    /// When its posts were last written.
    pub(crate) posts_written: u64,
    /// Posts that were lost between a read of the row and its write.
    pub(crate) lost: BTreeSet<String>,
    /// The posts that its row had before each of its writes.
    pub(crate) earlier_posts: Vec<(u64, BTreeSet<String>)>,
    /// When each run wrote scores, and for which posts, in order.
    pub(crate) scored: BTreeMap<String, Vec<(u64, BTreeSet<String>)>>,
    /// When each run wrote a score of its profile.
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
            earlier_posts: Vec::new(),
            scored: BTreeMap::new(),
            profile_scored: BTreeMap::new(),
        }
    }

    /// Whether its row has a post, or lost it in a way that cannot be prevented.
    pub(crate) fn has_or_lost(&self, url: &str) -> bool {
        self.posts.contains(url) || self.lost.contains(url)
    }

    /// When `run` wrote scores, and for which posts (by word).
    pub(crate) fn scored_by(&self, run: &str) -> Option<(u64, &BTreeSet<String>)> {
        self.scored.get(run)?.last().map(|(step, words)| (*step, words))
    }

    /// Whether `run` wrote scores after a worker's recent read of the row. The worker can overwrite
    /// them with its own failure, because Airtable has no conditional write.
    pub(crate) fn was_scored_since(&self, run: &str, moment: Option<u64>) -> bool {
        let written = self.scored_by(run).map(|(step, _)| step);
        written.zip(moment).is_some_and(|(written, look)| look < written)
    }

    /// The posts (by word) whose scores by `run` were in the row at `step`.
    pub(crate) fn scored_until(&self, run: &str, step: u64) -> Option<&BTreeSet<String>> {
        let writes = self.scored.get(run)?.iter().rev();
        writes.skip_while(|(written, _)| *written > step).map(|(_, words)| words).next()
    }

    /// The URLs of the posts in the row at `step`.
    pub(crate) fn posts_until(&self, step: u64) -> &BTreeSet<String> {
        let later = self.earlier_posts.iter().find(|(written, _)| *written > step);
        later.map_or(&self.posts, |(_, before)| before)
    }

    /// `from`, and each moment until `until` at which posts or scores were written. A listing with
    /// several pages shows a row at one of these moments.
    pub(crate) fn moments(&self, from: u64, until: u64) -> BTreeSet<u64> {
        let posts = self.earlier_posts.iter().map(|(written, _)| *written);
        let scores = self.scored.values().flatten().map(|(written, _)| *written);
        let within = posts.chain(scores).filter(|written| (from..=until).contains(written));
        within.chain([from]).collect()
    }

    /// Whether any run wrote a score of its profile.
    pub(crate) fn has_profile_score(&self) -> bool {
        !self.profile_scored.is_empty()
    }

    pub(crate) fn profile_scored_by(&self, run: &str) -> Option<u64> {
        self.profile_scored.get(run).copied()
    }
}

/// What this file promises about itself ([`super::CHECKS`]).
pub(super) mod checks {
    use super::*;

    fn words(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    pub(crate) fn a_row_is_known_as_it_was_at_each_moment() {
        let book = LeadBook {
            slug: String::new(),
            all_scored: BTreeSet::new(),
            is_unreadable: false,
            odd: None,
            posts: words(&["a", "b"]),
            posts_written: 20,
            lost: BTreeSet::new(),
            earlier_posts: vec![(5, words(&[])), (20, words(&["a"]))],
            scored: [("run".to_owned(), vec![(6, words(&["a"])), (21, words(&["a", "b"]))])].into(),
            profile_scored: BTreeMap::new(),
        };
        let at = |step| {
            (book.posts_until(step).len(), book.scored_until("run", step).map(BTreeSet::len))
        };
        assert_eq!(
            [4, 5, 19, 20, 21].map(at),
            [(0, None), (1, None), (1, Some(1)), (2, Some(1)), (2, Some(2)),]
        );
        assert_eq!(book.moments(7, 20), [7, 20].into(), "what a listing of two pages may show");
        let since = [Some(20), Some(21), None].map(|look| book.was_scored_since("run", look));
        assert_eq!(since, [true, false, false], "a look that saw the scores, or too long ago");
    }
}
