//! What is written to the rows of leads.

use super::json::{at, cell, cell_text, list, parsed, text};
use super::oracle::Oracle;
use super::promise::Invariant;
use serde_json_borrow::Value;
use shared::schema::leads as schema;
use std::collections::BTreeSet;

impl Oracle {
    /// An invocation read rows of leads: what it knows is as old as the first page.
    pub(crate) fn leads_read(&mut self, invocation: u64, step: u64, asked: &[u8]) {
        let is_first = at(&parsed(asked), "/offset").is_none();
        if let Some(known) = self.invocations.get_mut(&invocation).filter(|_| is_first) {
            known.read_at = step;
        }
    }

    /// An invocation wrote rows of leads.
    pub(crate) fn leads_written(&mut self, invocation: u64, step: u64, asked: &[u8]) {
        let request = parsed(asked);
        let run = self.run_of(invocation);
        for row in list(&request, "/records") {
            let Some(cells) = at(row, "/fields") else { continue };
            self.check_row(invocation, &run, step, text(row, "/id"), cells);
        }
    }

    fn check_row(
        &mut self,
        invocation: u64,
        run: &str,
        step: u64,
        record: &str,
        cells: &Value<'_>,
    ) {
        let Some(lead) = self.leads.get_mut(record) else { return };
        let slug = lead.slug.clone();
        let mut broken = Vec::new();
        if let Some(content) = cell(cells, schema::POSTS_CONTENT) {
            let posts = parsed(content.as_str().unwrap_or_default());
            let posts: BTreeSet<String> =
                list(&posts, "").map(|post| text(post, "/postUrl").to_owned()).collect();
            if lead.is_unreadable || !posts.is_superset(&lead.posts) {
                broken.push((Invariant::Leads, format!("lead {slug} lost posts")));
            }
            lead.posts = posts;
        }
        let evaluation = parsed(cell_text(cells, schema::POSTS_EVALUATION));
        let mut words = BTreeSet::new();
        for post in list(&evaluation, "") {
            let url = text(post, "/post_url");
            let word = self.words_by_url.get(url).cloned().unwrap_or_default();
            let known = self.invocations.get(&invocation);
            let score = known.and_then(|known| known.scores.get(&word).copied());
            if self.slugs_by_word.get(&word) != Some(&slug) {
                broken.push((Invariant::Leads, format!("lead {slug} got a score of post {url}")));
            } else if score.is_none() || score != at(post, "/post_score").and_then(Value::as_u64) {
                let what =
                    format!("lead {slug} got a score of post {url} that no whole answer gave");
                broken.push((Invariant::Leads, what));
            }
            words.insert(word);
        }
        let is_scored = cell_text(cells, schema::SCORING_STATUS) == schema::SCORED;
        let known = self.invocations.get(&invocation);
        let reasons = known.and_then(|known| known.reasons.get(&slug));
        let breakdown = cell_text(cells, schema::AI_BREAKDOWN);
        let is_own = reasons.is_some_and(|r| r.iter().all(|reason| breakdown.contains(reason)));
        if is_scored && !is_own {
            let what = format!("lead {slug} got a profile score that no whole answer gave");
            broken.push((Invariant::Leads, what));
        }
        let is_error = evaluation.is_object() && text(&evaluation, "/error") != "SAFETY_BLOCK";
        if is_error && cell(cells, schema::DATE_POSTS_SCORED).is_some_and(|date| !date.is_null()) {
            let what = format!("lead {slug} failed and is dated: it is never tried again");
            broken.push((Invariant::Leads, what));
        }
        if let Some(lead) = self.leads.get_mut(record) {
            lead.all_scored.extend(words.iter().cloned());
            if !words.is_empty() {
                lead.scored.insert(run.to_owned(), (step, words));
            }
            if is_scored {
                lead.profile_scored.insert(run.to_owned(), step);
            }
        }
        for (invariant, what) in broken {
            self.violate(invariant, what);
        }
    }
}
