//! What a run waits for, and what is to be done again, told as runs.

use super::*;
use crate::ids::PlanId;
use crate::messages::{MAX_REPLAY_LEADS, Replay};

fn another_plan() -> PlanId {
    crate::digest::id_of(&["another plan"]).try_into().unwrap()
}

/// A chunk of another plan, with these leads.
fn chunk_of_another_plan(leads: impl IntoIterator<Item = u32>) -> Fact {
    let leads = leads.into_iter().map(|n| PlannedLead { lead: lead(n), posts: 2, record: None });
    Fact::PlannedChunk(PlannedChunk {
        plan: another_plan(),
        kind: Kind::Post,
        chunk: 0,
        leads: leads.collect(),
    })
}

fn another_plan_told() -> Fact {
    Fact::Planned(Planned {
        plan: another_plan(),
        kind: Kind::Post,
        chunks: 1,
        part_of: None,
        replaces: None,
    })
}

fn failed(about: Option<&str>, reason: &str) -> Fact {
    let apify_run = about.map(|id| id.parse().unwrap());
    Fact::RunFailed(RunFailed { apify_run, reason: reason.to_owned() })
}

fn replays(story: &Story) -> Vec<Replay> {
    RunState::fold(&story.events).unwrap().replays(story.now)
}

#[test]
fn a_chunk_whose_plan_was_never_told_is_missing_until_it_is_done() {
    let story = finished().tell(chunk_of_another_plan([5]));
    assert_eq!(story.summary().missing, [format!("chunk 1 (plan {})", another_plan())]);
    let done = story.done(&AttemptRef { plan: another_plan(), ..attempt(0, 1) });
    assert!(done.summary().missing.is_empty());
}

#[test]
fn a_chunk_whose_plan_was_told_is_missing_once() {
    let story = finished().tell(chunk_of_another_plan([5])).tell(another_plan_told());
    assert_eq!(story.summary().missing, [format!("chunk 1 of 1 (plan {})", another_plan())]);
}

#[test]
fn only_a_run_of_which_nothing_was_heard_but_notes_is_not_planned() {
    let note = Note { kind: NoteKind::Record, text: "record was gone".to_owned() };
    let unplanned = Story::new().tell(Fact::Noted(note));
    assert_eq!(unplanned.summary().missing, ["nothing is planned"]);
    let heard = [
        Story::new().opened(),
        Story::new().harvested(HarvestStatus::Succeeded, 0, false),
        Story::new().planned(&[&[1]]),
        Story::new().tell(failed(None, "no such client")),
    ];
    for story in heard {
        let missing = story.summary().missing;
        assert!(!missing.contains(&"nothing is planned".to_owned()), "{missing:?}");
    }
}

#[test]
fn failures_are_told_in_the_order_of_their_times() {
    let story = Story::new()
        .tell(failed(Some("ZZZZZZZZZZZZZZZZZ"), "came first"))
        .tell(failed(Some("AAAAAAAAAAAAAAAAA"), "came second"));
    let failures = story.summary().failures;
    let reasons: Vec<&str> = failures.iter().map(|(.., reason)| reason.as_str()).collect();
    assert_eq!(reasons, ["came first", "came second"]);
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
fn a_replay_names_the_harvest_that_its_leads_posts_are_from() {
    let from_harvest = replays(&half_missing());
    assert_eq!(from_harvest[0].plans[0].harvest, Some(harvest_id()));
    let by_rows = Story::new().tell(chunk_of_another_plan([1])).tell(another_plan_told());
    assert_eq!(replays(&by_rows)[0].plans[0].harvest, None);
}

#[test]
fn a_replay_task_holds_as_many_leads_as_one_may_and_no_more() {
    let most = u32::try_from(MAX_REPLAY_LEADS).unwrap();
    // Three leads of `half_missing` are to be done again.
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
