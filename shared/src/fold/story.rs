//! Builds a run event by event, for tests.

use super::{RunState, Summary};
use crate::core::digest::{id_of, short_id_of};
use crate::core::ids::{ApifyRunId, LeadKey, PlanId, PostKey};
use crate::core::tokens::{NanoUsd, TokenUsage};
use crate::messages::{
    Announced, AttemptRef, Billed, BilledCall, CallOutcome, ChunkDone, ChunkFailed, ErrorCategory,
    Fact, HarvestStatus, Harvested, Kind, LeadOutcome, MetricsEvent, Note, NoteKind, Opened,
    OpenedBy, Outcome, Planned, PlannedChunk, PlannedLead, RunFailed, RunHeader, RunType, Served,
    Settled,
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const MODEL: &str = "gemini-3.5-flash-lite";

#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) header: RunHeader,
    /// The time between two events.
    pub(crate) step: SignedDuration,
    /// How many posts each lead has.
    pub(crate) posts: u32,
    /// Whether outcomes name the leads' rows.
    pub(crate) names_rows: bool,
    pub(crate) now: Timestamp,
    pub(crate) events: Vec<MetricsEvent>,
}

pub(crate) fn start() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

pub(crate) fn lead(n: u32) -> LeadKey {
    short_id_of(&["lead", &n.to_string()]).try_into().unwrap()
}

pub(crate) fn post(lead: u32, n: u32) -> PostKey {
    short_id_of(&["post", &lead.to_string(), &n.to_string()]).try_into().unwrap()
}

pub(crate) fn harvest_id() -> ApifyRunId {
    "HG7ML7M8z78YcAPEB".parse().unwrap()
}

pub(crate) fn plan_named(name: &str) -> PlanId {
    id_of(&[name]).try_into().unwrap()
}

pub(crate) fn plan_id() -> PlanId {
    plan_named("plan")
}

/// The n-th attempt at a chunk. It began n minutes after the run.
pub(crate) fn attempt(chunk: u32, n: u32) -> AttemptRef {
    AttemptRef {
        plan: plan_id(),
        chunk,
        started_at: start() + SignedDuration::from_mins(n.into()),
        attempt: id_of(&["attempt", &chunk.to_string(), &n.to_string()]).try_into().unwrap(),
    }
}

pub(crate) fn answered(total: u64) -> CallOutcome {
    answered_with(TokenUsage { prompt: total - 10, output: 10, total, ..TokenUsage::default() })
}

pub(crate) fn answered_with(usage: TokenUsage) -> CallOutcome {
    CallOutcome::Answered { usage, model: MODEL.to_owned(), served: Served::default() }
}

pub(crate) fn blocked() -> Outcome {
    Outcome::Failed { category: ErrorCategory::SafetyBlock, detail: "blocked".to_owned() }
}

pub(crate) fn note(kind: NoteKind, text: &str) -> Fact {
    Fact::Noted(Note { kind, text: text.to_owned(), needs_action: false })
}

pub(crate) fn run_failed(apify_run: Option<ApifyRunId>, reason: &str) -> Fact {
    Fact::RunFailed(RunFailed { apify_run, reason: reason.to_owned() })
}

/// A chunk of these leads, with `posts` posts each.
pub(crate) fn chunk_of(
    plan: PlanId,
    chunk: u32,
    leads: impl IntoIterator<Item = u32>,
    posts: u32,
) -> Fact {
    let leads = leads.into_iter().map(|n| PlannedLead {
        lead: lead(n),
        posts,
        record: None,
        profile: None,
        left_out: 0,
    });
    Fact::PlannedChunk(PlannedChunk { plan, kind: Kind::Post, chunk, leads: leads.collect() })
}

/// A plan that is not part of another plan and replaces none.
pub(crate) fn whole_plan(plan: PlanId, kind: Kind, chunks: u32) -> Planned {
    Planned { plan, kind, chunks, part_of: None, replaces: None, leads_table: None }
}

/// A run whose harvest brought `posts` posts, planned in chunks of these leads.
pub(crate) fn planned_run(posts: u32, chunks: &[&[u32]]) -> Story {
    Story::new().opened().harvested(HarvestStatus::Succeeded, posts, true).planned(chunks)
}

impl Story {
    pub(crate) fn new() -> Self {
        let header = RunHeader {
            run_stamp: "261123-100000".parse().unwrap(),
            client: "Guy-Wilson".parse().unwrap(),
            client_name: "Guy Wilson".to_owned(),
            run_type: RunType::Standalone,
            opened_at: start(),
        };
        let (step, now, events) = (SignedDuration::from_secs(1), start(), Vec::new());
        Self { header, step, posts: 2, names_rows: false, now, events }
    }

    pub(crate) fn tell(mut self, fact: Fact) -> Self {
        self.now += self.step;
        self.events.push(MetricsEvent { run: self.header.clone(), at: self.now, fact });
        self
    }

    pub(crate) fn opened(self) -> Self {
        self.opened_by(OpenedBy::Webhook(harvest_id()))
    }

    pub(crate) fn opened_by(self, by: OpenedBy) -> Self {
        self.tell(Fact::Opened(Opened { by }))
    }

    pub(crate) fn harvested(self, status: HarvestStatus, posts: u32, planned: bool) -> Self {
        self.tell(Fact::Harvested(Harvested {
            seen_at: None,
            finished_at: None,
            account: None,
            apify_run: harvest_id(),
            status,
            targets: 4,
            posts,
            posts_without_profile: 0,
            cost: Some(NanoUsd(74_000_000)),
            plan: planned.then(plan_id),
        }))
    }

    pub(crate) fn planned(self, chunks: &[&[u32]]) -> Self {
        let told = chunks.iter().zip(0..).fold(self, |story, (leads, chunk)| {
            let posts = story.posts;
            story.tell(chunk_of(plan_id(), chunk, leads.iter().copied(), posts))
        });
        let chunks = u32::try_from(chunks.len()).unwrap();
        told.tell(Fact::Planned(whole_plan(plan_id(), Kind::Post, chunks)))
    }

    pub(crate) fn announced(self, attempt: &AttemptRef, calls: u32) -> Self {
        let (attempt, kind, wave, round) = (attempt.clone(), Kind::Post, 0, 0);
        self.tell(Fact::Announced(Announced { attempt, kind, wave, round, calls }))
    }

    pub(crate) fn billed(self, attempt: &AttemptRef, outcomes: &[CallOutcome]) -> Self {
        let calls = outcomes.iter().cloned().zip(0..);
        let calls = calls.map(|(outcome, call)| BilledCall { call, outcome }).collect();
        let (attempt, kind, wave, round) = (attempt.clone(), Kind::Post, 0, 0);
        self.tell(Fact::Billed(Billed { attempt, kind, wave, round, calls, halt: None }))
    }

    /// Settles leads. For a scored lead all posts are scored, for a failed lead all are examined.
    pub(crate) fn settled(self, attempt: &AttemptRef, outcomes: &[(u32, Outcome)]) -> Self {
        let of_lead = |(n, outcome): &(u32, Outcome)| {
            let all: Vec<PostKey> = (0..self.posts).map(|i| post(*n, i)).collect();
            let (examined, scored) = match outcome {
                Outcome::Scored => (all.clone(), all),
                Outcome::Failed { .. } => (all, Vec::new()),
                Outcome::Skipped { .. } | Outcome::NotALead => (Vec::new(), Vec::new()),
            };
            let has_row = self.names_rows && *outcome != Outcome::NotALead;
            let record = has_row.then(|| format!("recLead{n:010}").parse().unwrap());
            let (outcome, left_out) = (outcome.clone(), Vec::new());
            LeadOutcome { lead: lead(*n), record, outcome, examined, scored, left_out }
        };
        let leads = outcomes.iter().map(of_lead).collect();
        self.tell(Fact::Settled(Settled {
            attempt: attempt.clone(),
            kind: Kind::Post,
            wave: None,
            leads,
        }))
    }

    pub(crate) fn done(self, attempt: &AttemptRef) -> Self {
        self.tell(Fact::ChunkDone(ChunkDone { attempt: attempt.clone() }))
    }

    /// The chunk is given up.
    pub(crate) fn gave_up(self, attempt: &AttemptRef, category: ErrorCategory) -> Self {
        let (attempt, reason) = (attempt.clone(), "the base denies access".to_owned());
        self.tell(Fact::ChunkFailed(ChunkFailed { attempt, category, reason }))
    }

    pub(crate) fn summary(&self) -> Summary {
        RunState::fold(&self.events).unwrap().summary()
    }
}
