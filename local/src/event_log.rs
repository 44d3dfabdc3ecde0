//! `EventLog` on SQLite.

mod operator;

use crate::store::{Database, StoreError};
use rusqlite::{OptionalExtension, Transaction};
use shared::adapters::limits::check_events;
use shared::ids::RunId;
use shared::seams::{EventLog, LogError, Projection, RunLog, StoredEvent};

/// The event log in the local database.
#[derive(Debug, Clone)]
pub struct SqliteEventLog {
    database: Database,
}

impl SqliteEventLog {
    /// The log in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

impl EventLog for SqliteEventLog {
    async fn append(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        check_events(events)?;
        self.database
            .transact(|tx| {
                tx.prepare_cached(
                    "INSERT INTO run (run, open) VALUES (?1, 1) ON CONFLICT DO UPDATE SET open = 1",
                )?
                .execute([run.as_str()])?;
                let mut insert =
                    tx.prepare_cached("INSERT OR IGNORE INTO event VALUES (?1, ?2, ?3)")?;
                for event in events {
                    insert.execute([run.as_str(), &event.id, &event.body])?;
                }
                Ok(())
            })
            .map_err(failure)
    }

    async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        let (events, projection) = self
            .database
            .transact(|tx| {
                let mut select =
                    tx.prepare_cached("SELECT body FROM event WHERE run = ?1 ORDER BY id")?;
                let rows = select.query_map([run.as_str()], |row| row.get(0))?;
                Ok((rows.collect::<Result<_, _>>()?, projection_of(tx, run)?))
            })
            .map_err(failure)?;
        Ok(RunLog { events, projection: parsed(projection)? })
    }

    async fn projection(&self, run: &RunId) -> Result<Option<Projection>, LogError> {
        parsed(self.database.transact(|tx| projection_of(tx, run)).map_err(failure)?)
    }

    async fn save_projection(&self, run: &RunId, projection: &Projection) -> Result<(), LogError> {
        let json = serde_json::to_string(projection).expect("a projection is plain JSON");
        self.database
            .transact(|tx| {
                tx.prepare_cached(
                    "INSERT INTO run (run, open, projection) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET open = ?2, projection = ?3",
                )?
                .execute((run.as_str(), projection.open, json))
            })
            .map_err(failure)?;
        Ok(())
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        let runs: Vec<String> = self
            .database
            .transact(|tx| {
                let mut select =
                    tx.prepare_cached("SELECT run FROM run WHERE open ORDER BY run")?;
                select.query_map([], |row| row.get(0))?.collect()
            })
            .map_err(failure)?;
        runs.into_iter()
            .map(|run| run.parse().map_err(|error| LogError { reason: format!("{error}") }))
            .collect()
    }
}

fn projection_of(tx: &Transaction<'_>, run: &RunId) -> rusqlite::Result<Option<String>> {
    let mut select = tx.prepare_cached("SELECT projection FROM run WHERE run = ?1")?;
    Ok(select.query_row([run.as_str()], |row| row.get(0)).optional()?.flatten())
}

fn parsed(json: Option<String>) -> Result<Option<Projection>, LogError> {
    json.map(|json| serde_json::from_str(&json)).transpose().map_err(|error| LogError {
        reason: format!("a stored projection can not be read: {error}"),
    })
}

fn failure(error: StoreError) -> LogError {
    LogError { reason: error.to_string() }
}
