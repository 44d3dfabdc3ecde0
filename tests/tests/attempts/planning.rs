//! 25,000 waiting leads are planned page by page, within 150 MB and 400 requests to Airtable.
//!
//! The memory is that of the whole process; its other tests need little. The test prints what it
//! measured: `cargo test -p tests --test attempts planning -- --nocapture`.

use super::endless::Endless;
use super::stage::{Stage, handle, scoring};
use scoring::Scoring;
use serde_json::{Value, json};
use shared::core::deadline::Deadline;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LEADS: usize = 25_000;

fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

fn task() -> String {
    let task = json!({"version": 1, "type": "score", "clients": {"one": "Guy-Wilson"},
        "kind": "post", "requested_at": "2026-11-23T02:00:00Z"});
    task.to_string()
}

/// Handles a task in an invocation of this many seconds. Returns whether the task is done.
async fn plan(app: &Scoring<Stage>, task: &str, seconds: u64) -> bool {
    handle(app, task, Deadline::after(Duration::from_secs(seconds))).await
}

/// Handles a task. Returns the rest of it if it failed.
async fn attempt(app: &Scoring<Stage>, world: &Endless, task: &str) -> Option<String> {
    let is_done = plan(app, task, 150).await;
    let left = world.counted().failed.take();
    left.filter(|_| !is_done)
}

#[tokio::test(start_paused = true)]
async fn waiting_leads_are_planned_without_being_held() {
    let world = Arc::new(Endless::with(LEADS));
    let app = scoring(Arc::clone(&world), &[]);
    let mut next = Some(task());
    let mut invocations = 0;
    while let Some(task) = next.take() {
        // The first invocation has time only for some pages, because five are read per second.
        assert!(plan(&app, &task, if invocations == 0 { 41 } else { 150 }).await);
        next = world.counted().rest.take();
        invocations += 1;
    }

    let counted = world.counted();
    assert_eq!((counted.records.len(), counted.planned.len()), (LEADS, LEADS));
    assert!(counted.closed && counted.in_chunks == LEADS);
    assert!(counted.share <= 10_000_000 && counted.share > 9_000_000, "{}", counted.share);
    let (requests, memory) = (world.requests.load(Ordering::Relaxed), peak_memory_mb());
    println!(
        "{LEADS} waiting leads: {requests} requests to Airtable, {memory} MB at the peak, \
         {invocations} invocations"
    );
    assert!(requests <= 400, "{requests} requests");
    assert!(memory <= 150, "{memory} MB");
    assert_eq!(invocations, 2, "the planning goes on in another invocation");
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_is_lost_is_begun_again_and_plans_no_lead_twice() {
    let loses_at = Mutex::new(Some(1_200));
    let world = Arc::new(Endless { loses_at, ..Endless::with(2_000) });
    assert!(plan(&scoring(Arc::clone(&world), &[]), &task(), 150).await);
    let counted = world.counted();
    assert_eq!((counted.planned.len(), counted.in_chunks, counted.closed), (2_000, 2_000, true));
}

/// Pages are requested with 100 rows, 50 and 25; after the heavy rows with 50 and 100 again.
#[tokio::test(start_paused = true)]
async fn rows_that_airtable_does_not_answer_in_time_are_listed_fewer_at_a_time_and_no_others() {
    let without = Arc::new(Endless::with(1_000));
    assert!(plan(&scoring(Arc::clone(&without), &[]), &task(), 150).await);
    let heavy = Arc::new(Endless { heavy: 300..400, ..Endless::with(1_000) });
    assert!(plan(&scoring(Arc::clone(&heavy), &[]), &task(), 150).await);
    let counted = heavy.counted();
    assert_eq!((counted.planned.len(), counted.in_chunks, counted.closed), (1_000, 1_000, true));
    let requests = |world: &Endless| world.requests.load(Ordering::Relaxed);
    // Three pages before, nine requests for the heavy rows, and seven pages after them.
    assert_eq!(requests(&heavy) - requests(&without), 3 + 9 + 7 - 10);
}

#[tokio::test(start_paused = true)]
async fn planning_that_died_anywhere_is_begun_again_and_covers_every_lead() {
    for sends in 0..11 {
        let world = Arc::new(Endless::with(1_000));
        world.counted().fails_after = Some(sends);
        let app = scoring(Arc::clone(&world), &[]);
        let died = !plan(&app, &task(), 150).await;
        assert_eq!(died, sends < 9, "{sends}");
        if died {
            assert!(!world.counted().closed, "the run is not over");
            assert!(plan(&app, &task(), 150).await);
        }
        let counted = world.counted();
        assert_eq!((counted.planned.len(), counted.records.len()), (1_000, 1_000));
        assert!(counted.closed, "{sends}");
    }
}

/// Rows are read by the hundred and written by the ten. Only the last ones of a lane may be fewer.
#[tokio::test(start_paused = true)]
async fn parts_of_a_plan_leave_no_short_reads_and_writes_between_them() {
    let world = Arc::new(Endless { is_limited: false, ..Endless::with(2_150) });
    assert!(plan(&scoring(Arc::clone(&world), &[]), &task(), 150).await);
    let counted = world.counted();
    assert_eq!((counted.records.len(), counted.in_chunks, counted.closed), (2_150, 2_150, true));
    let mut of_lanes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (lane, leads) in &counted.chunks {
        of_lanes.entry(lane).or_default().push(*leads);
    }
    assert_eq!(of_lanes.len(), 2);
    for chunks in of_lanes.values() {
        let all: usize = chunks.iter().sum();
        for rows in [100, 10] {
            let requests: usize = chunks.iter().map(|leads| leads.div_ceil(rows)).sum();
            assert_eq!(requests, all.div_ceil(rows), "{rows} rows a request: {chunks:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn leads_that_were_held_for_a_part_that_nobody_queued_are_planned_by_the_next_attempt() {
    for sends in 0..13 {
        let world = Arc::new(Endless { is_limited: false, ..Endless::with(1_250) });
        world.counted().fails_after = Some(sends);
        let app = scoring(Arc::clone(&world), &[]);
        let mut tries = 1;
        // What a failing attempt leaves for the next one travels in its task.
        let mut next = task();
        while let Some(rest) = attempt(&app, &world, &next).await {
            (next, tries) = (rest, tries + 1);
        }
        let counted = world.counted();
        assert_eq!(tries, if sends < 12 { 2 } else { 1 }, "{sends}");
        assert_eq!((counted.planned.len(), counted.records.len()), (1_250, 1_250), "{sends}");
        assert!(counted.closed && counted.in_chunks < 2_000, "{sends}: {}", counted.in_chunks);
    }
}

/// If a dry run created a record, the record would show a run that nobody started.
#[tokio::test(start_paused = true)]
async fn a_dry_run_that_pauses_over_a_row_that_nobody_can_read_reports_nothing() {
    let world = Arc::new(Endless { is_damaged: true, ..Endless::with(300) });
    let app = scoring(Arc::clone(&world), &[]);
    let mut dry_run: Value = serde_json::from_str(&task()).unwrap();
    dry_run["dry_run"] = json!(true);
    // There is time for only one page.
    assert!(plan(&app, &dry_run.to_string(), 39).await);
    let rest = world.counted().rest.take().expect("it goes on in another invocation");
    assert!(plan(&app, &rest, 150).await);
    let counted = world.counted();
    assert_eq!((counted.reported, counted.in_chunks), (0, 0));
}
