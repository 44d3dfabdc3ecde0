//! The SQLite file that holds queues, event log and simulator state.

use super::data_folder::private_file;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long a write waits for another process that uses the same file, such as an operator's
/// command.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The schema's migrations. A file's `user_version` counts the migrations that it has. Never change
/// a released one; append a new one.
const MIGRATIONS: [&str; 4] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// An open database. Clones share the connection.
///
/// Every operation is one short transaction on the caller's thread. It takes far less than a
/// millisecond, and on a single-threaded runtime with paused time the order of everything stays
/// the same from run to run.
#[derive(Debug, Clone)]
pub struct Database {
    connection: Arc<Mutex<Connection>>,
    /// Counts the changes through this handle and its clones.
    changes: watch::Sender<u64>,
}

impl Database {
    /// Opens the file at `path`, creates it if needed, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened or a newer release wrote it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        private_file(path).map_err(|error| StoreError::File { path: path.to_owned(), error })?;
        Self::prepare(Connection::open(path)?)
    }

    /// Opens a database in memory, which ends with the process.
    ///
    /// # Errors
    /// [`StoreError`] when there is too little memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // With a write-ahead log, NORMAL survives a crash of the process. A power cut loses at most
        // the last moments, which the senders then repeat.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // Deleted data cannot be read from the file: posts and profiles are personal data.
        connection.pragma_update(None, "secure_delete", "ON")?;
        // Statements are planned once, whatever their parameters are.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(64);
        let connection = Arc::new(Mutex::new(connection));
        let database = Self { connection, changes: watch::Sender::new(0) };
        database.migrate()?;
        Ok(database)
    }

    /// Reads the whole file once and checks it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with what SQLite found.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let connection = self.lock();
        let found: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
        if found == "ok" { Ok(()) } else { Err(StoreError::Damaged(found)) }
    }

    /// Moves the contents of the write-ahead log into the file, and empties the log. Then deleted
    /// data is in neither of them. Returns whether it did: while another process reads, it cannot,
    /// and it does not wait for that process.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be written.
    pub(crate) fn empty_log(&self) -> Result<bool, StoreError> {
        let connection = self.lock();
        connection.busy_timeout(Duration::ZERO)?;
        let is_busy = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, bool>(0));
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(!is_busy?)
    }

    /// Refuses every write from now on, or accepts writes again, like a disk that is full or
    /// read-only. For tests.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub fn refuse_writes(&self, refuse: bool) -> Result<(), StoreError> {
        let connection = self.lock();
        Ok(connection.pragma_update(None, "query_only", refuse)?)
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
        let connection = self.lock();
        Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Does `work` in one transaction: all changes are kept, or none.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        // A panic in `work` rolled back, so the connection is intact.
        let mut connection = self.lock();
        // A transaction that reads first and writes later fails if another process wrote in
        // between. One that starts as a writer waits instead.
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = tx.total_changes();
        let done = work(&tx)?;
        let is_changed = tx.total_changes() != before;
        tx.commit()?;
        if is_changed {
            self.changes.send_modify(|count| *count += 1);
        }
        Ok(done)
    }

    /// Reads with one statement, without a separate transaction.
    pub(crate) fn look<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        Ok(work(&self.lock())?)
    }

    /// A watched counter that grows with every change of stored data.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Wakes those who wait for a change, because another process may have made one.
    pub(crate) fn changed_elsewhere(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A database operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened, or cannot be created for its owner alone.
    #[error("the local database {}: {error}", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// The file is damaged, according to SQLite.
    #[error("the local database is damaged ({0})")]
    Damaged(String),
    /// SQLite reports an error.
    #[error("the local database: {0}")]
    Sqlite(#[source] rusqlite::Error),
    /// A newer release wrote the file, and this release could misread it.
    #[error(
        "the local database has schema {0}, this release knows {known}: use a newer one",
        known = MIGRATIONS.len()
    )]
    Newer(usize),
}

impl StoreError {
    /// What a person can do about the error.
    pub(crate) fn what_to_do(&self) -> &'static str {
        match self {
            Self::File { .. } => "name a folder that you can read and write with --data",
            Self::Damaged(_) => {
                "stop what uses the folder and put a copy of it back, or begin with an empty \
                 folder; records in Airtable stay as they are"
            }
            Self::Newer(_) => {
                "install the release that wrote it, or name another folder with --data"
            }
            Self::Sqlite(error) if is_busy(error) => {
                "another process keeps it locked, such as a `sqlite3` shell: end that, and try again"
            }
            Self::Sqlite(_) => {
                "check that the folder of --data can be written and its disk has room"
            }
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Sqlite(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    #[test]
    fn a_file_of_a_newer_release_is_left_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let database = Database::open(file.path()).unwrap();
        database.transact(|tx| tx.pragma_update(None, "user_version", 7)).unwrap();
        drop(database);
        assert_eq!(
            Database::open(file.path()).unwrap_err().to_string(),
            "the local database has schema 7, this release knows 4: use a newer one"
        );
    }

    #[test]
    fn a_statement_is_planned_once() {
        let database = Database::in_memory().unwrap();
        let connection = database.lock();
        let sql = "SELECT message_id FROM message WHERE queue = ?1 ORDER BY sequence LIMIT ?2";
        let mut statement = connection.prepare(sql).unwrap();
        for most in [1, 2, 3] {
            statement.query(("metrics", most)).unwrap().next().unwrap();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn deleted_text_is_in_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("database");
        let database = Database::open(&path).unwrap();
        let text = "a post that somebody deleted ".repeat(400);
        let insert = "INSERT INTO simulator VALUES ('airtable', 'k', ?1)";
        database.transact(|tx| tx.execute(insert, [&text])).unwrap();
        database.transact(|tx| tx.execute("DELETE FROM simulator", ())).unwrap();
        database.empty_log().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("somebody deleted"));
        }
    }

    /// A file full of text, in rows that fit on a page and in rows that do not.
    fn full_file(path: &Path) -> Vec<u8> {
        let database = Database::open(path).unwrap();
        let insert = "INSERT INTO simulator VALUES ('airtable', ?1, ?2)";
        for key in 0..200 {
            let value = "some text ".repeat(if key % 2 == 0 { 100 } else { 1_000 });
            database.transact(|tx| tx.execute(insert, (key, value.as_str()))).unwrap();
        }
        database.check().unwrap();
        assert!(database.empty_log().unwrap());
        drop(database);
        std::fs::read(path).unwrap()
    }

    #[test]
    fn noise_anywhere_in_the_file_is_named_at_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("database");
        let whole = full_file(&path);
        let mut rng = fastrand::Rng::with_seed(7);
        let places = (whole.len() - 80_000) / 10;
        for at in (0..=10).map(|part| part * places) {
            let mut bytes = whole.clone();
            rng.fill(&mut bytes[at..at + 80_000]);
            std::fs::write(&path, &bytes).unwrap();
            let error = Database::open(&path).and_then(|database| database.check()).unwrap_err();
            assert!(error.to_string().contains("the local database is damaged ("), "{at}: {error}");
        }
    }

    #[test]
    fn the_log_is_not_emptied_while_somebody_reads_and_nobody_waits_for_that() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (database, other) =
            (Database::open(file.path()).unwrap(), Database::open(file.path()).unwrap());
        let insert = "INSERT INTO simulator VALUES ('airtable', ?1, 'v')";
        database.transact(|tx| tx.execute(insert, ["a"])).unwrap();
        let mut reader = other.lock();
        let reading = reader.transaction().unwrap();
        let count = "SELECT count(*) FROM simulator";
        let _: i64 = reading.query_row(count, (), |row| row.get(0)).unwrap();
        database.transact(|tx| tx.execute(insert, ["b"])).unwrap();
        assert!(!database.empty_log().unwrap());
        drop(reading);
        assert!(database.empty_log().unwrap());
    }

    #[test]
    fn a_full_disk_keeps_what_is_there_and_takes_more_once_there_is_room() {
        let database = Database::in_memory().unwrap();
        let limit = |pages: u32| {
            database.transact(|tx| tx.pragma_update(None, "max_page_count", pages)).unwrap();
        };
        limit(1);
        let insert = "INSERT INTO simulator VALUES ('airtable', ?1, ?2)";
        let put = |key: u32| database.transact(|tx| tx.execute(insert, (key, "x".repeat(4_000))));
        let kept = (0..1_000).take_while(|key| put(*key).is_ok()).count();
        let error = put(2_000).unwrap_err().to_string();
        assert_eq!(error, "the local database: database or disk is full");
        limit(u32::MAX - 1);
        put(2_000).unwrap();
        let count = "SELECT count(*) FROM simulator";
        let rows: usize =
            database.transact(|tx| tx.query_row(count, (), |row| row.get(0))).unwrap();
        assert_eq!(rows, kept + 1);
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
