//! `EventLog` on SQLite. It stores and returns events and projections as strings.

use super::recent::Recent;
use crate::storage::database::Database;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use shared::core::ids::{ApifyRunId, RunId};
use shared::ports::{
    EventLog, HarvestKey, LogError, LogHead, Projection, RunLog, StoredEvent, check_events,
    readable,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The event log in the local database. Every method fails with [`LogError`] when the database
/// fails.
#[derive(Debug, Clone)]
pub struct SqliteEventLog {
    database: Database,
    recent: Arc<Mutex<Recent>>,
    /// Counts the changes through this handle and its clones.
    changes: watch::Sender<u64>,
}

impl SqliteEventLog {
    /// The log in `database`.
    pub fn new(database: Database) -> Self {
        Self { database, recent: Arc::default(), changes: watch::Sender::new(0) }
    }

    fn select_runs(&self, sql: &str) -> Result<Vec<RunId>, LogError> {
        let runs: Vec<String> =
            self.transact(|tx| tx.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect())?;
        Ok(readable(runs.iter().map(|run| run_id(run))))
    }

    fn look<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LogError> {
        self.database.look(work).map_err(|error| LogError { reason: error.to_string() })
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A watched counter that grows with every change of a run.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn change<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LogError> {
        let done = self.transact(work)?;
        self.changes.send_modify(|count| *count += 1);
        Ok(done)
    }

    fn transact<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LogError> {
        self.database.transact(work).map_err(|error| LogError { reason: error.to_string() })
    }
}

/// A run of the log without its events. Equal heads have the same events and projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHead {
    /// The run.
    pub run: RunId,
    /// Number of appends; `None` if only reading the log shows it.
    pub appends: Option<u64>,
    /// Whether a tick checks it.
    pub open: bool,
    /// Changes with every stored projection.
    pub shown: (i64, u64),
}

/// What is new of a run.
#[derive(Debug)]
pub(crate) struct RunNews {
    /// The bodies of the new events.
    pub(crate) events: Vec<String>,
    /// What its record shows, if that changed.
    pub(crate) shown: Option<Projection>,
}

impl EventLog for SqliteEventLog {
    async fn append(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        check_events(events)?;
        self.change(|tx| {
            let appends: u64 = tx
                .prepare_cached(
                    "INSERT INTO run (run, open, appends) VALUES (?1, 1, 1)
                         ON CONFLICT DO UPDATE SET open = 1, appends = appends + 1
                         RETURNING appends",
                )?
                .query_row([run.as_str()], |row| row.get(0))?;
            let mut insert =
                tx.prepare_cached("INSERT OR IGNORE INTO event VALUES (?1, ?2, ?3)")?;
            let mut new = Vec::new();
            for event in events {
                if insert.execute([run.as_str(), &event.id, &event.body])? > 0 {
                    new.push(event.body.clone());
                }
            }
            // Before the commit, so that nobody sees the append without the events.
            self.recent().add(run, appends, new);
            Ok(())
        })
    }

    async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        let (events, projection, appends) = self.transact(|tx| {
            let mut select =
                tx.prepare_cached("SELECT body FROM event WHERE run = ?1 ORDER BY id")?;
            let rows = select.query_map([run.as_str()], |row| row.get(0))?;
            let events = rows.collect::<Result<_, _>>()?;
            let (projection, appends) = head_of(tx, run)?;
            Ok((events, projection, appends))
        })?;
        Ok(RunLog { events, projection: parsed(projection)?, appends })
    }

    async fn log_head(&self, run: &RunId) -> Result<LogHead, LogError> {
        let (projection, appends) = self.look(|connection| head_of(connection, run))?;
        Ok(LogHead { projection: parsed(projection)?, appends })
    }

    async fn save_projection(&self, run: &RunId, projection: &Projection) -> Result<(), LogError> {
        let json = serde_json::to_string(projection).expect("a projection is plain JSON");
        self.change(|tx| {
            tx.prepare_cached(
                "INSERT INTO run (run, open, projection, written_at) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE
                     SET open = ?2 OR appends <> ?5, projection = ?3, written_at = ?4
                     WHERE projection IS NULL OR projection ->> '$.events' <= ?6",
            )?
            .execute((
                run.as_str(),
                projection.open,
                json,
                projection.at.as_millisecond(),
                projection.appends,
                projection.events,
            ))
        })?;
        Ok(())
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        self.select_runs("SELECT run FROM run WHERE open ORDER BY run")
    }

    async fn finished_runs(&self, since: Timestamp) -> Result<Vec<(RunId, Projection)>, LogError> {
        let rows: Vec<(String, Option<String>)> = self.transact(|tx| {
            tx.prepare_cached(
                "SELECT run, projection FROM run
                     WHERE NOT open AND written_at >= ?1 ORDER BY written_at, run",
            )?
            .query_map([since.as_millisecond()], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
        })?;
        let shown = rows.into_iter().filter_map(|(run, projection)| {
            let projection = parsed(projection).transpose()?;
            Some(projection.and_then(|projection| Ok((run_id(&run)?, projection))))
        });
        Ok(readable(shown))
    }

    async fn hear(&self, harvests: &[HarvestKey]) -> Result<(), LogError> {
        self.transact(|tx| {
            let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO heard VALUES (?1)")?;
            for harvest in harvests {
                insert.execute([harvest.as_str()])?;
            }
            Ok(())
        })
    }

    async fn heard(&self, harvests: &[HarvestKey]) -> Result<BTreeSet<HarvestKey>, LogError> {
        self.transact(|tx| {
            let mut select =
                tx.prepare_cached("SELECT count(*) FROM heard WHERE apify_run = ?1")?;
            let mut heard = BTreeSet::new();
            for harvest in harvests {
                let count: u32 = select.query_row([harvest.as_str()], |row| row.get(0))?;
                if count > 0 {
                    heard.insert(harvest.clone());
                }
            }
            Ok(heard)
        })
    }

    async fn claim_cost(&self, harvest: &ApifyRunId, run: &RunId) -> Result<RunId, LogError> {
        let owner: String = self.transact(|tx| {
            tx.prepare_cached("INSERT OR IGNORE INTO harvest_cost VALUES (?1, ?2)")?
                .execute([harvest.as_str(), run.as_str()])?;
            tx.prepare_cached("SELECT run FROM harvest_cost WHERE apify_run = ?1")?
                .query_row([harvest.as_str()], |row| row.get(0))
        })?;
        run_id(&owner)
    }
}

/// What only the operator's commands and the page need of the log.
impl SqliteEventLog {
    /// What is new of a run since `before`, with its projection if that changed. `None` unless this
    /// process stored all of it a short time ago.
    pub(crate) async fn news(
        &self,
        before: &RunHead,
        now: &RunHead,
    ) -> Result<Option<RunNews>, LogError> {
        let Some((first, last)) = before.appends.zip(now.appends) else { return Ok(None) };
        let Some(events) = self.recent().since(&now.run, first, last) else { return Ok(None) };
        let is_same = before.shown == now.shown;
        let shown = if is_same { None } else { self.log_head(&now.run).await?.projection };
        Ok(Some(RunNews { events, shown }))
    }

    /// Whether the log deletes events after some time. It never does.
    pub async fn forgets(&self) -> Result<bool, LogError> {
        Ok(false)
    }

    /// A run without its events; `None` if the log does not know it.
    pub async fn head(&self, run: &RunId) -> Result<Option<RunHead>, LogError> {
        let found = self.look(|tx| {
            let sql =
                "SELECT appends, open, written_at, projection ->> '$.events' FROM run WHERE run = ?1";
            let columns = |row: &Row<'_>| {
                let shown = (row.get::<_, Option<i64>>(2)?, row.get::<_, Option<u64>>(3)?);
                Ok((row.get(0)?, row.get(1)?, shown))
            };
            tx.prepare_cached(sql)?.query_row([run.as_str()], columns).optional()
        })?;
        Ok(found.map(|(appends, open, (written_at, events))| RunHead {
            run: run.clone(),
            appends: Some(appends),
            open,
            shown: (written_at.unwrap_or_default(), events.unwrap_or_default()),
        }))
    }

    /// Every run of the log without its events. This is cheap, however many there are.
    pub async fn heads(&self) -> Result<Vec<RunHead>, LogError> {
        self.heads_since(Timestamp::MIN).await
    }

    /// The open runs, and the runs whose record was written since, without their events.
    pub(crate) async fn heads_since(&self, since: Timestamp) -> Result<Vec<RunHead>, LogError> {
        type Columns = (String, u64, bool, Option<i64>, Option<u64>);
        let rows: Vec<Columns> = self.look(|tx| {
            let sql = "SELECT run, appends, open, written_at, projection ->> '$.events' FROM run
                           WHERE open OR coalesce(written_at, 0) >= ?1";
            let row = |row: &Row<'_>| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            };
            tx.prepare_cached(sql)?.query_map([since.as_millisecond()], row)?.collect()
        })?;
        let head = |(run, appends, open, written_at, events): Columns| {
            let shown = (written_at.unwrap_or_default(), events.unwrap_or_default());
            Ok(RunHead { run: run_id(&run)?, appends: Some(appends), open, shown })
        };
        Ok(readable(rows.into_iter().map(head)))
    }

    /// Every run of the log.
    pub async fn runs(&self) -> Result<Vec<RunId>, LogError> {
        self.select_runs("SELECT run FROM run ORDER BY run")
    }

    /// Makes the next tick rewrite the record of `run`: none of its events counts as projected.
    pub async fn unproject(&self, run: &RunId) -> Result<(), LogError> {
        self.change(|tx| {
            tx.prepare_cached(
                "UPDATE run SET open = 1, projection = json_set(projection, '$.events', 0)
                     WHERE run = ?1",
            )?
            .execute([run.as_str()])
        })?;
        Ok(())
    }
}

fn run_id(text: &str) -> Result<RunId, LogError> {
    text.parse().map_err(|error| LogError { reason: format!("{error}") })
}

/// A run's projection as JSON, and its number of appends.
fn head_of(tx: &Connection, run: &RunId) -> rusqlite::Result<(Option<String>, u64)> {
    let mut select = tx.prepare_cached("SELECT projection, appends FROM run WHERE run = ?1")?;
    let head = select.query_row([run.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(head.unwrap_or_default())
}

fn parsed(json: Option<String>) -> Result<Option<Projection>, LogError> {
    json.map(|json| serde_json::from_str(&json)).transpose().map_err(|error| LogError {
        reason: format!("a stored projection cannot be read: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_record_that_is_to_be_written_anew_shows_no_event_any_more() {
        let log = SqliteEventLog::new(Database::in_memory().unwrap());
        let run: RunId = "261123-094519-Guy-Wilson".parse().unwrap();
        let event = StoredEvent { id: "n-1".to_owned(), body: "{}".to_owned() };
        log.append(&run, &[event]).await.unwrap();
        // One digit before and after, so that nothing else of the projection changes.
        let projection = Projection {
            events: 1,
            at: "2026-11-23T10:00:00Z".parse().unwrap(),
            record: "rec00000000000001".parse().unwrap(),
            open: false,
            appends: 1,
            shown: String::new(),
            urgent: false,
        };
        log.save_projection(&run, &projection).await.unwrap();
        let before = log.head(&run).await.unwrap().unwrap();
        log.unproject(&run).await.unwrap();
        let now = log.head(&run).await.unwrap().unwrap();
        let news = log.news(&before, &now).await.unwrap().expect("this process stored it all");
        assert_eq!(news.shown.map(|shown| shown.events), Some(0));
        assert_eq!(log.heads().await.unwrap(), [now]);
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_read_keeps_nobody_from_looking_at_the_others() {
        let database = Database::in_memory().unwrap();
        let log = SqliteEventLog::new(database.clone());
        let run: RunId = "261123-094519-Guy-Wilson".parse().unwrap();
        let event = StoredEvent { id: "n-1".to_owned(), body: "{}".to_owned() };
        log.append(&run, &[event]).await.unwrap();
        let odd = "INSERT INTO run (run, open, appends, projection, written_at) VALUES
            ('of tomorrow', 1, 1, NULL, NULL), ('251123-094519-Ada', 0, 1, '{\"of\":\"tomorrow\"}', 7)";
        database.transact(|tx| tx.execute(odd, ())).unwrap();
        assert_eq!(log.open_runs().await, Ok(vec![run]));
        assert_eq!(log.runs().await.unwrap().len(), 2);
        assert_eq!(log.heads().await.unwrap().len(), 2);
        assert_eq!(log.finished_runs(Timestamp::MIN).await, Ok(vec![]));
    }
}
