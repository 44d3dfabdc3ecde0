//! The fold's rules, told as runs.

use super::{LeadCounts, RunState, Status, Summary};
use crate::core::ids::{LeadKey, PlanId, PostKey, RecordId};
use crate::core::tokens::{NanoUsd, TokenUsage};
use crate::messages::{
    Announced, AttemptRef, Billed, BilledCall, CallOutcome, ChunkDone, ChunkFailed, ErrorCategory,
    Fact, HarvestStatus, Harvested, Kind, LeadOutcome, MetricsEvent, Note, NoteKind, Opened,
    OpenedBy, Outcome, Planned, PlannedChunk, PlannedLead, ReplayLead, ReplayPlan, RunFailed,
    RunHeader, RunType, Served, Settled, SkipReason,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

mod failures;
mod missing;
mod money;
mod order;
mod replay;
mod waiting;

const MODEL: &str = "gemini-3.5-flash-lite";
const SCORED: Outcome = Outcome::Scored;
const NOTHING_NEW: Outcome = Outcome::Skipped { reason: SkipReason::NoNewPosts };

fn blocked() -> Outcome {
    Outcome::Failed { category: ErrorCategory::SafetyBlock, detail: "blocked".to_owned() }
}

/// A run, told event by event, a second apart.
#[derive(Clone)]
struct Story {
    now: Timestamp,
    events: Vec<MetricsEvent>,
}

fn start() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn lead(n: u32) -> LeadKey {
    crate::core::digest::short_id_of(&["lead", &n.to_string()]).try_into().unwrap()
}

fn post(lead: u32, n: u32) -> PostKey {
    crate::core::digest::short_id_of(&["post", &lead.to_string(), &n.to_string()])
        .try_into()
        .unwrap()
}

fn harvest_id() -> crate::core::ids::ApifyRunId {
    "HG7ML7M8z78YcAPEB".parse().unwrap()
}

fn plan_id() -> crate::core::ids::PlanId {
    crate::core::digest::id_of(&["plan"]).try_into().unwrap()
}

/// The n-th attempt at a chunk; it began n minutes into the run.
fn attempt(chunk: u32, n: u32) -> AttemptRef {
    let id = crate::core::digest::id_of(&["attempt", &chunk.to_string(), &n.to_string()]);
    AttemptRef {
        plan: plan_id(),
        chunk,
        started_at: start() + SignedDuration::from_mins(n.into()),
        attempt: id.try_into().unwrap(),
    }
}

fn answered(total: u64) -> CallOutcome {
    let usage = TokenUsage { prompt: total - 10, output: 10, total, ..TokenUsage::default() };
    CallOutcome::Answered { usage, model: MODEL.to_owned(), served: Served::default() }
}

impl Story {
    fn new() -> Self {
        Self { now: start(), events: Vec::new() }
    }

    fn tell(mut self, fact: Fact) -> Self {
        self.now += SignedDuration::from_secs(1);
        let run = RunHeader {
            run_stamp: "261123-100000".parse().unwrap(),
            client: "Guy-Wilson".parse().unwrap(),
            client_name: "Guy Wilson".to_owned(),
            run_type: RunType::Standalone,
            opened_at: start(),
        };
        self.events.push(MetricsEvent { run, at: self.now, fact });
        self
    }

    fn opened(self) -> Self {
        self.tell(Fact::Opened(Opened { by: OpenedBy::Webhook(harvest_id()) }))
    }

    fn harvested(self, status: HarvestStatus, posts: u32, planned: bool) -> Self {
        self.tell(Fact::Harvested(Harvested {
            seen_at: None,
            apify_run: harvest_id(),
            status,
            targets: 4,
            posts,
            posts_without_profile: 0,
            cost: Some(NanoUsd(74_000_000)),
            plan: planned.then(plan_id),
        }))
    }

    /// Plans chunks of these leads, two posts each.
    fn planned(self, chunks: &[&[u32]]) -> Self {
        let told = chunks.iter().zip(0..).fold(self, |story, (leads, chunk)| {
            let leads =
                leads.iter().map(|n| PlannedLead { lead: lead(*n), posts: 2, record: None });
            let leads = leads.collect();
            let planned = PlannedChunk { plan: plan_id(), kind: Kind::Post, chunk, leads };
            story.tell(Fact::PlannedChunk(planned))
        });
        let chunks = u32::try_from(chunks.len()).unwrap();
        told.tell(Fact::Planned(Planned {
            plan: plan_id(),
            kind: Kind::Post,
            chunks,
            part_of: None,
            replaces: None,
        }))
    }

    fn announced(self, attempt: &AttemptRef, calls: u32) -> Self {
        let attempt = attempt.clone();
        self.tell(Fact::Announced(Announced {
            attempt,
            kind: Kind::Post,
            wave: 0,
            round: 0,
            calls,
        }))
    }

    fn billed(self, attempt: &AttemptRef, outcomes: &[CallOutcome]) -> Self {
        let calls = outcomes.iter().cloned().zip(0..);
        let calls = calls.map(|(outcome, call)| BilledCall { call, outcome }).collect();
        let attempt = attempt.clone();
        self.tell(Fact::Billed(Billed { attempt, kind: Kind::Post, wave: 0, round: 0, calls }))
    }

    /// Settles leads; a scored one had both its posts scored, a failed one both examined.
    fn settled(self, attempt: &AttemptRef, outcomes: &[(u32, Outcome)]) -> Self {
        let leads = outcomes
            .iter()
            .map(|(n, outcome)| {
                let both = vec![post(*n, 0), post(*n, 1)];
                let none = Vec::new();
                let (examined, scored) = match outcome {
                    Outcome::Scored => (both.clone(), both),
                    Outcome::Failed { .. } => (both, none),
                    Outcome::Skipped { .. } | Outcome::NotALead => (none.clone(), none),
                };
                LeadOutcome {
                    lead: lead(*n),
                    record: None,
                    outcome: outcome.clone(),
                    examined,
                    scored,
                }
            })
            .collect();
        self.tell(Fact::Settled(Settled { attempt: attempt.clone(), kind: Kind::Post, leads }))
    }

    fn done(self, attempt: &AttemptRef) -> Self {
        self.tell(Fact::ChunkDone(ChunkDone { attempt: attempt.clone() }))
    }

    /// The chunk can never be done.
    fn gave_up(self, attempt: &AttemptRef, category: ErrorCategory) -> Self {
        let (attempt, reason) = (attempt.clone(), "the base denies access".to_owned());
        self.tell(Fact::ChunkFailed(ChunkFailed { attempt, category, reason }))
    }

    fn summary(&self) -> Summary {
        RunState::fold(&self.events).unwrap().summary()
    }
}

/// A run of four leads in two chunks that ends well.
fn finished() -> Story {
    let (first, second) = (attempt(0, 1), attempt(1, 1));
    Story::new()
        .opened()
        .harvested(HarvestStatus::Succeeded, 8, true)
        .planned(&[&[1, 2], &[3, 4]])
        .announced(&first, 2)
        .billed(&first, &[answered(100), answered(200)])
        .settled(&first, &[(1, SCORED), (2, SCORED)])
        .done(&first)
        .announced(&second, 1)
        .billed(&second, &[answered(300)])
        .settled(&second, &[(3, SCORED), (4, NOTHING_NEW)])
        .done(&second)
}

/// A run of four leads: the first chunk ended with one lead blocked, the second never came.
fn half_missing() -> Story {
    let first = attempt(0, 1);
    Story::new()
        .opened()
        .harvested(HarvestStatus::Succeeded, 8, true)
        .planned(&[&[1, 2], &[3, 4]])
        .announced(&first, 2)
        .billed(&first, &[answered(100), answered(200)])
        .settled(&first, &[(1, SCORED), (2, blocked())])
        .done(&first)
        .announced(&attempt(1, 1), 2)
}

/// A part of the planning of waiting leads, of one chunk.
fn part(story: Story, name: &str, leads: &[u32]) -> (Story, AttemptRef) {
    let plan: crate::core::ids::PlanId = crate::core::digest::id_of(&[name]).try_into().unwrap();
    let leads =
        leads.iter().map(|n| PlannedLead { lead: lead(*n), posts: 0, record: None }).collect();
    let chunk = PlannedChunk { plan: plan.clone(), kind: Kind::Post, chunk: 0, leads };
    let planned = Planned {
        plan: plan.clone(),
        kind: Kind::Post,
        chunks: 1,
        part_of: Some(plan_id()),
        replaces: None,
    };
    let story = story.tell(Fact::PlannedChunk(chunk)).tell(Fact::Planned(planned));
    (story, AttemptRef { plan, ..attempt(0, 1) })
}

#[test]
fn a_run_that_ends_well_adds_up() {
    let summary = finished().summary();
    assert_eq!(summary.status, Status::Completed);
    assert_eq!(summary.imbalances, Vec::<String>::new());
    assert_eq!((summary.posts.examined, summary.posts.scored), (6, 6));
    assert_eq!(summary.posts.tokens.total, 600);
    let leads = LeadCounts { planned: 4, scored: 3, skipped: 1, failed: 0, open: 0 };
    assert_eq!(summary.posts.leads, leads);
    assert_eq!(
        (summary.posts_harvested, summary.posts_matched, summary.posts_unmatched),
        (8, 8, 0)
    );
    assert_eq!(summary.ended_at, Some(finished().now), "the last chunk's end");
    assert_eq!(summary.started_at, start());
    // 570 prompt tokens at 300 and 30 output tokens at 2,500 billionths of a dollar.
    assert_eq!(summary.ai_cost, NanoUsd(570 * 300 + 30 * 2_500));
}

#[test]
fn tokens_of_calls_whose_leads_failed_count_like_any_other() {
    let only = attempt(0, 1);
    let summary = Story::new()
        .opened()
        .harvested(HarvestStatus::Succeeded, 2, true)
        .planned(&[&[1]])
        .announced(&only, 1)
        .billed(&only, &[answered(90)])
        .settled(&only, &[(1, blocked())])
        .done(&only)
        .summary();
    assert_eq!(summary.posts.tokens.total, 90);
    assert_eq!((summary.posts.examined, summary.posts.scored), (2, 0));
    assert_eq!(summary.status, Status::CompletedWithErrors);
    assert_eq!(summary.errors[&ErrorCategory::SafetyBlock].len(), 1);
    assert!(summary.imbalances.is_empty());
}

#[test]
fn a_second_try_counts_its_tokens_and_no_lead_or_post_twice() {
    let again = attempt(0, 2);
    let summary = finished()
        .announced(&again, 2)
        .billed(&again, &[answered(100), answered(200)])
        .settled(&again, &[(1, SCORED), (2, NOTHING_NEW)])
        .done(&again)
        .summary();
    assert_eq!(summary.posts.tokens.total, 900);
    assert_eq!((summary.posts.examined, summary.posts.leads.scored), (6, 3));
    assert_eq!(summary.ended_at, finished().summary().ended_at, "it had ended before");
}

#[test]
fn a_score_never_loses_to_a_non_score_and_else_the_latest_try_wins() {
    let (early, late) = (attempt(0, 1), attempt(0, 2));
    let told = |first: (&AttemptRef, Outcome), second: (&AttemptRef, Outcome)| {
        let story = Story::new().opened().harvested(HarvestStatus::Succeeded, 2, true);
        let story = story.planned(&[&[1]]).settled(first.0, &[(1, first.1)]);
        let leads = story.settled(second.0, &[(1, second.1)]).summary().posts.leads;
        (leads.scored, leads.skipped, leads.failed)
    };
    assert_eq!(told((&early, SCORED), (&late, blocked())), (1, 0, 0));
    assert_eq!(told((&early, blocked()), (&late, SCORED)), (1, 0, 0));
    assert_eq!(told((&early, blocked()), (&late, NOTHING_NEW)), (0, 1, 0));
    assert_eq!(told((&late, NOTHING_NEW), (&early, blocked())), (0, 1, 0), "told out of order");
}

#[test]
fn a_call_that_was_announced_and_never_billed_is_unobserved_once_its_try_is_over() {
    let (died, lived) = (attempt(0, 1), attempt(0, 2));
    let story = Story::new().opened().harvested(HarvestStatus::Succeeded, 2, true).planned(&[&[1]]);
    let story = story.announced(&died, 3);
    assert_eq!(story.summary().posts.unobserved, 0, "it may still be going on");
    let story = story.announced(&lived, 1).billed(&lived, &[answered(50)]);
    assert_eq!(story.summary().posts.unobserved, 3, "another attempt took over");
    let story = story.settled(&lived, &[(1, SCORED)]).done(&lived);
    let summary = story.summary();
    assert_eq!((summary.posts.unobserved, summary.posts.tokens.total), (3, 50));
    assert_eq!(
        summary.imbalances,
        ["post tokens: 3 model call(s) unobserved, whatever they used is not counted"]
    );
    let late_report = story.billed(&died, &[answered(20), CallOutcome::Refused, CallOutcome::Lost]);
    let summary = late_report.summary();
    assert_eq!((summary.posts.unobserved, summary.posts.tokens.total), (1, 70));
}

#[test]
fn an_answer_that_was_lost_is_unobserved_at_once_and_a_refused_call_never() {
    let only = attempt(0, 1);
    let story = Story::new().opened().planned(&[&[1]]).announced(&only, 2);
    let summary = story.billed(&only, &[CallOutcome::Lost, CallOutcome::Refused]).summary();
    assert_eq!(summary.posts.unobserved, 1);
}

#[test]
fn posts_of_a_profile_that_is_no_lead_are_unmatched() {
    let only = attempt(0, 1);
    let summary = Story::new()
        .opened()
        .harvested(HarvestStatus::Succeeded, 4, true)
        .planned(&[&[1, 2]])
        .settled(&only, &[(1, SCORED), (2, Outcome::NotALead)])
        .done(&only)
        .summary();
    assert_eq!((summary.posts_matched, summary.posts_unmatched, summary.not_leads), (2, 2, 1));
    assert_eq!((summary.posts.leads.planned, summary.posts.leads.scored), (1, 1));
    assert!(summary.imbalances.is_empty());
}

#[test]
fn posts_that_name_no_profile_are_unmatched() {
    let only = attempt(0, 1);
    let mut story = Story::new().opened().harvested(HarvestStatus::Succeeded, 5, true);
    if let Some(Fact::Harvested(harvested)) = story.events.last_mut().map(|e| &mut e.fact) {
        harvested.posts_without_profile = 1;
    }
    let story = story.planned(&[&[1, 2]]).settled(&only, &[(1, SCORED), (2, SCORED)]).done(&only);
    let summary = story.summary();
    assert_eq!((summary.posts_matched, summary.posts_unmatched), (4, 1));
    assert!(summary.imbalances.is_empty());
}

#[test]
fn what_does_not_add_up_is_said() {
    let only = attempt(0, 1);
    let story = |posts| {
        Story::new()
            .opened()
            .harvested(HarvestStatus::Succeeded, posts, true)
            .planned(&[&[1]])
            .settled(&only, &[(1, SCORED)])
            .done(&only)
    };
    assert!(story(2).summary().imbalances.is_empty());
    assert_eq!(
        story(7).summary().imbalances,
        ["posts: 7 harvested, but 2 matched + 0 unmatched + 0 open = 2"]
    );
    let stranger = story(2).settled(&only, &[(9, SCORED)]);
    assert_eq!(
        stranger.summary().imbalances,
        ["post leads: 1 planned, but 2 scored + 0 skipped + 0 failed + 0 open = 2"]
    );
    let mut forgotten = story(2).summary();
    forgotten.posts.leads = LeadCounts { planned: 1, open: 1, ..LeadCounts::default() };
    assert_eq!(
        super::balance::imbalances(&forgotten),
        ["post leads: 1 left open by chunks that are done"]
    );
    forgotten.posts.leads = LeadCounts { planned: 5, open: 2, scored: 1, ..LeadCounts::default() };
    assert_eq!(
        super::balance::imbalances(&forgotten)[0],
        "post leads: 5 planned, but 1 scored + 0 skipped + 0 failed + 2 open = 3"
    );
    let usage = TokenUsage { prompt: 5, output: 5, total: 11, ..TokenUsage::default() };
    let odd = CallOutcome::Answered { usage, model: MODEL.to_owned(), served: Served::default() };
    let miscounted = story(2).announced(&only, 1).billed(&only, &[odd]);
    assert_eq!(
        miscounted.summary().imbalances,
        ["post tokens: 11 in all, but 5 prompt + 5 output + 0 thoughts + 0 tool = 10"]
    );
}

#[test]
fn a_cost_that_apify_once_named_is_kept() {
    let mut story = finished().harvested(HarvestStatus::Succeeded, 8, true);
    if let Fact::Harvested(harvested) = &mut story.events.last_mut().unwrap().fact {
        harvested.cost = None;
    }
    assert_eq!(story.summary().harvest_cost, Some(NanoUsd(74_000_000)));
}

#[test]
fn a_cost_that_apify_named_earlier_is_not_believed_for_being_reported_later() {
    let mut story = Story::new().opened().harvested(HarvestStatus::Succeeded, 4, true);
    let Fact::Harvested(last) = story.events.last().unwrap().fact.clone() else { panic!() };
    let seen = |minute: i64, cost| {
        let seen_at = Some(start() + SignedDuration::from_mins(minute));
        Fact::Harvested(Harvested { seen_at, cost: Some(NanoUsd(cost)), ..last.clone() })
    };
    story = story.tell(seen(60, 90_000_000)).tell(seen(59, 40_000_000));
    assert_eq!(story.summary().harvest_cost, Some(NanoUsd(90_000_000)));
}

#[test]
fn the_scored_profiles_are_those_with_a_score_and_each_skip_is_counted_by_its_reason() {
    let outcome = |n, outcome: Outcome| LeadOutcome {
        lead: lead(n),
        record: None,
        examined: if outcome == SCORED { vec![post(n, 0)] } else { Vec::new() },
        scored: Vec::new(),
        outcome,
    };
    let leads = vec![
        outcome(1, SCORED),
        outcome(2, NOTHING_NEW),
        outcome(3, NOTHING_NEW),
        outcome(4, NOTHING_NEW),
    ];
    let settled = Settled { attempt: attempt(0, 1), kind: Kind::Profile, leads };
    let summary = Story::new().opened().tell(Fact::Settled(settled)).summary();
    assert_eq!((summary.profiles.examined, summary.profiles.scored), (1, 1));
    assert_eq!(summary.skips[&SkipReason::NoNewPosts], 3);
}

#[test]
fn a_quarter_a_half_and_three_quarters_of_the_chunks_are_milestones() {
    let chunks: [&[u32]; 8] = [&[1], &[2], &[3], &[4], &[5], &[6], &[7], &[8]];
    let story = Story::new().opened().harvested(HarvestStatus::Succeeded, 16, true);
    let planned = story.planned(&chunks);
    let begun = planned.now;
    let story = (0..7).fold(planned, |story, chunk| story.done(&attempt(chunk, 1)));
    let milestones = story.summary().milestones;
    // Each chunk took a second.
    let quarters: Vec<_> =
        milestones.iter().map(|m| (m.done, m.of, m.at.duration_since(begun).as_secs())).collect();
    assert_eq!(quarters, [(2, 8, 2), (4, 8, 4), (6, 8, 6)]);
}
