//! Counting: leads, posts, calls and tokens of a run's state.

use super::state::{Attempt, RunState};
use super::summary::{KindSummary, Summary};
use super::views::{LeadEnd, lead_end};
use crate::core::ids::LeadKey;
use crate::core::prices;
use crate::core::tokens::{NanoUsd, Tier};
use crate::messages::{CallOutcome, Kind, Outcome};
use jiff::tz::Offset;
use std::collections::BTreeSet;

/// How many profiles without a lead are listed.
const NAMED: usize = 3;

impl RunState {
    pub(super) fn count_leads(&self, summary: &mut Summary) {
        let given_up = self.given_up();
        let untold = self.settled_untold();
        for ((kind, key), lead) in &self.leads {
            let totals = match kind {
                Kind::Post => &mut summary.posts,
                Kind::Profile => &mut summary.profiles,
            };
            let outcome = lead.verdict.as_ref().map(|verdict| &verdict.outcome);
            let planned = lead.planned || untold.contains(&(*kind, key));
            if planned && outcome != Some(&Outcome::NotALead) {
                totals.leads.planned += 1;
            }
            match kind {
                Kind::Post => {
                    totals.examined += lead.examined.len() as u64;
                    totals.scored += lead.scored.len() as u64;
                }
                Kind::Profile => {
                    totals.examined += u64::from(!lead.examined.is_empty());
                    // A lead whose row could not be written has a valid score too.
                    let is_scored = !lead.scored.is_empty() || outcome == Some(&Outcome::Scored);
                    totals.scored += u64::from(is_scored);
                }
            }
            match lead_end(lead, given_up.get(&(*kind, key)).copied()) {
                LeadEnd::Scored => totals.leads.scored += 1,
                LeadEnd::Skipped(reason) => {
                    totals.leads.skipped += 1;
                    *summary.skips.entry(reason).or_default() += 1;
                }
                LeadEnd::Failed(category, detail) => {
                    totals.leads.failed += 1;
                    let example = (lead.record.clone(), detail.to_owned());
                    summary.errors.entry(category).or_default().push(example);
                }
                // A plan names a lead that waits by its row, and a harvested one by its profile.
                LeadEnd::NotALead if lead.record.is_some() && lead.profile.is_none() => {
                    summary.rows_gone += 1;
                }
                LeadEnd::NotALead => {
                    summary.not_leads += 1;
                    let first = &mut summary.first_not_leads;
                    let profile = lead.profile.as_ref().filter(|_| first.len() < NAMED);
                    first.extend(profile.map(ToString::to_string));
                }
                LeadEnd::Open => totals.leads.open += 1,
            }
        }
    }

    /// The leads of chunks that were queued but never reported. Planning died in between, and the
    /// next attempt made another plan because the harvest had ended again in the meantime.
    fn settled_untold(&self) -> BTreeSet<(Kind, &LeadKey)> {
        let untold = self.chunks.values().filter(|chunk| chunk.content.is_none());
        untold.flat_map(|chunk| &chunk.settled).map(|(kind, lead)| (*kind, lead)).collect()
    }

    pub(super) fn count_harvests(&self, summary: &mut Summary) {
        for (harvest, known) in &self.harvests {
            let is_elsewhere = self.costs_elsewhere.contains_key(harvest);
            let own = known.cost.map(|(_, cost)| cost).filter(|_| !is_elsewhere);
            if let Some(cost) = own.or(is_elsewhere.then(NanoUsd::default)) {
                *summary.harvest_cost.get_or_insert_default() += cost;
            } else {
                summary.harvests_without_cost.push(harvest.clone());
            }
        }
        for (_, harvest) in self.reports() {
            summary.targets += u64::from(harvest.targets);
            summary.posts_harvested += u64::from(harvest.posts);
            summary.account.add(harvest);
            let Some(plan) = &harvest.plan else {
                summary.posts_unmatched += u64::from(harvest.posts);
                continue;
            };
            summary.posts_unmatched += u64::from(harvest.posts_without_profile);
            let chunks = self.chunks.range((plan.clone(), 0)..=(plan.clone(), u32::MAX));
            for (key, posts) in chunks.flat_map(|(_, chunk)| chunk.leads()) {
                let lead = self.leads.get(&(Kind::Post, key.clone()));
                let outcome = lead.and_then(|l| l.verdict.as_ref()).map(|v| &v.outcome);
                let count = match outcome {
                    None => &mut summary.posts_open,
                    Some(Outcome::NotALead) => &mut summary.posts_unmatched,
                    Some(Outcome::Skipped { .. } | Outcome::Failed { .. } | Outcome::Scored) => {
                        &mut summary.posts_matched
                    }
                };
                *count += u64::from(posts);
            }
        }
        summary.account.items_not_used += summary.posts_unmatched;
    }

    pub(super) fn count_calls(&self, summary: &mut Summary, stalled: bool) {
        for (chunk_key, chunk) in &self.chunks {
            let latest = chunk.attempts.keys().next_back();
            let ended = stalled || chunk.is_over() || self.is_taken_over(chunk_key);
            for (key, attempt) in &chunk.attempts {
                let over = ended || Some(key) != latest;
                count_attempt(summary, attempt, over);
            }
        }
    }
}

fn count_attempt(summary: &mut Summary, attempt: &Attempt, over: bool) {
    for (round, (kind, announced)) in &attempt.announced {
        let calls = attempt.billed.get(round).map_or(&[][..], |billing| &billing.calls);
        let known = calls.iter().filter(|call| call.outcome != CallOutcome::Lost).count() as u64;
        let lost = calls.len() as u64 - known;
        let unobserved = if over { u64::from(*announced).saturating_sub(known) } else { lost };
        let totals = summary.kind_mut(*kind);
        totals.unobserved += unobserved;
        totals.calls += u64::from(*announced);
    }
    for billing in attempt.billed.values() {
        for call in &billing.calls {
            let totals = summary.kind_mut(billing.kind);
            totals.refused += u64::from(call.outcome == CallOutcome::Refused);
            let CallOutcome::Answered { usage, model, served } = &call.outcome else { continue };
            let terms = served.terms(billing.at);
            let day = Offset::UTC.to_datetime(terms.at).date();
            let cost = prices::cost(model, terms, usage);
            totals.tokens += *usage;
            totals.unclear += u64::from(!served.reading.is_exact());
            if let Some(cost) = cost {
                totals.cost += cost;
                summary.ai_cost += cost;
            } else {
                totals.unpriced += 1;
                let is_standard = served.tier == Tier::Standard;
                let tier = || format!("{model} at the tier {}", served.tier);
                let name = if is_standard { model.clone() } else { tier() };
                summary.unpriced_models.insert(name);
            }
            *summary.tokens_by_day.entry(day).or_default() += usage.total;
            if let Some(asked) = &served.asked {
                summary.rerouted.insert((asked.clone(), model.clone()));
            }
            if !summary.models.contains(model) {
                summary.models.insert(model.clone());
            }
            *summary.tiers.entry(served.tier).or_default() += 1;
        }
    }
}

impl Summary {
    fn kind_mut(&mut self, kind: Kind) -> &mut KindSummary {
        match kind {
            Kind::Post => &mut self.posts,
            Kind::Profile => &mut self.profiles,
        }
    }
}
