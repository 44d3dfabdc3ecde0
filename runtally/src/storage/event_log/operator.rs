//! What only the operator's commands ask of the log.

use super::sqlite::{SqliteEventLog, failure, run_id};
use shared::core::ids::RunId;
use shared::ports::LogError;

impl SqliteEventLog {
    /// Every run of the log.
    ///
    /// # Errors
    /// [`LogError`] when the database fails.
    pub fn runs(&self) -> Result<Vec<RunId>, LogError> {
        let runs: Vec<String> = self
            .database
            .transact(|tx| {
                let mut select = tx.prepare_cached("SELECT run FROM run ORDER BY run")?;
                select.query_map([], |row| row.get(0))?.collect()
            })
            .map_err(failure)?;
        runs.iter().map(|run| run_id(run)).collect()
    }

    /// Makes the next tick rewrite the record of `run`: none of its events counts as shown.
    ///
    /// # Errors
    /// [`LogError`] when the database fails.
    pub fn unproject(&self, run: &RunId) -> Result<(), LogError> {
        self.database
            .transact(|tx| {
                tx.prepare_cached(
                    "UPDATE run SET open = 1, projection = json_set(projection, '$.events', 0)
                     WHERE run = ?1",
                )?
                .execute([run.as_str()])
            })
            .map_err(failure)?;
        Ok(())
    }
}
