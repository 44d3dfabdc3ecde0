//! What could not be harvested, planned or scored, shown with example runs.

use super::missing::{another_plan, chunk_of_another_plan};
use super::*;

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
fn a_run_of_which_nothing_was_planned_ended_with_its_last_failure() {
    let failed = |reason| run_failed(None, reason);
    let story = Story::new().tell(failed("no such client")).tell(failed("client paused"));
    assert_eq!(story.summary().ended_at, Some(story.now));
}

#[test]
fn a_run_that_failed_to_be_planned_is_put_right_by_planning_it() {
    let failed = run_failed(Some(harvest_id()), "no such client");
    let story = Story::new().opened().tell(failed).harvested(HarvestStatus::Succeeded, 2, false);
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
    let failed = run_failed(Some(harvest_id()), "client paused");
    let later = finished().opened().tell(failed).harvested(HarvestStatus::Succeeded, 0, false);
    let (before, after) = (finished().summary(), later.summary());
    assert_eq!(after.status, Status::Completed);
    assert_eq!((after.posts_harvested, after.posts_matched), (before.posts_harvested, 8));
    assert_eq!(after.failures, []);
}

#[test]
fn a_chunk_that_can_never_be_done_fails_its_open_leads_until_a_try_settles_them() {
    let (first, second) = (attempt(0, 1), attempt(0, 2));
    let story = planned_run(4, &[&[1, 2]])
        .settled(&first, &[(1, SCORED)])
        .gave_up(&first, ErrorCategory::Airtable);
    let summary = story.summary();
    assert_eq!(summary.status, Status::CompletedWithErrors);
    assert_eq!((summary.posts.leads.scored, summary.posts.leads.failed), (1, 1));
    let summary = story.settled(&second, &[(2, SCORED)]).done(&second).summary();
    assert_eq!((summary.status, summary.posts.leads.failed), (Status::Completed, 0));
}

#[test]
fn a_chunk_that_can_never_be_done_fails_its_own_leads_while_others_go_on() {
    let summary =
        planned_run(4, &[&[1], &[2]]).gave_up(&attempt(0, 1), ErrorCategory::Airtable).summary();
    assert_eq!((summary.posts.leads.failed, summary.posts.leads.open), (1, 1));
}

#[test]
fn a_lead_is_open_while_another_chunk_that_has_it_goes_on() {
    let other = AttemptRef { plan: another_plan(), ..attempt(0, 1) };
    let story = Story::new().opened().planned(&[&[1]]).tell(chunk_of_another_plan([1]));
    let leads = story.gave_up(&other, ErrorCategory::Airtable).summary().posts.leads;
    assert_eq!((leads.failed, leads.open), (0, 1));
}

#[test]
fn a_lead_that_two_chunks_gave_up_failed_for_the_later_reason() {
    for plans in [[plan_id(), another_plan()], [another_plan(), plan_id()]] {
        let [earlier, later] = plans.map(|plan| AttemptRef { plan, ..attempt(0, 1) });
        let story = Story::new().opened().planned(&[&[1]]).tell(chunk_of_another_plan([1]));
        let summary = story
            .gave_up(&earlier, ErrorCategory::Airtable)
            .gave_up(&later, ErrorCategory::ModelConfig)
            .summary();
        assert_eq!(summary.errors.keys().collect::<Vec<_>>(), [&ErrorCategory::ModelConfig]);
    }
}

#[test]
fn a_chunk_whose_planning_died_after_it_was_queued_can_fail_like_any_other() {
    let other = AttemptRef { plan: another_plan(), ..attempt(0, 1) };
    let story =
        finished().tell(chunk_of_another_plan([5])).gave_up(&other, ErrorCategory::Airtable);
    let summary = story.summary();
    assert_eq!(summary.missing, Vec::<String>::new());
    assert_eq!(summary.status, Status::CompletedWithErrors);
    assert_eq!((summary.posts.leads.failed, summary.posts.leads.open), (1, 0));
}
