//! Model calls: what they billed, who heard of it, who reported it.

use super::run_book::round;
use super::{Invariant, Oracle, count, parsed, text};
use serde_json::Value;
use std::collections::BTreeSet;

/// A model call as its worker knows it, before it is reported.
pub(super) enum Pending {
    Answered { tokens: u64, nano_usd: u64 },
    Refused,
    Lost,
}

impl Oracle {
    /// The model answered, and billed.
    pub(in super::super) fn model_answered(&mut self, invocation: u64, asked: &[u8]) {
        let asked_text = String::from_utf8_lossy(asked);
        let words = words_in(&asked_text);
        let profiles = slugs_of_profiles(&asked_text);
        self.learn_ids(asked);
        let run = self.run_of(invocation);
        self.check_asked_once(invocation, &run, &words);
        self.check_profiles_asked_once(invocation, &run, &profiles);
        if let Some(known) = self.invocations.get_mut(&invocation) {
            known.profiles.extend(profiles);
            known.asked.extend(words.iter().cloned());
        }
        let book = self.run(&run);
        book.billed_answers += 1;
        book.asked_about.extend(words);
    }

    /// Which id stands for which post in a call.
    fn learn_ids(&mut self, asked: &[u8]) {
        let body = parsed(asked);
        let user = parsed(text(&body, "/contents/0/parts/0/text"));
        let leads = user["leads"].as_array().into_iter().flatten();
        for post in leads.flat_map(|lead| lead["posts"].as_array().into_iter().flatten()) {
            if let Some(word) = words_in(text(post, "/content")).into_iter().next() {
                self.words_by_id.insert(text(post, "/post_id").to_owned(), word);
            }
        }
        for profile in user["profiles"].as_array().into_iter().flatten() {
            if let Some(slug) = slugs_of_profiles(&profile.to_string()).into_iter().next() {
                self.slugs_by_id.insert(text(profile, "/profile_id").to_owned(), slug);
            }
        }
    }

    /// An answer reached the worker that had asked.
    pub(in super::super) fn model_answer_reached(&mut self, invocation: u64, answer: &[u8]) {
        let answer = parsed(answer);
        if answer.get("usageMetadata").is_none() && answer.get("candidates").is_none() {
            return;
        }
        let said = said(&answer);
        let scores = self.scores_of(&said);
        let reasons = self.reasons_of(&said);
        let Some(known) = self.invocations.get_mut(&invocation) else { return };
        let usage = &answer["usageMetadata"];
        let tokens = count(usage, "/totalTokenCount");
        known.pending.push(Pending::Answered { tokens, nano_usd: nano_usd(usage) });
        known.scores.extend(scores);
        known.reasons.extend(reasons);
    }

    /// A worker waited for an answer that never came: for all it knows the model got the posts.
    pub(in super::super) fn model_answer_lost(&mut self, invocation: u64, asked: &[u8]) {
        let asked = String::from_utf8_lossy(asked);
        let words = words_in(&asked);
        let run = self.run_of(invocation);
        self.run(&run).asked_about.extend(words.iter().cloned());
        if let Some(known) = self.invocations.get_mut(&invocation) {
            known.asked.extend(words);
            known.profiles.extend(slugs_of_profiles(&asked));
        }
        self.pending(invocation, Pending::Lost);
    }

    /// A call was refused, or never arrived.
    pub(in super::super) fn model_refused(&mut self, invocation: u64) {
        self.pending(invocation, Pending::Refused);
    }

    /// A worker reported what became of its calls.
    pub(super) fn billed(&mut self, invocation: u64, run: &str, fact: &Value) {
        let Some(known) = self.invocations.get_mut(&invocation) else { return };
        let pending = std::mem::take(&mut known.pending);
        let ended = pending.len() as u64;
        let (mut tokens, mut nano_usd, mut answers, mut lost) = (0, 0, 0, 0_u64);
        for call in pending {
            match call {
                Pending::Answered { tokens: of_call, nano_usd: cost } => {
                    tokens += of_call;
                    nano_usd += cost;
                    answers += 1;
                }
                Pending::Refused => {}
                Pending::Lost => lost += 1,
            }
        }
        let book = self.run(run);
        *book.reported_tokens.entry(text(fact, "/kind").to_owned()).or_default() += tokens;
        book.reported_nano_usd += nano_usd;
        book.reported_answers += answers;
        // A call that the worker gave up by itself ended in no way that was seen.
        let announced = book.announced.get(&round(fact)).map_or(ended, |(_, calls)| *calls);
        book.lost.insert(round(fact), lost + announced.saturating_sub(ended));
    }

    fn pending(&mut self, invocation: u64, call: Pending) {
        if let Some(known) = self.invocations.get_mut(&invocation) {
            known.pending.push(call);
        }
    }

    pub(super) fn run_of(&self, invocation: u64) -> String {
        self.invocations.get(&invocation).map(|known| known.run.clone()).unwrap_or_default()
    }

    /// The valid scores of a whole answer, by the post's word.
    fn scores_of(&self, said: &[Value]) -> Vec<(String, u64)> {
        said.iter()
            .filter_map(|post| {
                let word = self.words_by_id.get(text(post, "/post_id"))?;
                let score = post["post_score"].as_u64().filter(|score| *score <= 100)?;
                Some((word.clone(), score))
            })
            .collect()
    }

    /// What a whole answer says of profiles, by the lead's slug.
    fn reasons_of(&self, said: &[Value]) -> Vec<(String, Vec<String>)> {
        said.iter()
            .filter_map(|profile| {
                let slug = self.slugs_by_id.get(text(profile, "/profile_id"))?;
                let attributes = profile["attributes"].as_array()?.iter();
                Some((slug.clone(), attributes.map(|a| text(a, "/reason").to_owned()).collect()))
            })
            .collect()
    }

    /// A lead that its run has scored is not asked about again, except by a worker that had read
    /// the row before.
    fn check_asked_once(&mut self, invocation: u64, run: &str, words: &[String]) {
        let read_at = self.invocations.get(&invocation).map_or(0, |known| known.read_at);
        let slugs: BTreeSet<&String> =
            words.iter().filter_map(|word| self.slugs_by_word.get(word)).collect();
        let again = slugs.into_iter().find(|slug| {
            let lead = self.records_by_slug.get(*slug).and_then(|record| self.leads.get(record));
            let scored = lead.and_then(|lead| lead.scored_by(run));
            let mut of_lead =
                words.iter().filter(|word| self.slugs_by_word.get(*word) == Some(slug));
            scored.is_some_and(|(step, scored)| {
                step < read_at && of_lead.all(|word| scored.contains(word))
            })
        });
        if let Some(slug) = again {
            let what = format!("lead {slug} is scored and asked about again in run {run}");
            self.violate(Invariant::ScoredOnce, what);
        }
    }

    /// The same about profiles.
    fn check_profiles_asked_once(&mut self, invocation: u64, run: &str, slugs: &[String]) {
        let read_at = self.invocations.get(&invocation).map_or(0, |known| known.read_at);
        let again = slugs.iter().find(|slug| {
            let lead = self.records_by_slug.get(*slug).and_then(|record| self.leads.get(record));
            lead.and_then(|lead| lead.profile_scored_by(run)).is_some_and(|step| step < read_at)
        });
        if let Some(slug) = again {
            let what = format!("profile {slug} is scored and asked about again in run {run}");
            self.violate(Invariant::ScoredOnce, what);
        }
    }
}

/// The elements of a whole answer; none of one that was cut off, blocked or is no list.
fn said(answer: &Value) -> Vec<Value> {
    let candidate = &answer["candidates"][0];
    if matches!(text(candidate, "/finishReason"), "MAX_TOKENS" | "SAFETY" | "") {
        return Vec::new();
    }
    let said = parsed(text(candidate, "/content/parts/0/text"));
    said.as_array().cloned().unwrap_or_default()
}

/// What an answer costs in billionths of a dollar: Gemini 3.5 Flash-Lite at the standard tier is
/// $0.30 for a million prompt tokens, a tenth of that for cached ones, and $2.50 for what it says
/// and thinks.
fn nano_usd(usage: &Value) -> u64 {
    let cached = count(usage, "/cachedContentTokenCount");
    let said = count(usage, "/candidatesTokenCount") + count(usage, "/thoughtsTokenCount");
    (count(usage, "/promptTokenCount") - cached) * 300 + cached * 30 + said * 2_500
}

/// The leads whose profiles stand in a text.
fn slugs_of_profiles(text: &str) -> Vec<String> {
    let found = text.match_indices(" p.").filter_map(|(at, _)| {
        let rest = &text[at + 3..];
        Some(rest[..rest.find('.')?].to_owned())
    });
    found.collect()
}

/// The words of posts that stand in a text.
fn words_in(text: &str) -> Vec<String> {
    let found = text.match_indices("w.").filter_map(|(at, _)| {
        let rest = &text[at + 2..];
        let slug = rest.find('.')?;
        let number = rest[slug + 1..].find('.')?;
        Some(text[at..at + 2 + slug + 1 + number + 1].to_owned())
    });
    found.collect()
}
