//! What a correct system must arrive at, known from how the world was made.
//!
//! Nothing here reads a URL, a cell or an item. Posts are known by the identity that they were
//! invented with, so a system that confuses two posts disagrees with these numbers.

use super::cases::Form;
use super::leads::Lead;
use super::posts::Post;
use shared::core::counted::counted;
use shared::messages::{ErrorCategory, SkipReason};
use simulators::gemini::Marker;
use std::collections::{BTreeMap, BTreeSet};

/// What a correct system must arrive at for one client's harvest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Target URLs in the actor's input, repetitions included.
    pub targets: u64,
    /// Targets for which it is not known whether they have posts, because the actor met an error.
    pub targets_unknown: u64,
    /// Posts, each counted once per profile or company under which it was found.
    pub posts_harvested: u64,
    /// The posts under a target that is a lead.
    pub posts_matched: u64,
    /// The posts under a target that is not a lead: another profile, or a company.
    pub posts_unmatched: u64,
    /// Distinct profiles among the targets, leads only.
    pub leads_planned: u64,
    /// Distinct profiles among the targets that are not leads.
    pub profiles_without_lead: u64,
    /// Leads whose posts are sent to the model: one call each, if no call is repeated.
    pub leads_asked: u64,
    /// Leads with a score.
    pub leads_scored: u64,
    /// Leads that need no score, by reason.
    pub leads_skipped: BTreeMap<SkipReason, u64>,
    /// Leads that can get no score, by category.
    pub leads_failed: BTreeMap<ErrorCategory, u64>,
    /// Posts with text of those leads, stored and harvested, each counted once.
    pub posts_examined: u64,
    /// Those of these posts that get a score.
    pub posts_scored: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Scored,
    Skipped(SkipReason),
    Failed(ErrorCategory),
    /// It is not known whether the lead has posts: its row is left alone.
    Unknown,
}

impl Expected {
    /// Counts a lead that is a target.
    pub(super) fn count_lead(&mut self, lead: &Lead) {
        self.targets += lead.targets.len() as u64;
        if verdict(lead) == Verdict::Unknown {
            self.targets_unknown += lead.targets.len() as u64;
            return;
        }
        let found: BTreeSet<u64> = lead.found.iter().map(|found| found.post.id).collect();
        self.posts_harvested += found.len() as u64;
        self.posts_matched += found.len() as u64;
        self.leads_planned += 1;
        let texts = worded(lead);
        let examined = texts.len() as u64;
        match verdict(lead) {
            Verdict::Scored => {
                let missed =
                    texts.values().filter(|text| text.contains(Marker::MissPost.text())).count();
                self.leads_scored += 1;
                self.leads_asked += 1;
                self.posts_examined += examined;
                self.posts_scored += examined - missed as u64;
            }
            Verdict::Unknown => {}
            Verdict::Skipped(reason) => *self.leads_skipped.entry(reason).or_default() += 1,
            Verdict::Failed(category) => {
                *self.leads_failed.entry(category).or_default() += 1;
                if category != ErrorCategory::PostsUnreadable {
                    self.leads_asked += 1;
                    self.posts_examined += examined;
                }
            }
        }
    }

    /// Counts a target that is not a lead, under which `posts` were found.
    pub(super) fn count_outsider(&mut self, posts: usize, is_company: bool) {
        self.targets += 1;
        self.posts_harvested += posts as u64;
        self.posts_unmatched += posts as u64;
        self.profiles_without_lead += u64::from(!is_company);
    }

    /// The text of the record's `Balance`.
    pub fn balance(&self) -> String {
        match self.targets_unknown {
            0 => "balanced".to_owned(),
            unknown => {
                let all = counted(self.targets, "target");
                format!("{unknown} of {all} unknown: no post among their items")
            }
        }
    }

    /// Leads that need no score, for any reason.
    pub fn all_skipped(&self) -> u64 {
        self.leads_skipped.values().sum()
    }

    /// Leads that can get no score, in any category.
    pub fn all_failed(&self) -> u64 {
        self.leads_failed.values().sum()
    }
}

pub(super) fn verdict(lead: &Lead) -> Verdict {
    if lead.case.target_fails {
        return Verdict::Unknown;
    }
    if lead.stored.form == Form::Prose {
        return Verdict::Failed(ErrorCategory::PostsUnreadable);
    }
    let texts = worded(lead);
    if texts.is_empty() {
        return Verdict::Skipped(SkipReason::NoContent);
    }
    let stored: BTreeSet<u64> = lead.stored.posts.iter().map(|post| post.id).collect();
    let has_new = lead.found.iter().any(|found| !stored.contains(&found.post.id));
    if lead.scored_before && !has_new {
        return Verdict::Skipped(SkipReason::NoNewPosts);
    }
    let holds = |marker: Marker| texts.values().any(|text| text.contains(marker.text()));
    if holds(Marker::SafetyBlock) {
        Verdict::Failed(ErrorCategory::SafetyBlock)
    } else if holds(Marker::Truncate) {
        Verdict::Failed(ErrorCategory::AiResponseFormat)
    } else {
        Verdict::Scored
    }
}

/// The texts of a lead's posts that have text, each post once.
fn worded(lead: &Lead) -> BTreeMap<u64, &str> {
    let found = lead.found.iter().map(|found| &found.post);
    let posts = lead.stored.posts.iter().chain(found).filter(|post: &&Post| post.has_words());
    posts.map(|post| (post.id, post.text.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_kind_of_lead_comes_to_its_own_end() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("data/cases.json")).unwrap();
        let [special @ .., _] = &cases[..] else { panic!("no cases") };
        for (place, case) in special.iter().enumerate() {
            let lead = Lead::invent(11, 400, place);
            let mut expected = Expected::default();
            expected.count_lead(&lead);
            let posts = json!([expected.posts_examined, expected.posts_scored]);
            assert_eq!(case["name"], lead.case.name);
            assert_eq!(case["becomes"], format!("{:?}", verdict(&lead)), "{case}");
            assert_eq!(case["posts"], posts, "{case}");
        }
    }

    #[test]
    fn after_the_special_leads_come_mixed_ones_that_are_always_scored() {
        for place in 20..200 {
            let lead = Lead::invent(11, 0, place);
            assert_eq!((lead.case.name.as_str(), verdict(&lead)), ("mixed", Verdict::Scored));
        }
        assert_eq!(Lead::invent(11, 0, 200).case.name, "originals");
    }
}
