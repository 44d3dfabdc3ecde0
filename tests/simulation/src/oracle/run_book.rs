//! What is known about one run.

use super::facts::{Kind, Outcome, Round, keep_outcome, kind, round};
use super::json::{count, list, text};
use super::log_book::LogBook;
use serde_json_borrow::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The end of a run id of an unattributed harvest.
pub(super) const UNATTRIBUTED: &str = "(unattributed)";

/// What is known about one run.
#[derive(Default)]
pub(crate) struct RunBook {
    pub(crate) is_accepted: bool,
    pub(crate) harvests: BTreeSet<usize>,
    /// Kind and number of calls by round, of every queued announcement.
    pub(crate) announced: BTreeMap<Round, (Kind, u64)>,
    /// Number of calls without a known end, of every round with a queued bill.
    pub(crate) lost: BTreeMap<Round, u64>,
    /// Tokens of answers that reached a worker and were reported, by kind.
    pub(crate) reported_tokens: BTreeMap<Kind, u64>,
    /// The cost of these answers, in billionths of a dollar.
    pub(crate) reported_nano_usd: u64,
    pub(crate) billed_answers: u64,
    pub(crate) reported_answers: u64,
    /// Words of posts that were sent to the model.
    pub(crate) asked_about: BTreeSet<String>,
    /// What the workers that lived to report it saw, by kind.
    pub(crate) seen: BTreeMap<Kind, Seen>,
    /// The outcomes of leads that count, by kind and key.
    pub(crate) outcomes: BTreeMap<(Kind, String), Outcome>,
    /// Leads that an attempt could not score, even if another could, including posts that came
    /// later.
    pub(crate) failed: BTreeSet<(Kind, String)>,
    /// Leads of the chunks that were queued.
    pub(crate) planned: BTreeSet<(Kind, String)>,
    /// Whether something was given up: a chunk failed, or a harvest could not be planned.
    pub(crate) is_given_up: bool,
    /// The leads' keys of each queued chunk, by plan and index.
    chunks: BTreeMap<(String, u64), BTreeSet<String>>,
    /// The keys of leads whose chunk failed.
    pub(crate) in_failed_chunks: BTreeSet<String>,
    pub(crate) log: LogBook,
}

/// What was examined and scored, as the services saw it: leads' slugs with posts' words. For a
/// profile, the word is its lead's slug.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) examined: BTreeSet<(String, String)>,
    pub(crate) scored: BTreeSet<(String, String)>,
}

impl RunBook {
    pub(crate) fn chunk_queued(&mut self, message: &Value<'_>) {
        let chunk = (text(message, "/plan").to_owned(), count(message, "/index"));
        let keys = list(message, "/leads").map(|lead| text(lead, "/key").to_owned());
        self.chunks.entry(chunk).or_default().extend(keys);
        for lead in list(message, "/leads") {
            self.planned.insert((kind(message), text(lead, "/key").to_owned()));
        }
    }

    pub(crate) fn chunk_failed(&mut self, fact: &Value<'_>) {
        self.is_given_up = true;
        let plan = text(fact, "/attempt/plan").to_owned();
        let keys = self.chunks.get(&(plan, count(fact, "/attempt/chunk")));
        self.in_failed_chunks.extend(keys.into_iter().flatten().cloned());
    }

    pub(crate) fn announced(&mut self, fact: &Value<'_>) {
        self.announced.insert(round(fact), (kind(fact), count(fact, "/calls")));
    }

    /// The outcome of a lead was queued.
    pub(crate) fn settled(&mut self, fact: &Value<'_>, lead: &Value<'_>) {
        if text(lead, "/outcome") == "failed" {
            self.failed.insert((kind(fact), text(lead, "/lead").to_owned()));
        }
        keep_outcome(&mut self.outcomes, fact, lead);
    }

    /// Announced model calls of a kind whose usage is not known.
    pub(crate) fn unobserved(&self, of: &str) -> u64 {
        let of_kind = self.announced.iter().filter(|(_, (kind, _))| *kind == of);
        of_kind.map(|(round, (_, calls))| self.lost.get(round).copied().unwrap_or(*calls)).sum()
    }
}
