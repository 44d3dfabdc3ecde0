//! What a run waits for, shown with example runs.

use super::*;

pub(super) fn another_plan() -> PlanId {
    plan_named("another plan")
}

/// A chunk of another plan, with these leads.
pub(super) fn chunk_of_another_plan(leads: impl IntoIterator<Item = u32>) -> Fact {
    chunk_of(another_plan(), 0, leads, 2)
}

pub(super) fn another_plan_told() -> Fact {
    Fact::Planned(whole_plan(another_plan(), Kind::Post, 1))
}

fn failed(about: &str, reason: &str) -> Fact {
    run_failed(Some(about.parse().unwrap()), reason)
}

#[test]
fn a_chunk_whose_plan_was_never_told_is_missing_until_it_is_done() {
    let story = finished().tell(chunk_of_another_plan([5]));
    assert_eq!(story.summary().missing, [format!("chunk 1 (plan {})", another_plan())]);
    let other = AttemptRef { plan: another_plan(), ..attempt(0, 1) };
    let done = story.settled(&other, &[(5, SCORED)]).done(&other);
    assert!(done.summary().missing.is_empty());
}

#[test]
fn a_chunk_that_is_done_is_missing_until_it_is_known_what_became_of_its_leads() {
    let only = attempt(0, 1);
    let done = Story::new().opened().planned(&[&[1, 2]]).settled(&only, &[(1, SCORED)]).done(&only);
    let missing = done.summary().missing;
    assert_eq!(missing[1..], [format!("chunk 1 of 1 (plan {})", plan_id())], "{missing:?}");
    let told = done.harvested(HarvestStatus::Succeeded, 4, true).settled(&only, &[(2, blocked())]);
    assert_eq!(told.summary().status, Status::CompletedWithErrors);
}

#[test]
fn a_chunk_whose_plan_was_told_is_missing_once() {
    let story = finished().tell(chunk_of_another_plan([5])).tell(another_plan_told());
    assert_eq!(story.summary().missing, [format!("chunk 1 of 1 (plan {})", another_plan())]);
}

#[test]
fn a_chunk_of_which_only_its_plan_told_is_missing() {
    let summary = finished().tell(another_plan_told()).summary();
    assert_eq!(summary.missing, [format!("chunk 1 of 1 (plan {})", another_plan())]);
    assert_eq!(summary.status, Status::Running);
}

#[test]
fn only_a_run_of_which_nothing_was_heard_but_notes_is_not_planned() {
    let unplanned = Story::new().tell(note(NoteKind::Record, "record was gone"));
    assert_eq!(unplanned.summary().missing, ["nothing is planned"]);
    let heard = [
        Story::new().opened(),
        Story::new().harvested(HarvestStatus::Succeeded, 0, false),
        Story::new().planned(&[&[1]]),
        Story::new().tell(run_failed(None, "no such client")),
    ];
    for story in heard {
        let missing = story.summary().missing;
        assert!(!missing.contains(&"nothing is planned".to_owned()), "{missing:?}");
    }
}

#[test]
fn failures_are_told_in_the_order_of_their_times() {
    let story = Story::new()
        .tell(failed("ZZZZZZZZZZZZZZZZZ", "came first"))
        .tell(failed("AAAAAAAAAAAAAAAAA", "came second"));
    let failures = story.summary().failures;
    let reasons: Vec<&str> = failures.iter().map(|(.., reason)| reason.as_str()).collect();
    assert_eq!(reasons, ["came first", "came second"]);
    let again = story.tell(failed("ZZZZZZZZZZZZZZZZZ", "came first"));
    assert_eq!(again.summary().failures, failures, "the same failure keeps its first time");
}

#[test]
fn a_call_without_an_answer_is_unobserved_as_soon_as_its_chunk_is_over() {
    let only = attempt(0, 1);
    let story = Story::new().opened().planned(&[&[1], &[2]]).announced(&only, 2);
    let story = story.billed(&only, &[answered(50)]);
    assert_eq!(story.summary().posts.unobserved, 0, "it may still be going on");
    assert_eq!(story.done(&only).summary().posts.unobserved, 1);
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
fn chunks_of_a_plan_that_was_given_up_before_it_was_told_do_not_keep_a_run_open() {
    let stray = AttemptRef { plan: another_plan(), ..attempt(0, 3) };
    let summary = finished().settled(&stray, &[(1, SCORED)]).done(&stray).summary();
    assert_eq!(summary.status, Status::Completed);
}

#[test]
fn a_stalled_run_moves_on_with_the_next_sign_of_work() {
    let mut story = finished();
    let last = story.events.pop().unwrap();
    story.now += SignedDuration::from_mins(31);
    let mut stalled = story.tell(note(NoteKind::Stalled, "no progress for 31 minutes"));
    assert_eq!(stalled.summary().status, Status::Stalled);
    stalled.now += SignedDuration::from_mins(1);
    let moved = stalled.clone().announced(&attempt(1, 40), 1);
    assert_eq!(moved.summary().status, Status::Running);
    stalled.events.push(MetricsEvent { at: stalled.now, ..last });
    assert_eq!(stalled.summary().status, Status::Completed);
}

#[test]
fn leads_of_a_chunk_of_which_nobody_told_count_as_planned_once_they_are_settled() {
    // Planning died after it queued the chunk. The harvest ended again, so the next plan has
    // another id.
    let untold = AttemptRef { plan: another_plan(), ..attempt(0, 1) };
    let summary = finished().settled(&untold, &[(9, SCORED)]).done(&untold).summary();
    assert_eq!(summary.imbalances, Vec::<String>::new());
    assert_eq!((summary.posts.leads.planned, summary.posts.leads.scored), (5, 4));
}
