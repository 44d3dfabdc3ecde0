//! Model calls: what they billed, which worker heard of it, and which worker reported it.

use super::asked::Asked;
use super::facts::{Round, kind, round};
use super::invocation::CallEnd;
use super::json::{at, count, list, parsed, text};
use super::oracle::Oracle;
use super::promise::Invariant;
use super::said::{nano_usd, said};
use serde_json_borrow::Value;
use shared::schema::leads;
use std::collections::BTreeSet;
use tokio::time::Instant;

/// Most billed calls of a plan that contain the same lead.
const MOST_PAID_CALLS: u32 = 4;

impl Oracle {
    pub(crate) fn model_answered(&mut self, invocation: u64, body: &[u8]) {
        let asked = Asked::read(body);
        let run = self.run_of(invocation);
        self.check_answered_once(invocation, &asked.words());
        self.check_asked_once(invocation, &run, &asked.words());
        self.check_profiles_asked_once(invocation, &run, &asked.slugs());
        self.asked_about(invocation, &run, &asked);
        self.run(&run).billed_answers += 1;
        let mut slugs: BTreeSet<String> =
            self.slugs_of(&asked.words()).into_iter().cloned().collect();
        slugs.extend(asked.slugs());
        if let Some(known) = self.invocations.get_mut(&invocation) {
            known.paid.insert(body.to_vec(), slugs);
        }
        self.words_by_id.extend(asked.posts);
        self.slugs_by_id.extend(asked.profiles);
    }

    fn asked_about(&mut self, invocation: u64, run: &str, asked: &Asked) {
        self.check_readable(run, asked);
        self.run(run).asked_about.extend(asked.words());
        if let Some(known) = self.invocations.get_mut(&invocation) {
            known.asked.extend(asked.words());
            known.profiles.extend(asked.slugs());
        }
    }

    /// No call contains a lead whose row has an error, and nothing is used under an unreadable
    /// limit.
    fn check_readable(&mut self, run: &str, asked: &Asked) {
        let of_posts = asked.words();
        let of_posts = of_posts.iter().filter_map(|word| self.slugs_by_word.get(word));
        let odd = |slug: &String| {
            let lead = self.leads.get(self.records_by_slug.get(slug)?)?;
            lead.odd
        };
        let posts = of_posts.clone().find(|slug| odd(slug).is_some()).cloned();
        let profiles = asked.slugs().into_iter().find(|slug| odd(slug) == Some(leads::PROFILE_URL));
        if let Some(slug) = posts.or(profiles) {
            let what =
                format!("lead {slug} is asked about in run {run} though its row holds an error");
            self.violate(Invariant::Leads, what);
        }
        let is_without = self.without_tokens.iter().any(|client| run.ends_with(client));
        if is_without && !asked.posts.is_empty() {
            let what = format!("run {run} uses tokens under a limit that nobody can read");
            self.violate(Invariant::Tokens, what);
        }
    }

    /// An answer reached the worker that made this call. `is_known` says whether it reports its
    /// usage.
    pub(crate) fn model_answer_reached(
        &mut self,
        invocation: u64,
        asked: &[u8],
        (answer, is_known): (&[u8], bool),
    ) {
        let answer = parsed(answer);
        if at(&answer, "/usageMetadata").is_none() && at(&answer, "/candidates").is_none() {
            return;
        }
        let (said, is_whole) = said(&answer);
        let said = parsed(&said);
        let mut scores = self.scores_of(&said);
        if !is_whole {
            self.keep_whole_leads(&Asked::read(asked), &mut scores);
        }
        let reasons = self.reasons_of(&said);
        let Some(known) = self.invocations.get_mut(&invocation) else { return };
        let tokens = count(&answer, "/usageMetadata/totalTokenCount");
        let answered = CallEnd::Answered { tokens, nano_usd: nano_usd(&answer) };
        known.call_ended(asked, if is_known { answered } else { CallEnd::Lost });
        known.scores.extend(scores);
        known.reasons.extend(reasons);
    }

    /// A worker waited for an answer that never came. The model may have got the posts.
    pub(crate) fn model_answer_lost(&mut self, invocation: u64, asked: &[u8]) {
        let run = self.run_of(invocation);
        self.asked_about(invocation, &run, &Asked::read(asked));
        self.call_ended(invocation, asked, CallEnd::Lost);
    }

    /// A call was refused, or never arrived.
    pub(crate) fn model_refused(&mut self, invocation: u64, asked: &[u8]) {
        self.call_ended(invocation, asked, CallEnd::Refused);
    }

    /// A process heard that the model refuses all calls until its credit is topped up.
    pub(crate) fn model_halted(&mut self, process: &str, now: Instant) {
        self.halted.entry(process.to_owned()).or_insert(now);
    }

    /// A process begins a call. After it heard of the halt, it calls about no lead until a call
    /// without leads was answered.
    pub(crate) fn model_called(&mut self, process: &str, asked: &[u8], now: Instant) {
        let asked = Asked::read(asked);
        let Some(since) = self.halted.get(process).copied() else { return };
        if asked.posts.is_empty() && asked.profiles.is_empty() {
            self.halted.remove(process);
        } else if now > since {
            let what = format!("{process} asks about leads though credit is used up");
            self.violate(Invariant::Payments, what);
        }
    }

    /// Judges how often leads were paid for, if no message was handled twice or in an old state.
    pub(crate) fn judge_payments(&mut self) {
        let is_judged = |plan: &String| !self.planned_again.contains(plan);
        let judged = self.paid.iter().filter(|((plan, _), _)| is_judged(plan));
        let most = judged.max_by_key(|(_, calls)| **calls);
        if let Some(((plan, slug), calls)) = most.filter(|(_, calls)| **calls > MOST_PAID_CALLS) {
            let what = format!("lead {slug} is in {calls} billed calls of plan {plan}");
            self.violate(Invariant::Payments, what);
        }
        // Each of its copies would count its own paid calls.
        if let Some(plan) = self.queued_twice.first() {
            let what = format!("a task queues plan {plan} once more, which it had told of");
            self.violate(Invariant::Payments, what);
        }
    }

    /// A worker that has a complete and valid answer about a lead does not pay for it again.
    fn check_answered_once(&mut self, invocation: u64, words: &[String]) {
        let Some(known) = self.invocations.get(&invocation) else { return };
        let is_whole =
            |slug: &&String| self.words_of(slug, words).all(|word| known.scores.contains_key(word));
        let again = self.slugs_of(words).into_iter().find(is_whole);
        if let Some(slug) = again {
            let what = format!("lead {slug} is paid for again though its answer was whole");
            self.violate(Invariant::Payments, what);
        }
    }

    /// A worker reported the outcome of its calls.
    pub(crate) fn billed(&mut self, invocation: u64, run: &str, fact: &Value<'_>) {
        if self.run(run).lost.contains_key(&round(fact)) {
            // The same report again, because there was no answer that the queue accepted it.
            return;
        }
        let Some(known) = self.invocations.get_mut(&invocation) else { return };
        let (mut tokens, mut nano_usd, mut answers, mut lost) = (0, 0, 0, 0_u64);
        let mut reported = 0;
        for call in list(fact, "/calls") {
            reported += 1;
            // If the worker itself gave up a call, no end was observed.
            let is_lost = text(call, "/outcome") == "lost";
            let Some(pending) = known.take_reported(call) else {
                lost += u64::from(is_lost);
                continue;
            };
            match pending.end {
                CallEnd::Answered { tokens: of_call, nano_usd: cost } => {
                    tokens += of_call;
                    nano_usd += cost;
                    answers += 1;
                }
                CallEnd::Refused => {}
                CallEnd::Lost => lost += 1,
            }
            for slug in pending.paid {
                let lead = (text(fact, "/attempt/plan").to_owned(), slug);
                *self.paid.entry(lead).or_default() += 1;
            }
        }
        let book = self.run(run);
        *book.reported_tokens.entry(kind(fact)).or_default() += tokens;
        book.reported_nano_usd += nano_usd;
        book.reported_answers += answers;
        let announced = book.announced.get(&round(fact)).map_or(reported, |(_, calls)| *calls);
        book.lost.insert(round(fact), lost + announced.saturating_sub(reported));
    }

    /// A worker announced calls.
    pub(crate) fn announced(&mut self, invocation: u64, run: &str, fact: &Value<'_>) {
        if let Some(known) = self.invocations.get_mut(&invocation) {
            known.rounds.insert(round(fact));
        }
        self.run(run).announced(fact);
        self.check_limited_waves(invocation, run, fact);
    }

    /// Under a limit, a wave begins only when the usage of earlier waves is known.
    fn check_limited_waves(&mut self, invocation: u64, run: &str, fact: &Value<'_>) {
        let Some(known) = self.invocations.get(&invocation) else { return };
        let book = self.runs.get(run);
        let is_open = |round: &&Round| !book.is_some_and(|book| book.lost.contains_key(*round));
        let mut others = known.rounds.iter().filter(|round| round.1 != count(fact, "/wave"));
        if known.is_limited && others.any(|round| is_open(&round)) {
            let what = format!("a chunk of {run} has two waves open under a limit");
            self.violate(Invariant::Tokens, what);
        }
    }

    /// An invocation ends. If all its rounds are reported, all its calls are.
    pub(crate) fn check_reported(&mut self, invocation: u64) {
        let Some(known) = self.invocations.get(&invocation) else { return };
        let book = self.runs.get(&known.run);
        let is_reported = |round| book.is_some_and(|book| book.lost.contains_key(round));
        if known.has_concealed() && known.rounds.iter().all(is_reported) {
            let what = format!("a worker of {} reports a call otherwise than it ended", known.run);
            self.violate(Invariant::Tokens, what);
        }
    }

    fn call_ended(&mut self, invocation: u64, asked: &[u8], end: CallEnd) {
        if let Some(known) = self.invocations.get_mut(&invocation) {
            known.call_ended(asked, end);
        }
    }

    /// The leads whose posts have these words.
    fn slugs_of(&self, words: &[String]) -> BTreeSet<&String> {
        words.iter().filter_map(|word| self.slugs_by_word.get(word)).collect()
    }

    /// The words that belong to posts of this lead.
    fn words_of<'a>(&self, slug: &str, words: &'a [String]) -> impl Iterator<Item = &'a String> {
        let is_of_lead =
            move |word: &&String| self.slugs_by_word.get(*word).is_some_and(|s| s == slug);
        words.iter().filter(is_of_lead)
    }

    pub(crate) fn run_of(&self, invocation: u64) -> String {
        self.invocations.get(&invocation).map(|known| known.run.clone()).unwrap_or_default()
    }

    /// Of a truncated answer, only leads count for which it has every post.
    fn keep_whole_leads(&self, asked: &Asked, scores: &mut Vec<(String, u64)>) {
        let has = |word: &String| scores.iter().any(|(scored, _)| scored == word);
        let words = asked.words();
        let slug_of = |word: &String| self.slugs_by_word.get(word);
        let partial: BTreeSet<_> =
            words.iter().filter(|word| !has(word)).filter_map(slug_of).collect();
        scores.retain(|(word, _)| slug_of(word).is_some_and(|slug| !partial.contains(slug)));
    }

    /// The valid scores of an answer, by the post's word.
    fn scores_of(&self, said: &Value<'_>) -> Vec<(String, u64)> {
        list(said, "")
            .filter_map(|post| {
                let word = self.words_by_id.get(text(post, "/post_id"))?;
                let score = at(post, "/post_score")?.as_u64().filter(|score| *score <= 100)?;
                Some((word.clone(), score))
            })
            .collect()
    }

    /// What a complete answer says about profiles, by the lead's slug.
    fn reasons_of(&self, said: &Value<'_>) -> Vec<(String, Vec<String>)> {
        list(said, "")
            .filter_map(|profile| {
                let slug = self.slugs_by_id.get(text(profile, "/profile_id"))?;
                let attributes = at(profile, "/attributes")?.as_array()?.iter();
                Some((slug.clone(), attributes.map(|a| text(a, "/reason").to_owned()).collect()))
            })
            .collect()
    }

    /// A call must not contain a lead that its run has scored, unless the worker had read the row
    /// before.
    fn check_asked_once(&mut self, invocation: u64, run: &str, words: &[String]) {
        let read_at = self.invocations.get(&invocation).map_or(0, |known| known.read_at);
        let again = self.slugs_of(words).into_iter().find(|slug| {
            let lead = self.records_by_slug.get(*slug).and_then(|record| self.leads.get(record));
            let scored = lead.and_then(|lead| lead.scored_by(run));
            scored.is_some_and(|(step, scored)| {
                step < read_at && self.words_of(slug, words).all(|word| scored.contains(word))
            })
        });
        if let Some(slug) = again {
            let what = format!("lead {slug} is scored and asked about again in run {run}");
            self.violate(Invariant::ScoredOnce, what);
        }
    }

    /// The same for profiles.
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
