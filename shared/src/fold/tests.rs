//! The fold's rules, told as runs.

use super::{LeadCounts, RunState, Status, Summary};
use crate::ids::{LeadKey, PlanId, PostKey, RecordId};
use crate::messages::{
    Announced, AttemptRef, Billed, BilledCall, CallOutcome, ChunkDone, ChunkFailed, ErrorCategory,
    Fact, HarvestStatus, Harvested, Kind, LeadOutcome, MetricsEvent, Note, NoteKind, Opened,
    OpenedBy, Outcome, Planned, PlannedChunk, PlannedLead, ReplayLead, ReplayPlan, RunFailed,
    RunHeader, RunType, Served, Settled, SkipReason,
};
use crate::tokens::{NanoUsd, TokenUsage};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

mod missing;
mod money;

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
    crate::digest::short_id_of(&["lead", &n.to_string()]).try_into().unwrap()
}

fn post(lead: u32, n: u32) -> PostKey {
    crate::digest::short_id_of(&["post", &lead.to_string(), &n.to_string()]).try_into().unwrap()
}

fn harvest_id() -> crate::ids::ApifyRunId {
    "HG7ML7M8z78YcAPEB".parse().unwrap()
}

fn plan_id() -> crate::ids::PlanId {
    crate::digest::id_of(&["plan"]).try_into().unwrap()
}

/// The n-th try at a chunk; it began n minutes into the run.
fn attempt(chunk: u32, n: u32) -> AttemptRef {
    let id = crate::digest::id_of(&["attempt", &chunk.to_string(), &n.to_string()]);
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
            base_run: "261123-100000".parse().unwrap(),
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
fn a_run_is_running_until_its_last_chunk_is_done() {
    let mut story = finished();
    let last = story.events.pop().unwrap();
    let summary = story.summary();
    assert_eq!((summary.status, summary.ended_at), (Status::Running, None));
    assert_eq!(summary.missing, [format!("chunk 2 of 2 (plan {})", plan_id())]);
    story.events.push(last);
    assert_eq!(story.summary().status, Status::Completed);
}

#[test]
fn a_run_is_running_while_a_harvest_is_not_read_or_its_plan_not_queued() {
    assert_eq!(Story::new().opened().summary().status, Status::Running);
    let unplanned = Story::new().opened().harvested(HarvestStatus::Succeeded, 8, true);
    assert_eq!(unplanned.summary().status, Status::Running);
    let mut half_told = finished();
    half_told
        .events
        .retain(|event| !matches!(&event.fact, Fact::PlannedChunk(planned) if planned.chunk == 1));
    assert_eq!(half_told.summary().status, Status::Running, "a chunk's leads are not known yet");
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
    assert_eq!(story.summary().posts.unobserved, 3, "another try took over");
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
    let forgotten = Story::new()
        .opened()
        .harvested(HarvestStatus::Succeeded, 2, true)
        .planned(&[&[1]])
        .done(&only);
    assert!(
        forgotten
            .summary()
            .imbalances
            .contains(&"post leads: 1 left open by chunks that are done".to_owned())
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
fn a_harvest_that_brought_nothing_usable_fails_the_run_and_one_that_did_does_not() {
    let nothing = Story::new().opened().planned(&[]).harvested(HarvestStatus::Failed, 0, true);
    assert_eq!(nothing.summary().status, Status::Failed);
    let only = attempt(0, 1);
    let part = Story::new()
        .opened()
        .harvested(HarvestStatus::TimedOut, 2, true)
        .planned(&[&[1]])
        .settled(&only, &[(1, SCORED)])
        .done(&only);
    assert_eq!(part.summary().status, Status::CompletedWithErrors);
    let empty = Story::new().opened().planned(&[]).harvested(HarvestStatus::Succeeded, 0, true);
    assert_eq!(empty.summary().status, Status::Completed);
}

#[test]
fn a_run_that_failed_to_be_planned_is_put_right_by_planning_it() {
    let failed = RunFailed { apify_run: Some(harvest_id()), reason: "no such client".to_owned() };
    let story = Story::new().opened().tell(Fact::RunFailed(failed)).harvested(
        HarvestStatus::Succeeded,
        2,
        false,
    );
    let summary = story.summary();
    assert_eq!((summary.status, summary.posts_unmatched), (Status::Failed, 2));
    assert!(summary.imbalances.is_empty());
    let only = attempt(0, 1);
    let summary = story
        .opened()
        .harvested(HarvestStatus::Succeeded, 2, true)
        .planned(&[&[1]])
        .settled(&only, &[(1, SCORED)])
        .done(&only)
        .summary();
    assert_eq!((summary.status, summary.failures.len()), (Status::Completed, 0));
}

#[test]
fn a_run_that_ended_well_is_not_made_worse_by_a_later_delivery_that_fails() {
    let failed = RunFailed { apify_run: Some(harvest_id()), reason: "client paused".to_owned() };
    let later = finished().opened().tell(Fact::RunFailed(failed)).harvested(
        HarvestStatus::Succeeded,
        0,
        false,
    );
    let (before, after) = (finished().summary(), later.summary());
    assert_eq!(after.status, Status::Completed);
    assert_eq!((after.posts_harvested, after.posts_matched), (before.posts_harvested, 8));
    assert_eq!(after.failures, []);
}

#[test]
fn chunks_of_a_plan_that_was_given_up_before_it_was_told_do_not_keep_a_run_open() {
    let other = crate::digest::id_of(&["another plan"]).try_into().unwrap();
    let stray = AttemptRef { plan: other, ..attempt(0, 3) };
    let summary = finished().settled(&stray, &[(1, SCORED)]).done(&stray).summary();
    assert_eq!(summary.status, Status::Completed);
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
fn a_chunk_that_can_never_be_done_fails_its_open_leads_until_a_try_settles_them() {
    let (first, second) = (attempt(0, 1), attempt(0, 2));
    let failed = ChunkFailed {
        attempt: first.clone(),
        category: ErrorCategory::Airtable,
        reason: "the base denies access".to_owned(),
    };
    let story = Story::new()
        .opened()
        .harvested(HarvestStatus::Succeeded, 4, true)
        .planned(&[&[1, 2]])
        .settled(&first, &[(1, SCORED)])
        .tell(Fact::ChunkFailed(failed));
    let summary = story.summary();
    assert_eq!(summary.status, Status::CompletedWithErrors);
    assert_eq!((summary.posts.leads.scored, summary.posts.leads.failed), (1, 1));
    let summary = story.settled(&second, &[(2, SCORED)]).done(&second).summary();
    assert_eq!((summary.status, summary.posts.leads.failed), (Status::Completed, 0));
}

#[test]
fn a_chunk_that_can_never_be_done_fails_its_own_leads_while_others_go_on() {
    let failed = ChunkFailed {
        attempt: attempt(0, 1),
        category: ErrorCategory::Airtable,
        reason: "the base denies access".to_owned(),
    };
    let summary = Story::new()
        .opened()
        .harvested(HarvestStatus::Succeeded, 4, true)
        .planned(&[&[1], &[2]])
        .tell(Fact::ChunkFailed(failed))
        .summary();
    assert_eq!((summary.posts.leads.failed, summary.posts.leads.open), (1, 1));
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
    let story = (0..7).fold(story.planned(&chunks), |story, chunk| story.done(&attempt(chunk, 1)));
    let milestones = story.summary().milestones;
    let quarters: Vec<_> = milestones.iter().map(|m| (m.done, m.of)).collect();
    assert_eq!(quarters, [(2, 8), (4, 8), (6, 8)]);
}

#[test]
fn a_stalled_run_moves_on_with_the_next_sign_of_work() {
    let mut story = finished();
    let last = story.events.pop().unwrap();
    story.now += SignedDuration::from_mins(31);
    let note = Note { kind: NoteKind::Stalled, text: "no progress for 31 minutes".to_owned() };
    let mut stalled = story.tell(Fact::Noted(note));
    assert_eq!(stalled.summary().status, Status::Stalled);
    stalled.now += SignedDuration::from_mins(1);
    let moved = stalled.clone().announced(&attempt(1, 40), 1);
    assert_eq!(moved.summary().status, Status::Running);
    stalled.events.push(MetricsEvent { at: stalled.now, ..last });
    assert_eq!(stalled.summary().status, Status::Completed);
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

/// What a replay of a run names, as its plans' leads.
fn replayed(story: &Story) -> Vec<Vec<LeadKey>> {
    let replays = RunState::fold(&story.events).unwrap().replays(story.now);
    let plans = replays.into_iter().flat_map(|replay| {
        assert_eq!(replay.unplanned, []);
        replay.plans
    });
    plans.map(|plan| plan.leads.into_iter().map(|lead| lead.lead).collect()).collect()
}

#[test]
fn a_replay_names_the_leads_that_failed_and_those_of_missing_chunks_and_no_other() {
    let mut expected = vec![lead(2), lead(3), lead(4)];
    expected.sort();
    assert_eq!(replayed(&half_missing()), [expected]);
    assert!(replayed(&finished()).is_empty());
    let unread = RunState::fold(&Story::new().opened().events).unwrap().replays(start());
    assert_eq!(unread[0].unplanned, [harvest_id()]);
}

#[test]
fn a_replay_takes_over_the_chunks_that_are_missing_and_both_tries_cost_counts() {
    let replay: crate::ids::PlanId = crate::digest::id_of(&["replay"]).try_into().unwrap();
    let leads = [2, 3, 4].map(|n| PlannedLead { lead: lead(n), posts: 2, record: None });
    let again = AttemptRef { plan: replay.clone(), ..attempt(0, 5) };
    let queued = half_missing()
        .tell(Fact::PlannedChunk(PlannedChunk {
            plan: replay.clone(),
            kind: Kind::Post,
            chunk: 0,
            leads: leads.to_vec(),
        }))
        .tell(Fact::Planned(Planned {
            plan: replay.clone(),
            kind: Kind::Post,
            chunks: 1,
            part_of: None,
            replaces: Some(plan_id()),
        }));
    assert_eq!(queued.summary().missing, [format!("chunk 1 of 1 (plan {replay})")]);
    let done = queued
        .announced(&again, 3)
        .billed(&again, &[answered(10), answered(10), answered(10)])
        .settled(&again, &[(2, SCORED), (3, SCORED), (4, blocked())])
        .done(&again);
    let summary = done.summary();
    assert_eq!((summary.status, summary.posts.tokens.total), (Status::CompletedWithErrors, 330));
    let leads = LeadCounts { planned: 4, scored: 3, skipped: 0, failed: 1, open: 0 };
    assert_eq!(summary.posts.leads, leads);
    assert_eq!(summary.posts.unobserved, 2, "the dead try's calls");
    assert_eq!((summary.posts_harvested, summary.posts_matched), (8, 8));
    assert_eq!(replayed(&done), [vec![lead(4)]], "and the same plan is named the next time");
}

/// A long run with everything in it.
fn eventful() -> Vec<MetricsEvent> {
    let (died, lived, late) = (attempt(0, 3), attempt(0, 4), attempt(1, 5));
    let failed = RunFailed { apify_run: Some(harvest_id()), reason: "base denied".to_owned() };
    let chunk_failed = ChunkFailed {
        attempt: late.clone(),
        category: ErrorCategory::Airtable,
        reason: "gone".to_owned(),
    };
    let note = |kind| Fact::Noted(Note { kind, text: "told".to_owned() });
    finished()
        .opened()
        .tell(Fact::RunFailed(failed))
        .harvested(HarvestStatus::Succeeded, 9, true)
        .announced(&died, 3)
        .announced(&lived, 2)
        .billed(&lived, &[answered(70), CallOutcome::Lost])
        .settled(&lived, &[(1, blocked()), (2, SCORED), (5, Outcome::NotALead)])
        .tell(note(NoteKind::Record))
        .tell(note(NoteKind::Stalled))
        .done(&lived)
        .settled(&late, &[(3, blocked()), (4, SCORED)])
        .tell(Fact::ChunkFailed(chunk_failed))
        .events
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_of_events_give_the_same_state(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        order in Just((0..eventful().len()).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let events = eventful();
        let told = RunState::fold(&events).unwrap();
        let mut shuffled: Vec<&MetricsEvent> = order.iter().map(|at| &events[*at]).collect();
        for pick in picks {
            let again = pick.get(&events);
            let place = pick.index(shuffled.len());
            shuffled.insert(place, again);
        }
        let state = RunState::fold(shuffled).unwrap();
        prop_assert_eq!(state.summary(), told.summary());
        prop_assert_eq!(state, told);
    }
}

/// A part of the planning of waiting leads, of one chunk.
fn part(story: Story, name: &str, leads: &[u32]) -> (Story, AttemptRef) {
    let plan: crate::ids::PlanId = crate::digest::id_of(&[name]).try_into().unwrap();
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
fn waiting_leads_that_are_planned_in_parts_are_one_plan_and_the_run_ends_with_the_last() {
    let by = OpenedBy::Score { kind: Kind::Post, plan: plan_id() };
    let story = Story::new().tell(Fact::Opened(Opened { by }));
    let (story, first) = part(story, "a", &[1, 2]);
    let story = story.settled(&first, &[(1, SCORED), (2, SCORED)]).done(&first);
    let before = story.summary();
    assert_eq!(before.status, Status::Running, "more may be waiting");
    assert_eq!(before.missing, ["leads waiting for post scoring are not all planned"]);

    // Begun again after a crash: lead 2 was still waiting then.
    let (story, second) = part(story, "b", &[2, 3]);
    let whole =
        Planned { plan: plan_id(), kind: Kind::Post, chunks: 0, part_of: None, replaces: None };
    let story = story.tell(Fact::Planned(whole));
    assert_eq!(story.summary().status, Status::Running);
    let story = story.settled(&second, &[(2, SCORED), (3, NOTHING_NEW)]).done(&second);
    let after = story.summary();
    assert_eq!((after.status, after.imbalances.len()), (Status::Completed, 0));
    let leads = after.posts.leads;
    assert_eq!((leads.planned, leads.scored, leads.skipped), (3, 2, 1));
    assert_eq!(after.planned.iter().map(|(.., leads)| *leads).collect::<Vec<_>>(), [3]);
}

#[test]
fn what_two_plans_left_open_is_replayed_by_one_task_while_it_fits() {
    let (story, _) = part(half_missing(), "a", &[5, 6]);
    let replays = RunState::fold(&story.events).unwrap().replays(story.now);
    assert_eq!(replays.iter().map(|task| task.plans.len()).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_run_that_found_nothing_waiting_is_completed() {
    let by = OpenedBy::Score { kind: Kind::Profile, plan: plan_id() };
    let whole =
        Planned { plan: plan_id(), kind: Kind::Profile, chunks: 0, part_of: None, replaces: None };
    let story = Story::new().tell(Fact::Opened(Opened { by })).tell(Fact::Planned(whole)).summary();
    assert_eq!((story.status, story.profiles.leads.planned), (Status::Completed, 0));
}

#[test]
fn a_missing_chunk_of_profiles_is_replayed_by_its_rows_and_taken_over() {
    let [part, replay] =
        ["part", "replay"].map(|name| crate::digest::id_of(&[name]).parse::<PlanId>().unwrap());
    let record: RecordId = "recX8s1pPiBf5rqTz".parse().unwrap();
    let planned = |plan: &PlanId, part_of, replaces| {
        let leads = vec![PlannedLead { lead: lead(1), posts: 0, record: Some(record.clone()) }];
        let (plan, kind) = (plan.clone(), Kind::Profile);
        let chunk = PlannedChunk { plan: plan.clone(), kind, chunk: 0, leads };
        [
            Fact::PlannedChunk(chunk),
            Fact::Planned(Planned { plan, kind, chunks: 1, part_of, replaces }),
        ]
    };
    let tell = |story: Story, facts: [Fact; 2]| facts.into_iter().fold(story, Story::tell);
    let by = OpenedBy::Score { kind: Kind::Profile, plan: plan_id() };
    let whole =
        Planned { plan: plan_id(), kind: Kind::Profile, chunks: 0, part_of: None, replaces: None };
    let story = Story::new().tell(Fact::Opened(Opened { by })).tell(Fact::Planned(whole));
    let lost = tell(story, planned(&part, Some(plan_id()), None));

    let again = RunState::fold(&lost.events).unwrap().replays(lost.now).remove(0).plans;
    let leads = vec![ReplayLead { lead: lead(1), record: Some(record.clone()) }];
    let plan = part.clone();
    assert_eq!(again, [ReplayPlan { plan, kind: Kind::Profile, harvest: None, leads }]);

    let taken_over = tell(lost, planned(&replay, None, Some(part)));
    assert_eq!(taken_over.summary().missing, [format!("chunk 1 of 1 (plan {replay})")]);
    let done = taken_over.done(&AttemptRef { plan: replay, ..attempt(0, 1) });
    assert_eq!(done.summary().missing, Vec::<String>::new());
}
