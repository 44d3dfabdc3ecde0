//! The promises of `EventLog`.
//!
//! Others may use the log at the same time, so each test uses its own runs.

use jiff::{SignedDuration, Timestamp};
use shared::core::ids::{ApifyRunId, RunId};
use shared::core::limits::MAX_EVENT_BYTES;
use shared::ports::{EventLog, HarvestKey, LogHead, Projection, RunLog, StoredEvent};

fn run(name: &str) -> RunId {
    format!("261014-133000-{name}").parse().expect("a run id")
}

fn event(id: &str, body: &str) -> StoredEvent {
    StoredEvent { id: id.to_owned(), body: body.to_owned() }
}

fn written_at() -> Timestamp {
    "2026-10-14T13:31:00.5Z".parse().expect("a time")
}

fn projection(open: bool) -> Projection {
    Projection {
        events: 1,
        at: written_at(),
        record: "recX8s1pPiBf5rqTz".parse().expect("a record id"),
        open,
        appends: 1,
        shown: "shown".to_owned(),
        urgent: open,
    }
}

async fn append(log: &impl EventLog, run: &RunId, events: &[StoredEvent]) {
    log.append(run, events).await.expect("the log is up");
}

async fn read(log: &impl EventLog, run: &RunId) -> RunLog {
    log.read(run).await.expect("the log is up")
}

async fn head(log: &impl EventLog, run: &RunId) -> LogHead {
    log.log_head(run).await.expect("the log is up")
}

async fn save(log: &impl EventLog, run: &RunId, projection: &Projection) {
    log.save_projection(run, projection).await.expect("the log is up");
}

async fn open<'a>(log: &impl EventLog, runs: &[&'a RunId]) -> Vec<&'a RunId> {
    let open = log.open_runs().await.expect("the log is up");
    runs.iter().copied().filter(|run| open.contains(run)).collect()
}

/// Events come in the order of their ids, each once, however often they were appended.
pub async fn events_come_in_the_order_of_their_ids_and_each_once(log: &impl EventLog) {
    let (a, c) = (run("Order-A"), run("Order-C"));
    append(log, &a, &[event("b", "2"), event("a", "1"), event("b", "2")]).await;
    append(log, &a, &[event("a", "1"), event("B", "0")]).await;
    append(log, &c, &[event("a", "9")]).await;
    let read = read(log, &a).await;
    assert_eq!(read.events, ["0", "1", "2"]);
    assert_eq!(read.appends, 2);
}

/// More events than fit into one request are all stored.
pub async fn many_events_are_all_stored(log: &impl EventLog) {
    let a = run("Many-A");
    let events: Vec<StoredEvent> =
        (0..130).map(|n| event(&format!("e{n:03}"), &format!("{n}"))).collect();
    append(log, &a, &events).await;
    let expected: Vec<String> = (0..130).map(|n| n.to_string()).collect();
    assert_eq!(read(log, &a).await.events, expected);
}

/// Events that several callers append at the same time are stored once each, and leave the run
/// open.
pub async fn events_appended_by_several_at_a_time_are_stored_once(log: &impl EventLog) {
    let a = run("Several-A");
    let events: Vec<StoredEvent> =
        (0..30).map(|n| event(&format!("e{n:02}"), &format!("{n}"))).collect();
    let backwards: Vec<StoredEvent> = events.iter().rev().cloned().collect();
    tokio::join!(
        append(log, &a, &events),
        append(log, &a, &backwards),
        append(log, &a, &events[10..]),
    );
    let read = read(log, &a).await;
    let expected: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    assert_eq!(read.events, expected);
    assert_eq!(open(log, &[&a]).await, [&a]);
}

/// An unknown run is empty.
pub async fn a_run_never_heard_of_is_empty(log: &impl EventLog) {
    assert_eq!(log.read(&run("Never")).await, Ok(RunLog::default()));
    assert_eq!(log.log_head(&run("Never")).await, Ok(LogHead::default()));
}

/// A saved projection is read back, and an append does not change it.
pub async fn a_saved_projection_is_read_back(log: &impl EventLog) {
    let a = run("Saved-A");
    append(log, &a, &[event("a", "1")]).await;
    save(log, &a, &projection(true)).await;
    let saved = head(log, &a).await;
    assert_eq!(saved.projection, Some(projection(true)));
    let known = read(log, &a).await;
    assert_eq!((known.projection, known.appends), (saved.projection, saved.appends));
    append(log, &a, &[event("b", "2")]).await;
    assert_eq!(
        head(log, &a).await,
        LogHead { projection: Some(projection(true)), appends: saved.appends + 1 }
    );
}

/// A run is open until its projection closes it, and is open again after an append.
pub async fn a_run_is_open_until_its_projection_closes_it(log: &impl EventLog) {
    let (a, b) = (run("Open-A"), run("Open-B"));
    append(log, &b, &[event("a", "1")]).await;
    append(log, &a, &[event("a", "1")]).await;
    assert_eq!(open(log, &[&a, &b]).await, [&a, &b]);
    save(log, &a, &projection(false)).await;
    save(log, &b, &projection(true)).await;
    assert_eq!(open(log, &[&a, &b]).await, [&b]);
    append(log, &a, &[event("a", "1")]).await;
    assert_eq!(open(log, &[&a, &b]).await, [&a, &b]);
}

/// A reader that did not see the last append cannot close the run, and a reader that saw less
/// changes nothing.
pub async fn a_slower_reader_closes_nothing_and_changes_nothing(log: &impl EventLog) {
    let a = run("Slow-A");
    append(log, &a, &[event("a", "1")]).await;
    let seen = read(log, &a).await.appends;
    append(log, &a, &[event("b", "2")]).await;
    let closing = Projection { appends: seen, ..projection(false) };
    save(log, &a, &closing).await;
    assert_eq!(open(log, &[&a]).await, [&a]);
    let appends = read(log, &a).await.appends;
    let newer = Projection { appends, events: 2, ..projection(false) };
    save(log, &a, &newer).await;
    assert!(open(log, &[&a]).await.is_empty());
    save(log, &a, &closing).await;
    assert_eq!(log.log_head(&a).await.map(|head| head.projection), Ok(Some(newer)));
}

/// The finished runs are those that were written recently and are not open.
pub async fn the_finished_runs_are_those_written_lately_and_not_open(log: &impl EventLog) {
    let runs = ["Finished-A", "Finished-B", "Finished-C"].map(run);
    for (run, open) in runs.iter().zip([false, true, false]) {
        append(log, run, &[event("a", "1")]).await;
        save(log, run, &projection(open)).await;
    }
    append(log, &runs[2], &[event("b", "2")]).await;
    let finished = async |since| {
        let finished = log.finished_runs(since).await.expect("the log is up");
        finished.into_iter().filter(|(run, _)| runs.contains(run)).collect::<Vec<_>>()
    };
    assert_eq!(finished(written_at()).await, [(runs[0].clone(), projection(false))]);
    assert_eq!(finished(written_at() + SignedDuration::from_secs(1)).await, []);
}

/// A harvest whose webhook came is never forgotten.
pub async fn a_harvest_once_heard_of_is_never_forgotten(log: &impl EventLog) {
    let ids: [HarvestKey; 2] =
        ["HG7ML7M8z78YcAPEB", "HG7ML7M8z78YcAPEB@1795427119821"].map(HarvestKey::of);
    log.hear(&ids[..1]).await.expect("the log is up");
    log.hear(&ids[..1]).await.expect("the log is up");
    let heard = log.heard(&ids).await.expect("the log is up");
    assert_eq!(heard.into_iter().collect::<Vec<_>>(), ids[..1]);
}

/// The cost of a harvest stays with the first run that claimed it.
pub async fn the_cost_of_a_harvest_stays_with_the_first_run(log: &impl EventLog) {
    let harvest: ApifyRunId = "CoStoFaHarvest001".parse().expect("an Apify run id");
    let (a, b) = (run("Cost-A"), run("Cost-B"));
    for asks in [&a, &b, &a] {
        assert_eq!(log.claim_cost(&harvest, asks).await, Ok(a.clone()));
    }
    let other: ApifyRunId = "CoStoFaHarvest002".parse().expect("an Apify run id");
    assert_eq!(log.claim_cost(&other, &b).await, Ok(b.clone()));
    let third: ApifyRunId = "CoStoFaHarvest003".parse().expect("an Apify run id");
    let claim = async |asks: &RunId| log.claim_cost(&third, asks).await.expect("the log is up");
    let (one, two) = tokio::join!(claim(&a), claim(&b));
    assert_eq!(one, two, "of several that ask at the same time one has it");
    assert_eq!(claim(&run("Cost-C")).await, one);
}

/// More harvests than fit into one request can be stored and looked up.
pub async fn many_harvests_are_heard_of(log: &impl EventLog) {
    let ids: Vec<HarvestKey> =
        (0..230).map(|n| HarvestKey::of(&format!("Kq3ZyW8bTn2V{n:05}"))).collect();
    let some: Vec<HarvestKey> = ids.iter().step_by(2).cloned().collect();
    log.hear(&some).await.expect("the log is up");
    let heard = log.heard(&ids).await.expect("the log is up");
    assert_eq!(heard.into_iter().collect::<Vec<_>>(), some);
}

/// An event at the size limit is stored. A larger one is refused, and nothing of it is stored.
pub async fn an_event_too_large_is_refused_and_leaves_nothing(log: &impl EventLog) {
    let a = run("Large-A");
    let large = event("b", &"x".repeat(MAX_EVENT_BYTES + 1));
    log.append(&a, &[event("a", "1"), large]).await.expect_err("it is too large");
    assert_eq!(log.read(&a).await, Ok(RunLog::default()));
    let largest = event("b", &"x".repeat(MAX_EVENT_BYTES));
    append(log, &a, std::slice::from_ref(&largest)).await;
    assert_eq!(read(log, &a).await.events, [largest.body]);
}

/// Checks all promises, one after the other. `looks_at` gets the name of each.
pub async fn all(log: &impl EventLog, looks_at: impl Fn(&str)) {
    macro_rules! each {
        ($($promise:ident),+ $(,)?) => {$(
            looks_at(stringify!($promise));
            $promise(log).await;
        )+};
    }
    each!(
        events_come_in_the_order_of_their_ids_and_each_once,
        many_events_are_all_stored,
        events_appended_by_several_at_a_time_are_stored_once,
        a_run_never_heard_of_is_empty,
        a_saved_projection_is_read_back,
        a_run_is_open_until_its_projection_closes_it,
        a_slower_reader_closes_nothing_and_changes_nothing,
        the_finished_runs_are_those_written_lately_and_not_open,
        a_harvest_once_heard_of_is_never_forgotten,
        the_cost_of_a_harvest_stays_with_the_first_run,
        many_harvests_are_heard_of,
        an_event_too_large_is_refused_and_leaves_nothing,
    );
}
