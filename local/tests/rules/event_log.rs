//! The promises of `EventLog`, kept by the one in SQLite.

use local::event_log::SqliteEventLog;
use local::store::Database;
use shared::adapters::limits::MAX_EVENT_BYTES;
use shared::ids::RunId;
use shared::seams::{EventLog, Projection, RunLog, StoredEvent};

fn log() -> SqliteEventLog {
    SqliteEventLog::new(Database::in_memory().unwrap())
}

fn run(client: &str) -> RunId {
    format!("261014-133000-{client}").parse().unwrap()
}

fn event(id: &str, body: &str) -> StoredEvent {
    StoredEvent { id: id.to_owned(), body: body.to_owned() }
}

fn projection(open: bool) -> Projection {
    Projection {
        events: 1,
        at: "2026-10-14T13:31:00.5Z".parse().unwrap(),
        record: "recX8s1pPiBf5rqTz".parse().unwrap(),
        open,
        appends: 1,
        shown: "as written".to_owned(),
    }
}

#[tokio::test]
async fn events_come_in_the_order_of_their_ids_and_each_once() {
    let log = log();
    log.append(&run("A"), &[event("b", "2"), event("a", "1"), event("b", "2")]).await.unwrap();
    log.append(&run("A"), &[event("a", "1"), event("B", "0")]).await.unwrap();
    log.append(&run("C"), &[event("a", "9")]).await.unwrap();
    assert_eq!(log.read(&run("A")).await.unwrap().events, ["0", "1", "2"]);
}

#[tokio::test]
async fn an_event_stored_already_is_left_as_it_is() {
    let log = log();
    log.append(&run("A"), &[event("a", "1")]).await.unwrap();
    log.append(&run("A"), &[event("a", "2")]).await.unwrap();
    assert_eq!(log.read(&run("A")).await.unwrap().events, ["1"]);
}

#[tokio::test]
async fn a_run_never_heard_of_is_empty() {
    assert_eq!(log().read(&run("A")).await, Ok(RunLog::default()));
    assert_eq!(log().projection(&run("A")).await, Ok(None));
}

#[tokio::test]
async fn a_saved_projection_is_read_back() {
    let log = log();
    log.append(&run("A"), &[event("a", "1")]).await.unwrap();
    log.save_projection(&run("A"), &projection(true)).await.unwrap();
    assert_eq!(log.projection(&run("A")).await, Ok(Some(projection(true))));
    assert_eq!(log.read(&run("A")).await.unwrap().projection, Some(projection(true)));
    log.append(&run("A"), &[event("b", "2")]).await.unwrap();
    assert_eq!(log.projection(&run("A")).await, Ok(Some(projection(true))));
}

#[tokio::test]
async fn a_run_is_open_until_its_projection_closes_it_and_again_after_an_append() {
    let log = log();
    let (a, b) = (run("A"), run("B"));
    log.append(&b, &[event("a", "1")]).await.unwrap();
    log.append(&a, &[event("a", "1")]).await.unwrap();
    assert_eq!(log.open_runs().await.unwrap(), [a.clone(), b.clone()]);
    log.save_projection(&a, &projection(false)).await.unwrap();
    log.save_projection(&b, &projection(true)).await.unwrap();
    assert_eq!(log.open_runs().await.unwrap(), std::slice::from_ref(&b));
    log.append(&a, &[event("a", "1")]).await.unwrap();
    assert_eq!(log.open_runs().await.unwrap(), [a, b]);
}

#[tokio::test]
async fn a_run_that_was_appended_to_meanwhile_is_not_closed_by_a_reader_that_did_not_see_it() {
    let log = log();
    let run = run("A");
    log.append(&run, &[event("a", "1")]).await.unwrap();
    let seen = log.read(&run).await.unwrap().appends;
    log.append(&run, &[event("b", "2")]).await.unwrap();
    let closing = Projection { appends: seen, ..projection(false) };
    log.save_projection(&run, &closing).await.unwrap();
    assert_eq!(log.open_runs().await.unwrap(), std::slice::from_ref(&run));
    let appends = log.read(&run).await.unwrap().appends;
    let newer = Projection { appends, events: 2, ..projection(false) };
    log.save_projection(&run, &newer).await.unwrap();
    assert!(log.open_runs().await.unwrap().is_empty());
    log.save_projection(&run, &closing).await.unwrap();
    assert_eq!(log.projection(&run).await, Ok(Some(newer)), "a slower reader changes nothing");
}

#[tokio::test]
async fn the_finished_runs_are_those_written_lately_and_not_open() {
    let log = log();
    for (client, open) in [("A", false), ("B", true), ("C", false)] {
        log.append(&run(client), &[event("a", "1")]).await.unwrap();
        log.save_projection(&run(client), &projection(open)).await.unwrap();
    }
    log.append(&run("C"), &[event("b", "2")]).await.unwrap();
    let at = projection(false).at;
    assert_eq!(log.finished_runs(at).await.unwrap(), [(run("A"), projection(false))]);
    let later = at + jiff::SignedDuration::from_secs(1);
    assert_eq!(log.finished_runs(later).await.unwrap(), []);
}

#[tokio::test]
async fn a_harvest_once_heard_of_is_never_forgotten() {
    let log = log();
    let ids = ["HG7ML7M8z78YcAPEB", "uPBN9qaKd2iLs5naZ"].map(|id| id.parse().unwrap());
    log.hear(&ids[..1]).await.unwrap();
    log.hear(&ids[..1]).await.unwrap();
    assert_eq!(log.heard(&ids).await.unwrap().into_iter().collect::<Vec<_>>(), ids[..1]);
}

#[tokio::test]
async fn an_append_with_an_event_too_large_leaves_nothing() {
    let log = log();
    let large = event("b", &"x".repeat(MAX_EVENT_BYTES + 1));
    log.append(&run("A"), &[event("a", "1"), large]).await.unwrap_err();
    assert_eq!(log.read(&run("A")).await, Ok(RunLog::default()));
    assert!(log.open_runs().await.unwrap().is_empty());
}

#[tokio::test]
async fn everything_survives_the_end_of_the_process() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let before = SqliteEventLog::new(Database::open(file.path()).unwrap());
    before.append(&run("A"), &[event("a", "1")]).await.unwrap();
    before.save_projection(&run("A"), &projection(true)).await.unwrap();
    drop(before);
    let after = SqliteEventLog::new(Database::open(file.path()).unwrap());
    assert_eq!(after.read(&run("A")).await.unwrap().events, ["1"]);
    assert_eq!(after.projection(&run("A")).await, Ok(Some(projection(true))));
    assert_eq!(after.open_runs().await.unwrap(), [run("A")]);
}
