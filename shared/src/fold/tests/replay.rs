//! What a replay repeats, shown with example runs.

use super::missing::{another_plan, another_plan_told, chunk_of_another_plan};
use super::*;
use crate::messages::{MAX_REPLAY_LEADS, Replay};

/// The leads of each plan that a replay of the run names.
fn replayed(story: &Story) -> Vec<Vec<LeadKey>> {
    let plans = replays(story).into_iter().flat_map(|replay| {
        assert_eq!(replay.unplanned, []);
        replay.plans
    });
    plans.map(|plan| plan.leads.into_iter().map(|lead| lead.lead).collect()).collect()
}

fn replays(story: &Story) -> Vec<Replay> {
    RunState::fold(&story.events).unwrap().replays(story.now)
}

/// Queues a replay of a plan with these leads.
fn replay_queued(story: Story, of: PlanId, leads: &[u32]) -> (Story, AttemptRef) {
    let plan = plan_named("replay");
    let planned = Planned { replaces: Some(of), ..whole_plan(plan.clone(), Kind::Post, 1) };
    let chunk = chunk_of(plan.clone(), 0, leads.iter().copied(), 2);
    let story = story.tell(chunk).tell(Fact::Planned(planned));
    (story, AttemptRef { plan, ..attempt(0, 5) })
}

#[test]
fn a_replay_names_the_harvest_that_its_leads_posts_are_from() {
    let from_harvest = replays(&half_missing());
    assert_eq!(from_harvest[0].plans[0].harvest, Some(harvest_id()));
    let by_rows = Story::new().tell(chunk_of_another_plan([1])).tell(another_plan_told());
    assert_eq!(replays(&by_rows)[0].plans[0].harvest, None);
}

#[test]
fn a_replay_task_holds_as_many_leads_as_one_may_and_no_more() {
    let most = u32::try_from(MAX_REPLAY_LEADS).unwrap();
    // Three leads of `half_missing` are replayed.
    let leads_of_tasks = |others: u32| {
        let story = half_missing().tell(chunk_of_another_plan(10..10 + others));
        let tasks = replays(&story.tell(another_plan_told()));
        tasks.iter().map(Replay::leads).collect::<Vec<_>>()
    };
    assert_eq!(leads_of_tasks(most - 3), [MAX_REPLAY_LEADS]);
    let mut two_tasks = leads_of_tasks(most - 2);
    two_tasks.sort_unstable();
    assert_eq!(two_tasks, [3, MAX_REPLAY_LEADS - 2]);
    let mut cut = leads_of_tasks(most + 1);
    cut.sort_unstable();
    assert_eq!(cut.iter().sum::<usize>(), MAX_REPLAY_LEADS + 4);
    assert!(cut.iter().all(|leads| *leads <= MAX_REPLAY_LEADS), "{cut:?}");
}

#[test]
fn a_replay_names_the_leads_that_failed_and_those_of_missing_chunks_and_no_other() {
    let mut expected = vec![lead(2), lead(3), lead(4)];
    expected.sort();
    assert_eq!(replayed(&half_missing()), [expected]);
    assert!(replayed(&finished()).is_empty());
    assert_eq!(replays(&Story::new().opened())[0].unplanned, [harvest_id()]);
}

#[test]
fn a_replay_takes_over_the_chunks_that_are_missing_and_both_tries_cost_counts() {
    let (queued, again) = replay_queued(half_missing(), plan_id(), &[2, 3, 4]);
    assert_eq!(queued.summary().missing, [format!("chunk 1 of 1 (plan {})", again.plan)]);
    let done = queued
        .announced(&again, 3)
        .billed(&again, &[answered(10), answered(10), answered(10)])
        .settled(&again, &[(2, SCORED), (3, SCORED), (4, blocked())])
        .done(&again);
    let summary = done.summary();
    assert_eq!((summary.status, summary.posts.tokens.total), (Status::CompletedWithErrors, 330));
    let leads = LeadCounts { planned: 4, scored: 3, skipped: 0, failed: 1, open: 0 };
    assert_eq!(summary.posts.leads, leads);
    assert_eq!(summary.posts.unobserved, 2, "the dead attempt's calls");
    assert_eq!((summary.posts_harvested, summary.posts_matched), (8, 8));
    assert_eq!(replayed(&done), [vec![lead(4)]], "and the same plan is named the next time");
}

#[test]
fn a_chunk_is_taken_over_only_when_each_of_its_leads_is() {
    let (queued, _) = replay_queued(half_missing(), plan_id(), &[2, 3]);
    let missing = queued.summary().missing;
    assert!(missing.contains(&format!("chunk 2 of 2 (plan {})", plan_id())), "{missing:?}");
    let untold = finished().tell(another_plan_told());
    let (queued, _) = replay_queued(untold, another_plan(), &[5]);
    let missing = queued.summary().missing;
    assert!(missing.contains(&format!("chunk 1 of 1 (plan {})", another_plan())), "{missing:?}");
}

#[test]
fn a_row_that_any_try_named_is_known() {
    let record: RecordId = "recX8s1pPiBf5rqTz".parse().unwrap();
    let settled = |n, record| {
        let (outcome, examined, scored) = (blocked(), Vec::new(), Vec::new());
        let leads = vec![LeadOutcome {
            lead: lead(1),
            record,
            outcome,
            examined,
            scored,
            left_out: Vec::new(),
        }];
        Fact::Settled(Settled { attempt: attempt(0, n), kind: Kind::Post, wave: None, leads })
    };
    for records in [[None, Some(record.clone())], [Some(record.clone()), None]] {
        let [first, second] = records;
        let story = planned_run(2, &[&[1]]).tell(settled(1, first)).tell(settled(2, second));
        let replays = replays(&story.done(&attempt(0, 2)));
        assert_eq!(replays[0].plans[0].leads[0].record, Some(record.clone()));
    }
}

#[test]
fn what_two_plans_left_open_is_replayed_by_one_task_while_it_fits() {
    let (story, _) = part(half_missing(), "a", &[5, 6]);
    let tasks = replays(&story);
    assert_eq!(tasks.iter().map(|task| task.plans.len()).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_missing_chunk_of_profiles_is_replayed_by_its_rows_and_taken_over() {
    let [part, replay] = ["part", "replay"].map(plan_named);
    let record: RecordId = "recX8s1pPiBf5rqTz".parse().unwrap();
    let planned = |plan: &PlanId, part_of, replaces| {
        let leads = vec![PlannedLead {
            lead: lead(1),
            posts: 0,
            record: Some(record.clone()),
            profile: None,
            left_out: 0,
        }];
        let (plan, kind) = (plan.clone(), Kind::Profile);
        let chunk = PlannedChunk { plan: plan.clone(), kind, chunk: 0, leads };
        [
            Fact::PlannedChunk(chunk),
            Fact::Planned(Planned { part_of, replaces, ..whole_plan(plan, kind, 1) }),
        ]
    };
    let tell = |story: Story, facts: [Fact; 2]| facts.into_iter().fold(story, Story::tell);
    let by = OpenedBy::ScoreWaiting { kind: Kind::Profile, plan: plan_id() };
    let whole = whole_plan(plan_id(), Kind::Profile, 0);
    let story = Story::new().opened_by(by).tell(Fact::Planned(whole));
    let lost = tell(story, planned(&part, Some(plan_id()), None));

    let again = replays(&lost).remove(0).plans;
    let leads = vec![ReplayLead { lead: lead(1), record: Some(record.clone()) }];
    let plan = part.clone();
    assert_eq!(again, [ReplayPlan { plan, kind: Kind::Profile, harvest: None, leads }]);

    let taken_over = tell(lost, planned(&replay, None, Some(part)));
    assert_eq!(taken_over.summary().missing, [format!("chunk 1 of 1 (plan {replay})")]);
    let attempt = AttemptRef { plan: replay, ..attempt(0, 1) };
    let outcome = LeadOutcome {
        lead: lead(1),
        record: Some(record),
        outcome: SCORED,
        examined: Vec::new(),
        scored: Vec::new(),
        left_out: Vec::new(),
    };
    let settled =
        Settled { attempt: attempt.clone(), kind: Kind::Profile, wave: None, leads: vec![outcome] };
    let done = taken_over.tell(Fact::Settled(settled)).done(&attempt);
    assert_eq!(done.summary().missing, Vec::<String>::new());
}

#[test]
fn a_chunk_whose_plan_was_never_told_is_replayed_too() {
    let lost = finished().tell(chunk_of_another_plan([5, 6]));
    let task = replays(&lost).remove(0);
    assert_eq!((task.plans.len(), &task.plans[0].plan), (1, &another_plan()));
    assert_eq!(replayed(&lost)[0].len(), 2);

    let (queued, again) = replay_queued(lost, another_plan(), &[5, 6]);
    let done = queued.settled(&again, &[(5, SCORED), (6, SCORED)]).done(&again);
    let summary = done.summary();
    assert_eq!((summary.missing.len(), summary.status), (0, Status::Completed));
    assert!(replays(&done).is_empty());
}

#[test]
fn the_leads_of_a_replay_that_failed_have_failed_though_what_it_took_over_never_ends() {
    let (queued, again) = replay_queued(half_missing(), plan_id(), &[2, 3, 4]);
    let told = queued.gave_up(&again, ErrorCategory::Airtable);
    let leads = LeadCounts { planned: 4, scored: 1, skipped: 0, failed: 3, open: 0 };
    let summary = told.summary();
    assert_eq!((summary.status, &summary.posts.leads), (Status::CompletedWithErrors, &leads));
    assert_eq!(replayed(&told)[0].len(), 3, "and can be tried again");

    let lost = finished().tell(chunk_of_another_plan([5]));
    let (queued, again) = replay_queued(lost, another_plan(), &[5]);
    let untold = queued.gave_up(&again, ErrorCategory::Airtable);
    let leads = untold.summary().posts.leads;
    assert_eq!((leads.failed, leads.open), (1, 0));
    assert_eq!(replayed(&untold), [vec![lead(5)]]);
}

#[test]
fn a_lead_of_whom_nothing_is_known_has_failed_when_the_replay_that_took_it_over_fails() {
    // The lead's outcome is reported later, or never.
    let lost = planned_run(2, &[&[1]]).done(&attempt(0, 1));
    assert_eq!(lost.summary().posts.leads.open, 1);
    let (story, again) = replay_queued(lost, plan_id(), &[1]);
    let summary = story.gave_up(&again, ErrorCategory::Airtable).summary();
    assert_eq!((summary.posts.leads.failed, summary.posts.leads.open), (1, 0));
    assert_eq!(summary.missing, Vec::<String>::new());
}
