//! What the simulated services keep across restarts.

use super::database::Database;
use rusqlite::Transaction;
use simulators::Store;

/// The part of the local database that belongs to one simulated service.
#[derive(Debug, Clone)]
pub(crate) struct SimulatorStore {
    database: Database,
    service: &'static str,
}

impl SimulatorStore {
    pub(crate) fn new(database: Database, service: &'static str) -> Self {
        Self { database, service }
    }

    /// A simulator continues in memory if its disk fails, so only the log shows the error.
    fn transact<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Option<T> {
        let done = self.database.transact(work);
        done.inspect_err(|error| {
            tracing::error!(
                service.name = self.service,
                error.message = %error,
                "a simulator's state is not stored and will be gone after a restart"
            );
        })
        .ok()
    }
}

impl Store for SimulatorStore {
    fn put(&self, key: &str, value: &str) {
        self.transact(|tx| {
            tx.prepare_cached("INSERT OR REPLACE INTO simulator VALUES (?1, ?2, ?3)")?.execute([
                self.service,
                key,
                value,
            ])
        });
    }

    fn remove(&self, key: &str) {
        self.transact(|tx| {
            tx.prepare_cached("DELETE FROM simulator WHERE service = ?1 AND key = ?2")?
                .execute([self.service, key])
        });
    }

    fn all(&self) -> Vec<(String, String)> {
        self.transact(|tx| {
            tx.prepare_cached("SELECT key, value FROM simulator WHERE service = ?1")?
                .query_map([self.service], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .unwrap_or_default()
    }

    fn clear(&self) {
        self.transact(|tx| {
            tx.prepare_cached("DELETE FROM simulator WHERE service = ?1")?.execute([self.service])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_sees_its_own_entries_only() {
        let database = Database::in_memory().unwrap();
        let airtable = SimulatorStore::new(database.clone(), "airtable");
        let apify = SimulatorStore::new(database, "apify");
        airtable.put("a", "1");
        airtable.put("a", "2");
        airtable.put("b", "3");
        apify.put("a", "4");
        airtable.remove("b");
        assert_eq!(airtable.all(), [("a".to_owned(), "2".to_owned())]);
        airtable.clear();
        assert_eq!(airtable.all(), []);
        assert_eq!(apify.all(), [("a".to_owned(), "4".to_owned())]);
    }
}
