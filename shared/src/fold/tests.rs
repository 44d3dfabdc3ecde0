//! The fold's rules, shown with example runs.

use super::story::{
    MODEL, Story, answered, answered_with, attempt, blocked, chunk_of, harvest_id, lead, note,
    plan_id, plan_named, planned_run, post, run_failed, start, whole_plan,
};
use super::{LeadCounts, PlanSize, RunState, Status};
use crate::core::ids::{LeadKey, PlanId, RecordId};
use crate::core::tokens::{NanoUsd, TokenUsage};
use crate::messages::{
    AttemptRef, BilledCall, CallOutcome, ErrorCategory, Fact, HarvestStatus, Harvested, Kind,
    LeadOutcome, MetricsEvent, NoteKind, OpenedBy, Outcome, Planned, PlannedChunk, PlannedLead,
    ReplayLead, ReplayPlan, RunType, Served, Settled, SkipReason,
};
use jiff::SignedDuration;
use proptest::prelude::*;

mod accounts;
mod failures;
mod missing;
mod money;
mod order;
mod replay;
mod waiting;

const SCORED: Outcome = Outcome::Scored;
const NOTHING_NEW: Outcome = Outcome::Skipped { reason: SkipReason::NoNewPosts };

/// A run of four leads in two chunks that completes.
fn finished() -> Story {
    let (first, second) = (attempt(0, 1), attempt(1, 1));
    planned_run(8, &[&[1, 2], &[3, 4]])
        .announced(&first, 2)
        .billed(&first, &[answered(100), answered(200)])
        .settled(&first, &[(1, SCORED), (2, SCORED)])
        .done(&first)
        .announced(&second, 1)
        .billed(&second, &[answered(300)])
        .settled(&second, &[(3, SCORED), (4, NOTHING_NEW)])
        .done(&second)
}

/// A run of four leads. One lead of the first chunk was blocked; the second chunk is missing.
fn half_missing() -> Story {
    let first = attempt(0, 1);
    planned_run(8, &[&[1, 2], &[3, 4]])
        .announced(&first, 2)
        .billed(&first, &[answered(100), answered(200)])
        .settled(&first, &[(1, SCORED), (2, blocked())])
        .done(&first)
        .announced(&attempt(1, 1), 2)
}

/// A part of the plan of waiting leads, with one chunk.
fn part(story: Story, name: &str, leads: &[u32]) -> (Story, AttemptRef) {
    let plan = plan_named(name);
    let part_of = Some(plan_id());
    let planned = Planned { part_of, ..whole_plan(plan.clone(), Kind::Post, 1) };
    let chunk = chunk_of(plan.clone(), 0, leads.iter().copied(), 0);
    let story = story.tell(chunk).tell(Fact::Planned(planned));
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
    let summary = planned_run(2, &[&[1]])
        .announced(&only, 1)
        .billed(&only, &[answered(90)])
        .settled(&only, &[(1, blocked())])
        .done(&only)
        .summary();
    assert_eq!(summary.posts.tokens.total, 90);
    assert_eq!((summary.posts.examined, summary.posts.scored), (2, 0));
    assert_eq!(summary.status, Status::Failed, "it was asked about, and nothing was scored");
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
        let story = planned_run(2, &[&[1]]).settled(first.0, &[(1, first.1)]);
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
    let story = planned_run(2, &[&[1]]);
    let story = story.announced(&died, 3);
    assert_eq!(story.summary().posts.unobserved, 0, "it may still be going on");
    let story = story.announced(&lived, 1).billed(&lived, &[answered(50)]);
    assert_eq!(story.summary().posts.unobserved, 3, "another attempt took over");
    let story = story.settled(&lived, &[(1, SCORED)]).done(&lived);
    let summary = story.summary();
    assert_eq!((summary.posts.unobserved, summary.posts.tokens.total), (3, 50));
    assert_eq!(
        summary.imbalances,
        [
            "post tokens: 3 model calls unobserved, whatever was used there is not counted",
            "cost is at least $0.000037: 3 calls without usage"
        ]
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
    let summary = planned_run(4, &[&[1, 2]])
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
    let story = |posts| planned_run(posts, &[&[1]]).settled(&only, &[(1, SCORED)]).done(&only);
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
    let miscounted = story(2).announced(&only, 1).billed(&only, &[answered_with(usage)]);
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
    let summary = story.summary();
    assert_eq!(summary.harvest_cost, Some(NanoUsd(74_000_000)));
    assert_eq!(summary.imbalances, Vec::<String>::new());
}

#[test]
fn a_cost_that_apify_does_not_name_is_in_the_balance() {
    let mut story = finished();
    for event in &mut story.events {
        if let Fact::Harvested(harvested) = &mut event.fact {
            harvested.cost = None;
        }
    }
    let summary = story.summary();
    assert_eq!(summary.imbalances, ["Apify costs: Apify reports none for 1 harvest"]);
    assert_eq!((summary.harvest_cost, summary.status), (None, Status::Completed));
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
        left_out: Vec::new(),
        outcome,
    };
    // Its row was deleted during the model call.
    let (category, detail) = (ErrorCategory::Airtable, "the row is gone".to_owned());
    let mut unwritten = outcome(5, Outcome::Failed { category, detail });
    unwritten.examined = vec![post(5, 0)];
    unwritten.scored = vec![post(5, 0)];
    let leads = vec![
        outcome(1, SCORED),
        unwritten,
        outcome(2, NOTHING_NEW),
        outcome(3, NOTHING_NEW),
        outcome(4, NOTHING_NEW),
    ];
    let settled = Settled { attempt: attempt(0, 1), kind: Kind::Profile, wave: None, leads };
    let summary = Story::new().opened().tell(Fact::Settled(settled)).summary();
    assert_eq!((summary.profiles.examined, summary.profiles.scored), (2, 2));
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
