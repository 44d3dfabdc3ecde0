//! The one SQLite file that holds everything: queues, event log, and what the simulators keep.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a write waits for another process on the same file, an operator's command say.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The schema's versions. A file's `user_version` says how many of them it has been through;
/// one that is released is never changed, a change is a new one at the end.
const MIGRATIONS: [&str; 2] = [include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// An open database. Clones share the connection.
///
/// Every operation is one short transaction, called directly and not on a thread of its own: it
/// takes far less than a millisecond, and on a single-threaded runtime with paused time the
/// order of everything stays the same from run to run.
#[derive(Debug, Clone)]
pub struct Database(Arc<Mutex<Connection>>);

impl Database {
    /// Opens the file at `path`, made if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] when it can not be opened or a newer release wrote it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::prepare(Connection::open(path)?)
    }

    /// Opens a database that lives and dies with the process.
    ///
    /// # Errors
    /// [`StoreError`] when memory is short.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // With a write-ahead log, NORMAL survives a crash of the process, and a power cut loses
        // at most the last moments, which the senders then repeat.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.set_prepared_statement_cache_capacity(64);
        let database = Self(Arc::new(Mutex::new(connection)));
        database.migrate()?;
        Ok(database)
    }

    fn migrate(&self) -> Result<(), StoreError> {
        self.transact(|tx| {
            let found: usize = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
            let Some(missing) = MIGRATIONS.get(found..) else { return Ok(Err(found)) };
            for migration in missing {
                tx.execute_batch(migration)?;
            }
            tx.pragma_update(None, "user_version", MIGRATIONS.len())?;
            Ok(Ok(()))
        })?
        .map_err(|found| StoreError::Newer { found, known: MIGRATIONS.len() })
    }

    /// A number that changes with everything another process, or another handle that was opened
    /// by itself, commits.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub(crate) fn version_by_others(&self) -> Result<i64, StoreError> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Does `work` in one transaction: all of it is kept, or none.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        // A panic in `work` rolled back; the connection is as good as before.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A transaction that reads first and writes later fails when another process has written
        // in between; one that is to write from the start waits.
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&tx)?;
        tx.commit()?;
        Ok(done)
    }
}

/// The database did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's word.
    #[error("the local database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Reading on could misread it.
    #[error("the local database has schema {found}, this release knows {known}: use a newer one")]
    Newer {
        /// The file's schema.
        found: usize,
        /// The newest schema this release knows.
        known: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_newer_release_is_left_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let database = Database::open(file.path()).unwrap();
        database.transact(|tx| tx.pragma_update(None, "user_version", 7)).unwrap();
        drop(database);
        assert_eq!(
            Database::open(file.path()).unwrap_err().to_string(),
            "the local database has schema 7, this release knows 2: use a newer one"
        );
    }

    #[test]
    fn a_file_opened_again_keeps_its_schema() {
        let file = tempfile::NamedTempFile::new().unwrap();
        Database::open(file.path()).unwrap();
        let again = Database::open(file.path()).unwrap();
        let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'message'";
        let count: i64 = again.transact(|tx| tx.query_row(tables, (), |row| row.get(0))).unwrap();
        assert_eq!(count, 1);
    }

    #[test]
    fn two_processes_on_one_file_wait_for_each_other() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let count_up = || {
            let database = Database::open(file.path()).unwrap();
            for _ in 0..200 {
                let done = database.transact(|tx| {
                    let read = "SELECT last FROM sequence";
                    let last: i64 = tx.query_row(read, (), |row| row.get(0))?;
                    tx.execute("UPDATE sequence SET last = ?1", [last + 1])
                });
                done.unwrap();
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(count_up);
            scope.spawn(count_up);
        });
        let database = Database::open(file.path()).unwrap();
        let read = "SELECT last FROM sequence";
        let last: i64 = database.transact(|tx| tx.query_row(read, (), |row| row.get(0))).unwrap();
        assert_eq!(last, 400);
    }

    #[test]
    fn work_that_fails_leaves_nothing_behind() {
        let database = Database::in_memory().unwrap();
        let failed = database.transact(|tx| {
            tx.execute("INSERT INTO simulator VALUES ('airtable', 'k', 'v')", ())?;
            tx.execute("INSERT INTO nowhere VALUES (1)", ())
        });
        assert!(failed.is_err());
        let count: i64 = database
            .transact(|tx| tx.query_row("SELECT count(*) FROM simulator", (), |row| row.get(0)))
            .unwrap();
        assert_eq!(count, 0);
    }
}
