//! What only the `EventLog` on SQLite promises; the promises of every log are in
//! `tests::conformance`.

use runtally::storage::{Database, SqliteEventLog};
use shared::core::ids::RunId;
use shared::ports::{EventLog, Projection, StoredEvent};

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
