//! Edits that a person can make to a base in the browser, for tests and operators.
//!
//! Edits do not count as requests and have no limits.

use super::body::{Change, Plan};
use super::define;
use super::error::ApiError;
use super::ids;
use super::model::{Base, Record, Table};
use super::render::Shape;
use super::schema::TableSpec;
use super::simulator::Airtable;
use super::state::{Place, State};
use super::write;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A row with its cells by field name, without empty cells.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its id.
    pub id: String,
    /// When it was created.
    pub created_time: Timestamp,
    /// Its cells.
    pub fields: Map<String, Value>,
}

/// An edit that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The string is not the id of a base: `app` and 14 letters and digits.
    #[error("{0:?} is not a base id")]
    BadBaseId(String),
    /// The base (the first) or the table is missing.
    #[error("base {0} has no table {1:?}")]
    NoSuchTable(String, String),
    /// The field is missing.
    #[error("there is no field {0:?}")]
    NoSuchField(String),
    /// The edit breaks a rule of the table.
    #[error("{0}")]
    Refused(String),
}

impl From<ApiError> for EditError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl Airtable {
    /// Creates a base, or renames it.
    pub fn add_base(&self, base: &str, name: &str) -> Result<(), EditError> {
        let mut state = self.lock();
        name.clone_into(&mut known_base(&mut state.bases, base)?.name);
        state.save_base(base);
        Ok(())
    }

    /// Creates a table, and its base if it is missing. Returns the table's id.
    pub fn add_table(&self, base: &str, spec: TableSpec) -> Result<String, EditError> {
        let mut state = self.lock();
        let State { bases, ids, .. } = &mut *state;
        let known = known_base(bases, base)?;
        let table = define::table(known, spec, ids)?;
        let id = table.id.clone();
        known.tables.push(table);
        state.save_base(base);
        Ok(id)
    }

    /// Adds a row, and checks its cells like the API. Returns its id.
    pub fn insert(
        &self,
        base: &str,
        table: &str,
        fields: Map<String, Value>,
    ) -> Result<String, EditError> {
        Ok(self.insert_all(base, table, vec![fields])?.remove(0))
    }

    /// Adds any number of rows, or none if one is refused. Returns their ids.
    pub fn insert_all(
        &self,
        base: &str,
        table: &str,
        rows: Vec<Map<String, Value>>,
    ) -> Result<Vec<String>, EditError> {
        let mut state = self.lock();
        find(&mut state, (base, table))?;
        let changes: Vec<_> = rows.into_iter().map(|fields| Change { id: None, fields }).collect();
        let now = self.clock.now();
        Ok(write::write(&mut state, (base, table), &changes, &Plan::default(), now)?.ids)
    }

    /// The rows of a table, in order of creation.
    pub fn rows(&self, base: &str, table: &str) -> Result<Vec<Row>, EditError> {
        let mut state = self.lock();
        find(&mut state, (base, table))?;
        let (base, table) = state.table((base, table))?;
        let shape = Shape::default();
        let columns = shape.columns(table);
        let row = |(id, record): (&std::sync::Arc<str>, &Record)| Row {
            id: id.to_string(),
            created_time: record.created,
            fields: shape.cells(base, &columns, record),
        };
        Ok(table.in_order().into_iter().map(row).collect())
    }

    /// One row of a table; `None` if no row has this id.
    pub fn row(&self, base: &str, table: &str, id: &str) -> Result<Option<Row>, EditError> {
        let mut state = self.lock();
        find(&mut state, (base, table))?;
        let (base, table) = state.table((base, table))?;
        let shape = Shape::default();
        Ok(table.records.get(id).map(|record| Row {
            id: id.to_owned(),
            created_time: record.created,
            fields: shape.cells(base, &shape.columns(table), record),
        }))
    }

    /// Changes cells of a row; null clears a cell.
    pub fn edit(
        &self,
        base: &str,
        table: &str,
        record: &str,
        fields: Map<String, Value>,
    ) -> Result<(), EditError> {
        let mut state = self.lock();
        find(&mut state, (base, table))?;
        let change = Change { id: Some(record.to_owned()), fields };
        write::write(&mut state, (base, table), &[change], &Plan::default(), self.clock.now())?;
        Ok(())
    }

    /// Deletes a row.
    pub fn delete_record(&self, base: &str, table: &str, record: &str) -> Result<(), EditError> {
        let mut state = self.lock();
        find(&mut state, (base, table))?;
        Ok(write::delete(&mut state, (base, table), &[record.to_owned()])?)
    }

    /// Makes every issued offset stale. Returns the number of listings that this ends.
    pub fn expire_iterators(&self) -> usize {
        self.lock().iterators.expire()
    }

    /// Sets whether the month's quota is spent. If it is, only schema calls are answered.
    pub fn set_quota_spent(&self, spent: bool) {
        self.lock().quota_spent = spent;
    }

    /// The number of requests to each base so far, including refused ones.
    pub fn requests_by_base(&self) -> Vec<(String, u64)> {
        self.lock().requests.iter().map(|(base, &count)| (base.clone(), count)).collect()
    }
}

/// The base with this id, created if needed.
fn known_base<'a>(
    bases: &'a mut BTreeMap<String, Base>,
    id: &str,
) -> Result<&'a mut Base, EditError> {
    if !ids::is_id("app", id) {
        return Err(EditError::BadBaseId(id.to_owned()));
    }
    let new = || Base { id: id.to_owned(), name: id.to_owned(), tables: Vec::new() };
    Ok(bases.entry(id.to_owned()).or_insert_with(new))
}

pub(super) fn find<'a>(state: &'a mut State, place: Place<'_>) -> Result<&'a mut Table, EditError> {
    let missing = |_| EditError::NoSuchTable(place.0.to_owned(), place.1.to_owned());
    state.table_mut(place).map_err(missing)
}
