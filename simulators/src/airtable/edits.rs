//! What a person can do to a base in the browser, for tests and operators.
//!
//! None of it counts as a request, and none of it is limited.

use super::Airtable;
use super::define;
use super::error::ApiError;
use super::ids;
use super::model::{Base, Record, Table};
use super::render::Shape;
use super::schema::TableSpec;
use super::state::State;
use super::write::{self, Change, Plan};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// A row, with its cells by field name; empty cells are left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub created_time: Timestamp,
    /// Its cells.
    pub fields: Map<String, Value>,
}

/// An edit that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is not the id of a base: `app` and 14 letters and digits.
    #[error("{0:?} is not a base id")]
    BadBaseId(String),
    /// The base or the table is not there.
    #[error("base {base} has no table {table:?}")]
    NoSuchTable {
        /// The base.
        base: String,
        /// The table's name or id.
        table: String,
    },
    /// The field is not there.
    #[error("there is no field {0:?}")]
    NoSuchField(String),
    /// The view is not there.
    #[error("there is no view {0:?}")]
    NoSuchView(String),
    /// The edit breaks a rule of the table.
    #[error("{0}")]
    Refused(String),
}

impl From<ApiError> for EditError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error.message().to_owned())
    }
}

impl Airtable {
    /// Makes a base, or renames it.
    pub fn add_base(&self, base: &str, name: &str) -> Result<(), EditError> {
        let mut state = self.lock();
        let known = known_base(&mut state, base)?;
        name.clone_into(&mut known.name);
        state.save_base(base);
        Ok(())
    }

    /// Makes a table, and its base if there is none yet. Returns the table's id.
    pub fn add_table(&self, base: &str, spec: TableSpec) -> Result<String, EditError> {
        let mut state = self.lock();
        known_base(&mut state, base)?;
        let State { bases, ids, .. } = &mut *state;
        let Some(known) = bases.get_mut(base) else {
            return Err(EditError::BadBaseId(base.to_owned()));
        };
        let table = define::table(known, spec, ids)?;
        let id = table.id.clone();
        known.tables.push(table);
        state.save_base(base);
        Ok(id)
    }

    /// Adds a row; its cells are checked as the API checks them. Returns its id.
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
        find(&mut state, base, table)?;
        let changes: Vec<_> = rows.into_iter().map(|fields| Change { id: None, fields }).collect();
        let now = self.clock.now();
        Ok(write::write(&mut state, (base, table), &changes, &Plan::default(), now)?.ids)
    }

    /// The rows of a table in the order they were made.
    pub fn rows(&self, base: &str, table: &str) -> Result<Vec<Row>, EditError> {
        let mut state = self.lock();
        find(&mut state, base, table)?;
        let (base, table) = state.table(base, table)?;
        let shape = Shape::default();
        let columns = shape.columns(table);
        let row = |(id, record): (&std::sync::Arc<str>, &Record)| {
            let mut shown = shape.row(base, &columns, id, record);
            let fields = match shown.get_mut("fields").map(Value::take) {
                Some(Value::Object(fields)) => fields,
                Some(_) | None => Map::new(),
            };
            Row { id: id.to_string(), created_time: record.created, fields }
        };
        Ok(table.in_order().into_iter().map(row).collect())
    }

    /// Changes cells of a row; null clears one.
    pub fn edit(
        &self,
        base: &str,
        table: &str,
        record: &str,
        fields: Map<String, Value>,
    ) -> Result<(), EditError> {
        let mut state = self.lock();
        find(&mut state, base, table)?;
        let change = Change { id: Some(record.to_owned()), fields };
        write::write(&mut state, (base, table), &[change], &Plan::default(), self.clock.now())?;
        Ok(())
    }

    /// Deletes a row.
    pub fn delete_record(&self, base: &str, table: &str, record: &str) -> Result<(), EditError> {
        let mut state = self.lock();
        find(&mut state, base, table)?;
        Ok(write::delete(&mut state, (base, table), &[record.to_owned()])?)
    }

    /// Makes every offset that was handed out stale; says how many listings that ends.
    pub fn expire_iterators(&self) -> usize {
        self.lock().iterators.expire()
    }

    /// Says whether the month's quota is spent: then only schema calls are answered.
    pub fn set_quota_spent(&self, spent: bool) {
        self.lock().quota_spent = spent;
    }

    /// The requests to each base so far, refused ones too.
    pub fn requests_by_base(&self) -> Vec<(String, u64)> {
        self.lock().requests.iter().map(|(base, &count)| (base.clone(), count)).collect()
    }
}

/// The base with this id, made if need be.
fn known_base<'a>(state: &'a mut State, base: &str) -> Result<&'a mut Base, EditError> {
    if !ids::is_id("app", base) {
        return Err(EditError::BadBaseId(base.to_owned()));
    }
    Ok(state.bases.entry(base.to_owned()).or_insert_with(|| Base {
        id: base.to_owned(),
        name: base.to_owned(),
        tables: Vec::new(),
    }))
}

/// The table, to edit.
pub(super) fn find<'a>(
    state: &'a mut State,
    base: &str,
    table: &str,
) -> Result<&'a mut Table, EditError> {
    let missing = || EditError::NoSuchTable { base: base.to_owned(), table: table.to_owned() };
    state.table_mut(base, table).map_err(|_| missing())
}
