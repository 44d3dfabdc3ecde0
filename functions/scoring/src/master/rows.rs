//! Rows of the master base.

use shared::core::ids::BaseId;
use shared::ports::Transport;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Row, oldest_first};

/// The base that lists the clients and holds the run records.
#[derive(Clone, Copy)]
pub(crate) struct MasterBase<'a, T> {
    pub(crate) airtable: &'a Airtable<T>,
    pub(crate) id: &'a BaseId,
}

impl<T: Transport> MasterBase<'_, T> {
    /// Reads rows, oldest first, with all their fields if `fields` is empty. Airtable refuses a
    /// request that names a field that was renamed or that the base lacks.
    pub(crate) async fn list(
        &self,
        table: &str,
        fields: &[&str],
        formula: Option<Formula>,
    ) -> Result<Vec<Row>, AirtableError> {
        let query = ListQuery { fields, formula };
        let mut rows = self.airtable.list(self.id, table, &query).await?;
        oldest_first(&mut rows);
        Ok(rows)
    }
}
