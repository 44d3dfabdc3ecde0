//! What a run's state says about each lead and each model: the details behind the totals of a
//! [`super::Summary`].

use super::state::{Billing, LeadState, RunState};
use crate::core::ids::{LeadKey, RecordId};
use crate::core::linkedin::ProfileKey;
use crate::core::prices::{self, CostParts};
use crate::core::tokens::{NanoUsd, Tier, TokenUsage};
use crate::messages::{BilledCall, CallOutcome, ErrorCategory, Kind, Outcome, SkipReason};
use jiff::civil::Date;
use jiff::tz::Offset;
use std::collections::BTreeMap;

/// What became of a lead, as the run counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadEnd<'a> {
    /// Nothing is known about it yet.
    Open,
    Scored,
    Skipped(SkipReason),
    /// With the category and the details of the error.
    Failed(ErrorCategory, &'a str),
    NotALead,
}

/// One lead of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadView<'a> {
    pub kind: Kind,
    pub key: &'a LeadKey,
    pub profile: Option<&'a ProfileKey>,
    /// Its row, if a plan or an outcome named it.
    pub record: Option<&'a RecordId>,
    pub end: LeadEnd<'a>,
    /// Distinct posts that were sent to the model.
    pub examined: usize,
    /// Distinct posts that came back with a valid score.
    pub scored: usize,
}

/// The answers of one model at one tier for one kind of scoring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelUse {
    pub model: String,
    pub tier: Tier,
    pub kind: Kind,
    pub answers: u64,
    pub usage: TokenUsage,
    /// The sum of each answer's rounded cost, as on the record; zero if no answer has a price.
    pub cost: NanoUsd,
    pub parts: CostParts,
    /// Answers without a price.
    pub unpriced: u64,
}

impl RunState {
    /// Every lead that a plan or an outcome names, by kind and key.
    pub fn lead_views(&self) -> Vec<LeadView<'_>> {
        let given_up = self.given_up();
        self.leads
            .iter()
            .map(|((kind, key), lead)| LeadView {
                kind: *kind,
                key,
                profile: lead.profile.as_ref(),
                record: lead.record.as_ref(),
                end: lead_end(lead, given_up.get(&(*kind, key)).copied()),
                examined: lead.examined.len(),
                scored: lead.scored.len(),
            })
            .collect()
    }

    /// The model's cost by the UTC day on which its answers came.
    pub fn cost_by_day(&self) -> BTreeMap<Date, NanoUsd> {
        let mut days: BTreeMap<Date, NanoUsd> = BTreeMap::new();
        for (billing, call) in self.calls() {
            let CallOutcome::Answered { usage, model, served } = &call.outcome else { continue };
            let terms = served.terms(billing.at);
            let day = Offset::UTC.to_datetime(terms.at).date();
            *days.entry(day).or_default() += prices::cost(model, terms, usage).unwrap_or_default();
        }
        days
    }

    fn calls(&self) -> impl Iterator<Item = (&Billing, &BilledCall)> {
        let attempts = self.chunks.values().flat_map(|chunk| chunk.attempts.values());
        let billings = attempts.flat_map(|attempt| attempt.billed.values());
        billings.flat_map(|billing| billing.calls.iter().map(move |call| (billing, call)))
    }

    /// The answers by model, tier and kind, counted like the cost on the record.
    pub fn model_uses(&self) -> Vec<ModelUse> {
        let mut uses: BTreeMap<(String, Tier, Kind), ModelUse> = BTreeMap::new();
        for (billing, call) in self.calls() {
            let CallOutcome::Answered { usage, model, served } = &call.outcome else { continue };
            let (tier, kind) = (served.tier, billing.kind);
            let one = uses.entry((model.clone(), tier, kind)).or_insert_with(|| ModelUse {
                model: model.clone(),
                tier,
                kind,
                answers: 0,
                usage: TokenUsage::default(),
                cost: NanoUsd::default(),
                parts: CostParts::default(),
                unpriced: 0,
            });
            one.answers += 1;
            one.usage += *usage;
            match prices::parts(model, served.terms(billing.at), usage) {
                Some(parts) => {
                    one.cost += parts.total();
                    one.parts += parts;
                }
                None => one.unpriced += 1,
            }
        }
        uses.into_values().collect()
    }
}

/// What became of a lead: its verdict, or the reason why no chunk can settle it any more.
pub(super) fn lead_end<'a>(
    lead: &'a LeadState,
    given_up: Option<(ErrorCategory, &'a str)>,
) -> LeadEnd<'a> {
    match lead.verdict.as_ref().map(|verdict| &verdict.outcome) {
        Some(Outcome::Scored) => LeadEnd::Scored,
        Some(Outcome::Skipped { reason }) => LeadEnd::Skipped(*reason),
        Some(Outcome::Failed { category, detail }) => LeadEnd::Failed(*category, detail),
        Some(Outcome::NotALead) => LeadEnd::NotALead,
        None => {
            given_up.map_or(LeadEnd::Open, |(category, reason)| LeadEnd::Failed(category, reason))
        }
    }
}
