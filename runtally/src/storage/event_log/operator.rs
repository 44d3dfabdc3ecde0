//! What only the operator's commands ask of the log.

use super::sqlite::{SqliteEventLog, run_id};
use shared::core::ids::RunId;
use shared::ports::LogError;

impl SqliteEventLog {
    /// Every run of the log.
    pub fn runs(&self) -> Result<Vec<RunId>, LogError> {
        let runs: Vec<String> = self.transact(|tx| {
            let mut select = tx.prepare_cached("SELECT run FROM run ORDER BY run")?;
            select.query_map([], |row| row.get(0))?.collect()
        })?;
        runs.iter().map(|run| run_id(run)).collect()
    }

    /// Makes the next tick rewrite the record of `run`: none of its events counts as shown.
    pub fn unproject(&self, run: &RunId) -> Result<(), LogError> {
        self.transact(|tx| {
            tx.prepare_cached(
                "UPDATE run SET open = 1, projection = json_set(projection, '$.events', 0)
                     WHERE run = ?1",
            )?
            .execute([run.as_str()])
        })?;
        Ok(())
    }
}
