//! What became of items and targets, and which run counts the cost of a harvest.

use crate::core::ids::RunId;
use crate::core::tokens::NanoUsd;
use crate::fold::story::{
    Story, attempt, harvest_id, lead, plan_id, plan_named, post, start, whole_plan,
};
use crate::fold::{Status, Summary};
use crate::messages::{
    AttemptRef, CostElsewhere, Counted, Fact, HarvestAccount, HarvestStatus, Harvested, Kind,
    LeadOutcome, Outcome, Planned, PlannedChunk, PlannedLead, Settled, UnknownReason, UnusedReason,
};
use jiff::SignedDuration;

fn counted<R>(reason: R, count: u32) -> Counted<R> {
    Counted { reason, count, first: Vec::new() }
}

/// A finished run of four leads with eight posts, whose harvest reports `account`.
fn reported(account: HarvestAccount) -> Summary {
    let mut story = super::finished();
    for event in &mut story.events {
        if let Fact::Harvested(harvested) = &mut event.fact {
            harvested.account = Some(account.clone());
        }
    }
    story.summary()
}

fn whole() -> HarvestAccount {
    HarvestAccount { items: 8, targets_with_posts: 4, ..HarvestAccount::default() }
}

#[test]
fn what_is_not_known_or_not_understood_is_in_the_balance_and_no_run_is_simply_completed() {
    assert_eq!(
        (reported(whole()).status, reported(whole()).imbalances),
        (Status::Completed, vec![])
    );
    let targets_unknown = vec![counted(UnknownReason::MaxItems, 2)];
    let unknown = reported(HarvestAccount { targets_with_posts: 2, targets_unknown, ..whole() });
    assert_eq!(unknown.imbalances, ["2 of 4 targets unknown: maxItems reached"]);
    assert_eq!(unknown.status, Status::CompletedWithErrors);
    let unused = vec![counted(UnusedReason::Comment, 3), counted(UnusedReason::UnknownShape, 1)];
    let strange = reported(HarvestAccount { items: 12, unused, ..whole() });
    assert_eq!(strange.imbalances, ["1 of 12 items not understood: unknown shape"]);
    assert_eq!((strange.status, strange.account.items_not_used), (Status::CompletedWithErrors, 4));
    let missing = reported(HarvestAccount { input_is_missing: true, ..whole() });
    assert_eq!(missing.imbalances.len(), 1);
}

#[test]
fn items_and_targets_that_do_not_add_up_contradict_each_other() {
    let odd = reported(HarvestAccount { items: 11, targets_with_posts: 3, ..whole() });
    assert!(odd.contradicts_itself());
    assert_eq!(
        odd.imbalances,
        [
            "items: 11 read, but 8 posts + 0 others",
            "targets: 4 named, but 3 with posts + 0 empty + 0 unknown",
        ]
    );
}

#[test]
fn a_cost_that_another_run_counts_is_zero_here_in_whatever_order_that_is_said() {
    let run: RunId = "251014-153000-Guy-Wilson".parse().unwrap();
    let elsewhere =
        Fact::CostElsewhere(CostElsewhere { apify_run: harvest_id(), run: run.clone() });
    let before = Story::new().opened().tell(elsewhere.clone());
    let before = before.harvested(HarvestStatus::Succeeded, 4, true).summary();
    let after = Story::new().opened().harvested(HarvestStatus::Succeeded, 4, true);
    let after = after.tell(elsewhere).summary();
    for summary in [before, after] {
        assert_eq!(summary.harvest_cost, Some(NanoUsd(0)));
        assert_eq!(summary.costs_elsewhere[&harvest_id()], run);
    }
}

#[test]
fn the_report_of_a_later_end_counts_though_an_earlier_one_is_told_later() {
    let story = Story::new().opened().harvested(HarvestStatus::Succeeded, 4, true);
    let Fact::Harvested(last) = story.events.last().unwrap().fact.clone() else { panic!() };
    let ended = |minute: i64, posts| {
        let finished_at = Some(start() + SignedDuration::from_mins(minute));
        Fact::Harvested(Harvested { finished_at, posts, ..last.clone() })
    };
    let summary = story.tell(ended(60, 9)).tell(ended(30, 5)).summary();
    assert_eq!(summary.posts_harvested, 9);
}

/// A run whose plan has one lead with eight posts. Two of them do not fit in a cell.
fn planned_without_room() -> Story {
    let of_lead = PlannedLead { lead: lead(1), posts: 8, record: None, profile: None, left_out: 2 };
    let (plan, kind) = (plan_id(), Kind::Post);
    let chunk = PlannedChunk { plan: plan.clone(), kind, chunk: 0, leads: vec![of_lead] };
    let story = Story::new().opened().harvested(HarvestStatus::Succeeded, 8, true);
    story.tell(Fact::PlannedChunk(chunk)).tell(Fact::Planned(whole_plan(plan, kind, 1)))
}

/// Lead 1 is settled. The model was asked about its posts `examined`, and its posts `left_out` do
/// not fit in its row.
fn settled(attempt: AttemptRef, examined: &[u32], left_out: &[u32], outcome: Outcome) -> Fact {
    let posts = |numbers: &[u32]| numbers.iter().map(|n| post(1, *n)).collect();
    let (examined, left_out) = (posts(examined), posts(left_out));
    let outcome =
        LeadOutcome { lead: lead(1), record: None, outcome, examined, scored: vec![], left_out };
    Fact::Settled(Settled { attempt, kind: Kind::Post, wave: None, leads: vec![outcome] })
}

#[test]
fn posts_that_no_row_has_room_for_are_counted_once_however_often_that_is_told() {
    let left_out = |story: &Story| {
        let summary = story.summary();
        (summary.posts_left_out, summary.account.items_not_used, summary.posts_matched)
    };
    let told = |n| settled(attempt(0, n), &[0, 1], &[2, 3, 4], Outcome::Scored);
    let story = planned_without_room().tell(told(1)).tell(told(2)).done(&attempt(0, 2));
    assert_eq!(left_out(&story), (5, 5, 8), "two were left out of the plan, three of the row");
    let replay = plan_named("replay");
    let again = AttemptRef { plan: replay.clone(), ..attempt(0, 3) };
    let replaces = Some(plan_id());
    let planned = Planned { replaces, ..whole_plan(replay, Kind::Post, 1) };
    let story = story.tell(Fact::Planned(planned));
    let story = story.tell(settled(again, &[0, 1, 2, 3], &[4], Outcome::Scored));
    assert_eq!(left_out(&story), (3, 3, 8), "somebody made room for two");
}

#[test]
fn posts_without_a_lead_are_unmatched_and_not_left_out_too() {
    let story = planned_without_room().tell(settled(attempt(0, 1), &[], &[], Outcome::NotALead));
    let summary = story.done(&attempt(0, 1)).summary();
    assert_eq!((summary.posts_left_out, summary.account.items_not_used), (0, 8));
}
