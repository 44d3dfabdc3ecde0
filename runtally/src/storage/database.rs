//! The SQLite file that holds queues, event log and simulator state.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a write waits for another process on the same file, such as an operator's command.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The schema's migrations. A file's `user_version` counts those it has been through. Never change
/// a released one; append a new one.
const MIGRATIONS: [&str; 2] = [include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// An open database. Clones share the connection.
///
/// Every operation is one short transaction on the caller's thread. It takes far less than a
/// millisecond, and on a single-threaded runtime with paused time the order of everything stays
/// the same from run to run.
#[derive(Debug, Clone)]
pub struct Database(Arc<Mutex<Connection>>);

impl Database {
    /// Opens the file at `path`, creates it if needed, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened or a newer release wrote it.
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
        // With a write-ahead log, NORMAL survives a crash of the process. A power cut loses at
        // most the last moments, which the senders then repeat.
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
        .map_err(StoreError::Newer)
    }

    /// A number that changes whenever another process, or another handle on the file, commits.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub(crate) fn version_by_others(&self) -> Result<i64, StoreError> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Does `work` in one transaction: everything is kept, or nothing.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        // A panic in `work` rolled back; the connection is as good as before.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A transaction that reads first and writes later fails if another process wrote in
        // between. One that starts as a writer waits instead.
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&tx)?;
        tx.commit()?;
        Ok(done)
    }
}

/// A database operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite reports an error.
    #[error("the local database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A newer release wrote the file, and this one could misread it.
    #[error(
        "the local database has schema {0}, this release knows {known}: use a newer one",
        known = MIGRATIONS.len()
    )]
    Newer(usize),
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
