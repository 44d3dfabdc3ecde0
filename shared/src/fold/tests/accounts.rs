//! Where items and targets went, and which run counts what a harvest cost.

use crate::core::ids::RunId;
use crate::core::tokens::NanoUsd;
use crate::fold::story::{Story, harvest_id, start};
use crate::fold::{Status, Summary};
use crate::messages::{
    CostElsewhere, Counted, Fact, HarvestAccount, HarvestStatus, Harvested, UnknownReason,
    UnusedReason,
};
use jiff::SignedDuration;

fn counted<R>(reason: R, count: u32) -> Counted<R> {
    Counted { reason, count, first: Vec::new() }
}

/// A finished run of four leads with eight posts, whose harvest reports this.
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
