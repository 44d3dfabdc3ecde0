//! Writes to the rows of leads.

use super::json::{at, cell, cell_text, list, parsed, text, texts};
use super::oracle::Oracle;
use super::promise::Invariant;
use serde_json_borrow::Value;
use shared::schema::leads as schema;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// A worker reads rows again if it read them longer ago.
const MOMENT: Duration = Duration::from_secs(10);

impl Oracle {
    /// An invocation read rows of leads. Its knowledge is as old as the first page. It decides by
    /// rows that were read with their profiles' URLs; other rows are read only to check for
    /// changes.
    pub(crate) fn leads_read(&mut self, invocation: u64, step: u64, asked: &[u8]) {
        let request = parsed(asked);
        let is_first = at(&request, "/offset").is_none();
        let fields = texts(&request, "/fields");
        let decides = fields.len() > 1 && fields.iter().any(|field| field == schema::PROFILE_URL);
        if let Some(known) = self.invocations.get_mut(&invocation).filter(|_| is_first) {
            known.looked_at = Some((step, Instant::now()));
            if decides {
                known.read_at = step;
            }
        }
        if let Some(known) = self.invocations.get_mut(&invocation).filter(|_| decides) {
            known.read_until = step;
        }
    }

    pub(crate) fn leads_written(&mut self, invocation: u64, step: u64, asked: &[u8]) {
        let request = parsed(asked);
        let run = self.run_of(invocation);
        for row in list(&request, "/records") {
            let (record, Some(cells)) = (text(row, "/id"), at(row, "/fields")) else { continue };
            let Some(slug) = self.leads.get(record).map(|lead| lead.slug.clone()) else { continue };
            self.check_posts((invocation, step), record, cells);
            let words = self.check_evaluation(invocation, &slug, cells);
            let has_profile_score = self.check_profile(invocation, &slug, cells);
            let moment = self.looked_a_moment_ago(invocation);
            let Some(lead) = self.leads.get_mut(record) else { continue };
            lead.all_scored.extend(words.iter().cloned());
            let has_failed = parsed(cell_text(cells, schema::POSTS_EVALUATION)).is_object();
            if !words.is_empty() || has_failed && lead.was_scored_since(&run, moment) {
                lead.scored.entry(run.clone()).or_default().push((step, words));
            }
            if has_profile_score {
                lead.profile_scored.insert(run.clone(), step);
            }
        }
    }

    /// When a worker read its rows, if that was recently.
    fn looked_a_moment_ago(&self, invocation: u64) -> Option<u64> {
        let (look, at) = self.invocations.get(&invocation)?.looked_at?;
        (at.elapsed() <= MOMENT).then_some(look)
    }

    /// A row loses no post, unless it was changed between a worker's read and its write, because
    /// Airtable has no conditional write.
    fn check_posts(&mut self, (invocation, step): (u64, u64), record: &str, cells: &Value<'_>) {
        let Some(content) = cell(cells, schema::POSTS_CONTENT) else { return };
        let posts = parsed(content.as_str().unwrap_or_default());
        let posts: BTreeSet<String> =
            list(&posts, "").map(|post| text(post, "/postUrl").to_owned()).collect();
        let moment = self.looked_a_moment_ago(invocation);
        let Some(lead) = self.leads.get_mut(record) else { return };
        let has_lost = lead.is_unreadable || !posts.is_superset(&lead.posts);
        let what = format!("lead {} lost posts", lead.slug);
        let was_changed_since = moment.is_some_and(|look| look < lead.posts_written);
        lead.posts_written = step;
        let before = std::mem::replace(&mut lead.posts, posts);
        let lost: Vec<String> = before.difference(&lead.posts).cloned().collect();
        lead.earlier_posts.push((step, before));
        if has_lost && was_changed_since {
            lead.lost.extend(lost);
        } else if has_lost {
            self.violate(Invariant::Leads, what);
        }
    }

    /// A row gets scores of its own posts, from complete answers. Returns the posts' words.
    fn check_evaluation(
        &mut self,
        invocation: u64,
        slug: &str,
        cells: &Value<'_>,
    ) -> BTreeSet<String> {
        let evaluation = parsed(cell_text(cells, schema::POSTS_EVALUATION));
        let mut words = BTreeSet::new();
        for post in list(&evaluation, "") {
            let url = text(post, "/post_url");
            let word = self.words_by_url.get(url).cloned().unwrap_or_default();
            let known = self.invocations.get(&invocation);
            let score = known.and_then(|known| known.scores.get(&word).copied());
            if self.slugs_by_word.get(&word).is_none_or(|of| of != slug) {
                let what = format!("lead {slug} got a score of post {url}");
                self.violate(Invariant::Leads, what);
            } else if score.is_none() || score != at(post, "/post_score").and_then(Value::as_u64) {
                let what =
                    format!("lead {slug} got a score of post {url} that no whole answer gave");
                self.violate(Invariant::Leads, what);
            }
            words.insert(word);
        }
        let is_error = evaluation.is_object() && text(&evaluation, "/error") != "SAFETY_BLOCK";
        if is_error && cell(cells, schema::DATE_POSTS_SCORED).is_some_and(|date| !date.is_null()) {
            let what = format!("lead {slug} failed and is dated: it is never tried again");
            self.violate(Invariant::Leads, what);
        }
        words
    }

    /// A row gets its own profile's assessment, from a complete answer. Returns whether it gets
    /// one.
    fn check_profile(&mut self, invocation: u64, slug: &str, cells: &Value<'_>) -> bool {
        let is_scored = cell_text(cells, schema::SCORING_STATUS) == schema::SCORED;
        let known = self.invocations.get(&invocation);
        let reasons = known.and_then(|known| known.reasons.get(slug));
        let breakdown = cell_text(cells, schema::AI_BREAKDOWN);
        let is_own = reasons.is_some_and(|r| r.iter().all(|reason| breakdown.contains(reason)));
        if is_scored && !is_own {
            let what = format!("lead {slug} got a profile score that no whole answer gave");
            self.violate(Invariant::Leads, what);
        }
        is_scored
    }
}
