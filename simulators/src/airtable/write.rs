//! Creates, updates, upserts and deletes rows: all rows of a request, or none.

use super::body::{Change, Plan};
use super::cells::{self, Writing};
use super::error::ApiError;
use super::model::{Class, Field, Record, Table, find_field};
use super::schema::FieldKind;
use super::state::{Place, State};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct Written {
    /// All rows, in the order of the request.
    pub(crate) ids: Vec<String>,
    pub(crate) created: Vec<String>,
    pub(crate) updated: Vec<String>,
}

/// Cells by field id; `None` clears a cell.
type Cells = BTreeMap<String, Option<Value>>;

/// A request whose rows are all valid.
struct Checked {
    /// The fields that get new choices.
    fields: Vec<Field>,
    /// The row to change, if it exists, and its new cells.
    rows: Vec<(Option<String>, Cells)>,
    /// Whether cells that are not mentioned are cleared.
    clear: bool,
}

/// Writes rows. All rows are checked before the first is written.
pub(crate) fn write(
    state: &mut State,
    (base_id, table): Place<'_>,
    changes: &[Change],
    plan: &Plan,
    now: Timestamp,
) -> Result<Written, ApiError> {
    let base = state.bases.get(base_id).ok_or(ApiError::Forbidden)?;
    let table = base.table(table).ok_or(ApiError::Forbidden)?;
    // Choices that typecast creates stay in copies until the whole request is valid.
    let mut fields: Vec<Cow<'_, Field>> = table.fields.iter().map(Cow::Borrowed).collect();
    let merge_on =
        plan.merge_on.as_ref().map(|names| merge_fields(&table.fields, names)).transpose()?;
    let mut writing = Writing { typecast: plan.typecast, ids: &mut state.ids, base };
    let mut rows = Vec::new();
    for change in changes {
        let cells = convert(table, &mut fields, &change.fields, &mut writing)?;
        let target = match (&change.id, &merge_on) {
            (Some(id), _) if table.records.contains_key(id.as_str()) => Some(id.clone()),
            (Some(id), _) => return Err(ApiError::NoSuchRow(id.to_owned())),
            (None, Some(merge_on)) => matching(table, merge_on, &cells)?,
            (None, None) => None,
        };
        rows.push((target, cells));
    }
    let changed = fields.into_iter().filter_map(|field| match field {
        Cow::Owned(field) => Some(field),
        Cow::Borrowed(_) => None,
    });
    let checked = Checked { fields: changed.collect(), rows, clear: plan.clear };
    let table_id = table.id.clone();
    Ok(apply(state, (base_id, &table_id), checked, now))
}

fn convert(
    table: &Table,
    fields: &mut [Cow<'_, Field>],
    values: &Map<String, Value>,
    writing: &mut Writing<'_>,
) -> Result<Cells, ApiError> {
    let mut cells = Cells::new();
    for (key, value) in values {
        let index =
            find_field(&table.fields, key).ok_or_else(|| ApiError::UnknownField(key.to_owned()))?;
        let field = &mut fields[index];
        let cell = cells::convert(field, value, writing)?;
        cells.insert(field.id.clone(), cell);
    }
    Ok(cells)
}

/// The ids of the fields to merge on. Only some types are allowed.
fn merge_fields(fields: &[Field], names: &[String]) -> Result<Vec<String>, ApiError> {
    let id = |name: &String| {
        let index =
            find_field(fields, name).ok_or_else(|| ApiError::UnknownField(name.to_owned()))?;
        let field = &fields[index];
        let allowed = matches!(
            field.spec.kind,
            FieldKind::SingleLineText
                | FieldKind::MultilineText
                | FieldKind::Number { .. }
                | FieldKind::SingleSelect { .. }
                | FieldKind::MultipleSelects { .. }
                | FieldKind::Date { .. }
        );
        let refused = || {
            let name = &field.spec.name;
            ApiError::InvalidBecause(format!("Field \"{name}\" cannot be used to merge on"))
        };
        allowed.then(|| field.id.clone()).ok_or_else(refused)
    };
    names.iter().map(id).collect()
}

/// The existing row with the same merge cells. An empty merge cell matches no row. Rows that this
/// request creates do not count.
fn matching(table: &Table, merge_on: &[String], cells: &Cells) -> Result<Option<String>, ApiError> {
    let mut wanted = Vec::new();
    for id in merge_on {
        let cell = cells.get(id).ok_or_else(|| {
            let name = table.field(id).map_or(id.as_str(), |field| field.spec.name.as_str());
            ApiError::InvalidBecause(format!("Every record must have the merge field \"{name}\""))
        })?;
        match cell {
            Some(cell) => wanted.push((id, cell)),
            None => return Ok(None),
        }
    }
    let matches =
        |record: &Record| wanted.iter().all(|&(id, cell)| record.cells.get(id) == Some(cell));
    let mut found = table.records.iter().filter(|(_, record)| matches(record)).map(|(id, _)| id);
    let first = found.next();
    if found.next().is_some() {
        return Err(ApiError::Unprocessable(
            "INVALID_RECORDS",
            "Cannot upsert: more than one record matches the merge fields".to_owned(),
        ));
    }
    Ok(first.map(|id| id.to_string()))
}

fn apply(
    state: &mut State,
    place: Place<'_>,
    Checked { fields, rows, clear }: Checked,
    now: Timestamp,
) -> Written {
    let mut written = Written::default();
    let State { bases, ids, .. } = &mut *state;
    let found = bases.get_mut(place.0).and_then(|base| base.table_mut(place.1));
    let Some(found) = found else { return written };
    let new_choices = !fields.is_empty();
    for field in fields {
        if let Some(index) = find_field(&found.fields, &field.id) {
            found.fields[index] = field;
        }
    }
    for (target, mut cells) in rows {
        let known = target.and_then(|id| found.records.get_mut(id.as_str()).map(|row| (id, row)));
        let id = match known {
            Some((id, record)) => {
                if clear {
                    let computed = |field: &&Field| field.spec.kind.class() == Class::Computed;
                    for field in found.fields.iter().filter(|field| !computed(field)) {
                        cells.entry(field.id.clone()).or_default();
                    }
                }
                for (field, cell) in cells {
                    record.put(&field, cell, now);
                }
                written.updated.push(id.clone());
                id
            }
            None => {
                let (seq, id) = ids.draw("rec");
                let cells = cells.into_iter().filter_map(|(id, cell)| Some((id, cell?))).collect();
                let record = Record { seq, created: now, cells, changed: BTreeMap::new() };
                found.records.insert(Arc::from(id.as_str()), record);
                written.created.push(id.clone());
                id
            }
        };
        written.ids.push(id);
    }
    if new_choices {
        state.save_base(place.0);
    }
    for id in &written.ids {
        state.save_record(place, id);
    }
    written
}

/// Deletes rows, and the links to them. All of them must exist.
pub(crate) fn delete(state: &mut State, place: Place<'_>, ids: &[String]) -> Result<(), ApiError> {
    let table = state.table_mut(place)?;
    if let Some(missing) = ids.iter().find(|id| !table.records.contains_key(id.as_str())) {
        return Err(ApiError::NoSuchRow(missing.to_owned()));
    }
    for id in ids {
        table.records.remove(id.as_str());
    }
    let table_id = table.id.clone();
    for id in ids {
        state.save_record(place, id);
    }
    for (table, id) in unlink(state, place.0, &table_id, ids) {
        state.save_record((place.0, &table), &id);
    }
    Ok(())
}

/// Removes the links to rows of a table. Returns the tables and rows that had links.
fn unlink(state: &mut State, base: &str, to: &str, ids: &[String]) -> Vec<(String, Arc<str>)> {
    let mut touched = Vec::new();
    for table in state.bases.get_mut(base).into_iter().flat_map(|base| &mut base.tables) {
        let links = table.fields.iter().filter(|field| {
            matches!(&field.spec.kind, FieldKind::MultipleRecordLinks { linked_table_id } if linked_table_id == to)
        });
        let links: Vec<&str> = links.map(|field| field.id.as_str()).collect();
        for (row, record) in table.records.iter_mut().filter(|_| !links.is_empty()) {
            for link in &links {
                let Some(cell) = record.cells.get_mut(*link) else { continue };
                let Some(items) = cell.as_array_mut() else { continue };
                let before = items.len();
                items.retain(|item| !ids.iter().any(|id| item == id.as_str()));
                if items.len() < before {
                    touched.push((table.id.clone(), Arc::clone(row)));
                }
                if items.is_empty() {
                    record.cells.remove(*link);
                }
            }
        }
    }
    touched
}
