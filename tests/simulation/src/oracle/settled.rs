//! Compares what workers report about leads with what the services saw of these workers.

use super::facts::kind;
use super::json::{list, text, texts};
use super::lead_book::LeadBook;
use super::oracle::Oracle;
use super::promise::Invariant;
use super::run_book::Seen;
use serde_json_borrow::Value;
use std::collections::BTreeSet;

impl Oracle {
    /// Which lead each key of a queued chunk belongs to.
    pub(crate) fn learn_keys(&mut self, chunk: &Value<'_>) {
        for lead in list(chunk, "/leads") {
            let record = text(lead, "/lead/record");
            let known = self.leads.get(record).map(|lead| lead.slug.as_str());
            let slug = known.unwrap_or_else(|| text(lead, "/lead/profile")).to_owned();
            self.slugs_by_key.insert(text(lead, "/key").to_owned(), slug);
            if !text(lead, "/lead/profile").is_empty() {
                self.harvested_keys.insert(text(lead, "/key").to_owned());
            }
        }
    }

    /// Outcomes of leads were queued. They must be what the worker saw.
    pub(crate) fn settled(&mut self, invocation: u64, run: &str, fact: &Value<'_>) {
        let kind = kind(fact);
        if let Some(invocation) = self.invocations.get_mut(&invocation) {
            invocation.has_settled = true;
        }
        for lead in list(fact, "/leads") {
            let key = text(lead, "/lead");
            let Some(slug) = self.slugs_by_key.get(key).cloned() else {
                self.violate(Invariant::Numbers, format!("nobody planned lead {key} of {run}"));
                continue;
            };
            if text(lead, "/category") == "AIRTABLE" && !self.may_fail_at_airtable(&slug) {
                let what = format!("lead {slug} of {run} failed though its row could be written");
                self.violate(Invariant::Leads, what);
            }
            let seen = match kind {
                "profile" => self.profile_seen(invocation, run, &slug, lead),
                _ => self.posts_seen(invocation, run, &slug, lead),
            };
            let reported = ["/examined", "/scored"].map(|list| texts(lead, list).len());
            if reported != [seen.examined.len(), seen.scored.len()] {
                let what = format!(
                    "run {run} reports {reported:?} {kind}s of lead {slug} as examined and scored, \
                     which are {:?} and {:?}",
                    seen.examined, seen.scored
                );
                self.violate(Invariant::Numbers, what);
            }
            let book = self.run(run);
            book.settled(fact, lead);
            let known = book.seen.entry(kind).or_default();
            known.examined.extend(seen.examined);
            known.scored.extend(seen.scored);
        }
    }

    /// Whether a lead's row has an error or is deleted.
    fn may_fail_at_airtable(&self, slug: &str) -> bool {
        let Some(record) = self.records_by_slug.get(slug) else { return true };
        let is_odd = self.leads.get(record).is_some_and(|lead| lead.odd.is_some());
        is_odd || self.deleted_leads.contains(record)
    }

    /// The posts of a lead in a worker's calls. If there were none, the posts in the calls of an
    /// earlier attempt, according to the row that the worker read. Another worker may have written
    /// more since. It reports that itself, and both reports together are right.
    fn posts_seen(&self, invocation: u64, run: &str, slug: &str, reported: &Value<'_>) -> Seen {
        let of_lead = |word: &&String| self.slugs_by_word.get(*word).is_some_and(|s| s == slug);
        let known = self.invocations.get(&invocation);
        let asked = known.map(|known| known.asked.iter().filter(of_lead).collect());
        let asked: BTreeSet<&String> = asked.unwrap_or_default();
        // A lead whose row could not be written was still scored.
        let has_scores =
            text(reported, "/outcome") == "scored" || text(reported, "/category") == "AIRTABLE";
        let (examined, scored): (BTreeSet<&String>, BTreeSet<&String>) = if !asked.is_empty() {
            let is_scored = |word: &&&String| known.is_some_and(|k| k.scores.contains_key(**word));
            let scored = asked.iter().filter(is_scored).copied().collect();
            (asked, if has_scores { scored } else { BTreeSet::new() })
        } else if text(reported, "/outcome") == "skipped" || texts(reported, "/examined").is_empty()
        {
            (BTreeSet::new(), BTreeSet::new())
        } else {
            let lead = self.records_by_slug.get(slug).and_then(|record| self.leads.get(record));
            let (from, until) = known.map_or((0, 0), |known| (known.read_at, known.read_until));
            let counts = ["/examined", "/scored"].map(|list| texts(reported, list).len());
            let moments = lead.map(|lead| lead.moments(from, until)).unwrap_or_default();
            let mut seen = moments.into_iter().filter_map(|moment| {
                let (examined, mut scored) = self.posts_in_row(lead?, run, moment);
                scored.retain(|_| has_scores);
                Some((examined, scored))
            });
            let first = seen.next().unwrap_or_default();
            let fits = |(examined, scored): &(BTreeSet<_>, BTreeSet<_>)| {
                [examined.len(), scored.len()] == counts
            };
            if fits(&first) { first } else { seen.find(fits).unwrap_or(first) }
        };
        let named = |words: BTreeSet<&String>| {
            words.into_iter().map(|word| (slug.to_owned(), word.clone())).collect()
        };
        Seen { examined: named(examined), scored: named(scored) }
    }

    /// The posts in a row that were in calls of `run`, and those that it scored, with the row as of
    /// `moment`.
    fn posts_in_row<'a>(
        &'a self,
        lead: &'a LeadBook,
        run: &str,
        moment: u64,
    ) -> (BTreeSet<&'a String>, BTreeSet<&'a String>) {
        let asked = self.runs.get(run).map(|book| &book.asked_about);
        let words = lead.posts_until(moment).iter().filter_map(|url| self.words_by_url.get(url));
        let examined = words.filter(|word| asked.is_some_and(|asked| asked.contains(*word)));
        let scored = lead.scored_until(run, moment).into_iter().flatten();
        (examined.collect(), scored.collect())
    }

    /// The same for a profile. There is only one.
    fn profile_seen(&self, invocation: u64, run: &str, slug: &str, reported: &Value<'_>) -> Seen {
        let known = self.invocations.get(&invocation);
        let asked = known.is_some_and(|known| known.profiles.contains(slug));
        let lead = self.records_by_slug.get(slug).and_then(|record| self.leads.get(record));
        let earlier = lead.is_some_and(|lead| lead.profile_scored_by(run).is_some());
        let own = known.is_some_and(|known| known.reasons.contains_key(slug));
        let has_score =
            text(reported, "/outcome") == "scored" || text(reported, "/category") == "AIRTABLE";
        let is_scored = has_score && if asked { own } else { earlier };
        // If an earlier attempt could not score it, it was in a call then.
        let was_asked = asked || is_scored || !texts(reported, "/examined").is_empty();
        let one = |is: bool| is.then(|| (slug.to_owned(), slug.to_owned())).into_iter().collect();
        Seen { examined: one(was_asked), scored: one(is_scored) }
    }
}
