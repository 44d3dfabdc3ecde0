//! Leads that waited for scoring, shown with example runs.

use super::*;

#[test]
fn waiting_leads_that_are_planned_in_parts_are_one_plan_and_the_run_ends_with_the_last() {
    let by = OpenedBy::ScoreWaiting { kind: Kind::Post, plan: plan_id() };
    let story = Story::new().opened_by(by);
    let (story, first) = part(story, "a", &[1, 2]);
    let story = story.settled(&first, &[(1, SCORED), (2, SCORED)]).done(&first);
    let before = story.summary();
    assert_eq!(before.status, Status::Running, "more may be waiting");
    assert_eq!(before.missing, ["leads waiting for post scoring are not all planned"]);

    // Planning started again after a crash, when lead 2 was still waiting.
    let (story, second) = part(story, "b", &[2, 3]);
    let story = story.tell(Fact::Planned(whole_plan(plan_id(), Kind::Post, 0)));
    let planned_at = story.now;
    assert_eq!(story.summary().status, Status::Running);
    let story = story.settled(&second, &[(2, SCORED), (3, NOTHING_NEW)]).done(&second);
    let after = story.summary();
    assert_eq!((after.status, after.imbalances.len()), (Status::Completed, 0));
    let leads = after.posts.leads;
    assert_eq!((leads.planned, leads.scored, leads.skipped), (3, 2, 1));
    let size = PlanSize { at: planned_at, kind: Kind::Post, leads: 3, is_replay: false };
    assert_eq!(after.planned, [size]);
}

#[test]
fn a_run_that_found_nothing_waiting_is_completed() {
    let by = OpenedBy::ScoreWaiting { kind: Kind::Profile, plan: plan_id() };
    let whole = whole_plan(plan_id(), Kind::Profile, 0);
    let story = Story::new().opened_by(by).tell(Fact::Planned(whole)).summary();
    assert_eq!((story.status, story.profiles.leads.planned), (Status::Completed, 0));
}
