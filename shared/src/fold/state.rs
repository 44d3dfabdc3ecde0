//! What is known about a run, as a join over its events.

use crate::core::ids::{ApifyRunId, AttemptId, LeadKey, PlanId, PostKey, RecordId, RunId};
use crate::core::linkedin::ProfileKey;
use crate::core::tokens::NanoUsd;
use crate::messages::{
    AttemptRef, BilledCall, ErrorCategory, Fact, Halt, Harvested, Kind, LeadOutcome, LeadsTable,
    MetricsEvent, Note, OpenedBy, Outcome, Planned, PlannedChunk, RunHeader, Settled,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A chunk: its plan and its index in the plan.
pub(super) type ChunkKey = (PlanId, u32);
/// A round of calls within an attempt: wave and round.
pub(super) type RoundKey = (u32, u32);

/// Everything known about one run. Every field only grows, or keeps a minimum or maximum. So
/// neither the order of the events nor repetitions matter.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    pub(super) header: RunHeader,
    pub(super) started_at: Timestamp,
    /// The last sign of work on the run. Notes and costs counted elsewhere are ignored.
    pub(super) last_progress: Timestamp,
    pub(super) opened: BTreeMap<OpenedBy, Timestamp>,
    pub(super) harvests: BTreeMap<ApifyRunId, Harvest>,
    /// Harvests whose cost another run counts, and that run.
    pub(super) costs_elsewhere: BTreeMap<ApifyRunId, RunId>,
    pub(super) plans: BTreeMap<PlanId, PlanState>,
    pub(super) chunks: BTreeMap<ChunkKey, Chunk>,
    pub(super) leads: BTreeMap<(Kind, LeadKey), LeadState>,
    pub(super) failures: BTreeMap<(Option<ApifyRunId>, String), Timestamp>,
    pub(super) notes: BTreeMap<Note, Timestamp>,
    pub(super) stalled_at: Option<Timestamp>,
    /// The latest note about a wait.
    pub(super) last_wait: Option<(Timestamp, Note)>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Harvest {
    pub(super) report: Option<HarvestReport>,
    /// The latest cost that Apify reported, and when.
    pub(super) cost: Option<(Timestamp, NanoUsd)>,
}

/// A report on a harvest, with the fields that decide between two reports: one with a plan beats
/// one without, then the one with the later end wins, then the latest. The order of the fields is
/// the order of comparison.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HarvestReport {
    is_planned: bool,
    finished_at: Option<Timestamp>,
    pub(super) at: Timestamp,
    pub(super) harvested: Harvested,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlanState {
    pub(super) kind: Kind,
    pub(super) chunks: u32,
    pub(super) at: Timestamp,
    pub(super) part_of: Option<PlanId>,
    /// The plan whose leads it takes over.
    pub(super) replaces: Option<PlanId>,
    pub(super) leads_table: Option<LeadsTable>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Chunk {
    /// What is in it; `None` until a [`Fact::PlannedChunk`] arrives.
    pub(super) content: Option<Content>,
    pub(super) done_at: Option<Timestamp>,
    pub(super) failed: Option<(Timestamp, ErrorCategory, String)>,
    pub(super) attempts: BTreeMap<(Timestamp, AttemptId), Attempt>,
    /// The leads that it settled. If nobody reported the chunk's content, only these are known.
    pub(super) settled: BTreeSet<(Kind, LeadKey)>,
    /// Posts that do not fit in their leads' cells.
    pub(super) left_out: BTreeMap<LeadKey, BTreeSet<PostKey>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Content {
    pub(super) kind: Kind,
    /// Its leads, and how many of each lead's posts were harvested.
    pub(super) leads: BTreeMap<LeadKey, u32>,
    /// How many of these posts were not sent with the chunk.
    pub(super) left_out: BTreeMap<LeadKey, u32>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Attempt {
    pub(super) announced: BTreeMap<RoundKey, (Kind, u32)>,
    pub(super) billed: BTreeMap<RoundKey, Billing>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Billing {
    pub(super) at: Timestamp,
    pub(super) kind: Kind,
    pub(super) calls: Vec<BilledCall>,
    /// Why the model answers no call, if it said so.
    pub(super) halt: Option<Halt>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct LeadState {
    pub(super) planned: bool,
    /// Its row, if a plan or an outcome named it.
    pub(super) record: Option<RecordId>,
    pub(super) profile: Option<ProfileKey>,
    pub(super) verdict: Option<Verdict>,
    pub(super) examined: BTreeSet<PostKey>,
    pub(super) scored: BTreeSet<PostKey>,
}

/// An outcome, with the fields that decide between two outcomes: a score beats anything else, then
/// the latest attempt wins. The order of the fields is the order of comparison.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Verdict {
    is_score: bool,
    attempt_started_at: Timestamp,
    attempt: AttemptId,
    pub(super) outcome: Outcome,
    pub(super) record: Option<RecordId>,
}

impl RunState {
    /// The state after one event.
    pub fn new(event: &MetricsEvent) -> Self {
        let mut state = Self {
            header: event.run.clone(),
            started_at: event.run.opened_at,
            last_progress: event.run.opened_at,
            opened: BTreeMap::new(),
            harvests: BTreeMap::new(),
            costs_elsewhere: BTreeMap::new(),
            plans: BTreeMap::new(),
            chunks: BTreeMap::new(),
            leads: BTreeMap::new(),
            failures: BTreeMap::new(),
            notes: BTreeMap::new(),
            stalled_at: None,
            last_wait: None,
        };
        state.absorb(event);
        state
    }

    /// Folds a run's events; `None` if there are none.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a MetricsEvent>) -> Option<Self> {
        let mut events = events.into_iter();
        let mut state = Self::new(events.next()?);
        for event in events {
            state.absorb(event);
        }
        Some(state)
    }

    /// Adds one event of the same run. Order and repetition do not matter.
    pub fn absorb(&mut self, event: &MetricsEvent) {
        self.absorb_header(&event.run);
        if !matches!(event.fact, Fact::Noted(_) | Fact::CostElsewhere(_)) {
            self.started_at = self.started_at.min(event.at);
            self.last_progress = self.last_progress.max(event.at);
        }
        self.absorb_fact(&event.fact, event.at);
    }

    fn absorb_header(&mut self, other: &RunHeader) {
        self.started_at = self.started_at.min(other.opened_at);
        self.last_progress = self.last_progress.max(other.opened_at);
        self.header.opened_at = self.header.opened_at.min(other.opened_at);
        self.header.run_type = self.header.run_type.max(other.run_type);
        if other.client_name > self.header.client_name {
            self.header.client_name.clone_from(&other.client_name);
        }
    }

    fn absorb_fact(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::Opened(opened) => earliest(&mut self.opened, opened.by.clone(), at),
            Fact::Harvested(harvested) => self.absorb_harvest(harvested, at),
            Fact::CostElsewhere(elsewhere) => {
                let run = self.costs_elsewhere.entry(elsewhere.apify_run.clone());
                let known = run.or_insert_with(|| elsewhere.run.clone());
                if elsewhere.run < *known {
                    known.clone_from(&elsewhere.run);
                }
            }
            Fact::Planned(planned) => self.absorb_plan(planned, at),
            Fact::PlannedChunk(planned) => self.absorb_content(planned),
            Fact::Announced(announced) => {
                self.attempt(&announced.attempt)
                    .announced
                    .insert((announced.wave, announced.round), (announced.kind, announced.calls));
            }
            Fact::Billed(billed) => {
                let (calls, halt) = (billed.calls.clone(), billed.halt.clone());
                let billing = Billing { at, kind: billed.kind, calls, halt };
                self.attempt(&billed.attempt).billed.insert((billed.wave, billed.round), billing);
            }
            Fact::Settled(settled) => {
                settled.leads.iter().for_each(|lead| self.absorb_lead(settled, lead));
            }
            Fact::ChunkDone(done) => {
                let chunk = self.chunk(&done.attempt.plan, done.attempt.chunk);
                chunk.done_at = Some(chunk.done_at.map_or(at, |known| known.min(at)));
            }
            Fact::ChunkFailed(failed) => {
                let chunk = self.chunk(&failed.attempt.plan, failed.attempt.chunk);
                let failure = (at, failed.category, failed.reason.clone());
                chunk.failed = chunk.failed.take().max(Some(failure));
            }
            Fact::RunFailed(failed) => {
                let key = (failed.apify_run.clone(), failed.reason.clone());
                earliest(&mut self.failures, key, at);
            }
            Fact::Noted(note) => self.absorb_note(note, at),
        }
    }

    fn absorb_harvest(&mut self, harvested: &Harvested, at: Timestamp) {
        let is_planned = harvested.plan.is_some();
        let (finished_at, harvested) = (harvested.finished_at, harvested.clone());
        let report = HarvestReport { is_planned, finished_at, at, harvested: harvested.clone() };
        let harvest = self.harvests.entry(harvested.apify_run.clone()).or_default();
        harvest.report = harvest.report.take().max(Some(report));
        let seen_at = harvested.seen_at.unwrap_or(at);
        harvest.cost = harvest.cost.max(harvested.cost.map(|cost| (seen_at, cost)));
    }

    fn absorb_plan(&mut self, planned: &Planned, at: Timestamp) {
        let Planned { plan, kind, chunks, part_of, replaces, leads_table } = planned.clone();
        let new = PlanState { kind, chunks, at, part_of, replaces, leads_table: None };
        let known = self.plans.entry(plan).or_insert(new);
        known.at = known.at.min(at);
        known.leads_table = known.leads_table.take().max(leads_table);
    }

    fn absorb_content(&mut self, planned: &PlannedChunk) {
        let chunk = self.chunks.entry((planned.plan.clone(), planned.chunk)).or_default();
        let content = chunk.content.get_or_insert(Content::of(planned.kind));
        for lead in &planned.leads {
            content.leads.insert(lead.lead.clone(), lead.posts);
            if lead.left_out > 0 {
                content.left_out.insert(lead.lead.clone(), lead.left_out);
            }
            let known = self.leads.entry((planned.kind, lead.lead.clone())).or_default();
            known.planned = true;
            known.record = known.record.take().max(lead.record.clone());
            known.profile = known.profile.take().max(lead.profile.clone());
        }
    }

    fn absorb_lead(&mut self, settled: &Settled, of_lead: &LeadOutcome) {
        let lead = self.leads.entry((settled.kind, of_lead.lead.clone())).or_default();
        lead.examined.extend(of_lead.examined.iter().cloned());
        lead.scored.extend(of_lead.scored.iter().cloned());
        lead.record = lead.record.take().max(of_lead.record.clone());
        let verdict = Verdict {
            is_score: of_lead.outcome == Outcome::Scored,
            attempt_started_at: settled.attempt.started_at,
            attempt: settled.attempt.attempt.clone(),
            outcome: of_lead.outcome.clone(),
            record: of_lead.record.clone(),
        };
        lead.verdict = lead.verdict.take().max(Some(verdict));
        let chunk = self.chunk(&settled.attempt.plan, settled.attempt.chunk);
        chunk.settled.insert((settled.kind, of_lead.lead.clone()));
        if !of_lead.left_out.is_empty() {
            let left_out = chunk.left_out.entry(of_lead.lead.clone()).or_default();
            left_out.extend(of_lead.left_out.iter().cloned());
        }
    }

    fn chunk(&mut self, plan: &PlanId, index: u32) -> &mut Chunk {
        self.chunks.entry((plan.clone(), index)).or_default()
    }

    fn attempt(&mut self, attempt: &AttemptRef) -> &mut Attempt {
        self.chunk(&attempt.plan, attempt.chunk)
            .attempts
            .entry((attempt.started_at, attempt.attempt.clone()))
            .or_default()
    }
}

impl Content {
    fn of(kind: Kind) -> Self {
        Self { kind, leads: BTreeMap::new(), left_out: BTreeMap::new() }
    }
}

pub(super) fn earliest<K: Ord>(known: &mut BTreeMap<K, Timestamp>, key: K, at: Timestamp) {
    known.entry(key).and_modify(|then| *then = at.min(*then)).or_insert(at);
}
