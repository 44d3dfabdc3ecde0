//! What people and formulas do to a base that surprises its readers: locked fields, cells with
//! errors, renamed choices.

use super::body::Change;
use super::edits::{EditError, find};
use super::error::ApiError;
use super::model::{Table, find_field};
use super::simulator::Airtable;
use super::state::{Place, State};
use serde_json::{Value, json};

impl Airtable {
    /// Puts any JSON value into a cell, as a failing formula does: `{"error":"#ERROR!"}`. The value
    /// is not checked; null empties the cell.
    pub fn put_cell(
        &self,
        (base, table): (&str, &str),
        record: &str,
        field: &str,
        value: Value,
    ) -> Result<(), EditError> {
        let mut state = self.lock();
        let now = self.clock.now();
        let found = find(&mut state, (base, table))?;
        let field = field_id(found, field)?;
        let row = found.records.get_mut(record);
        let row = row.ok_or_else(|| EditError::from(ApiError::NoSuchRow(record.to_owned())))?;
        row.put(&field, Some(value).filter(|value| !value.is_null()), now);
        state.save_record((base, table), record);
        Ok(())
    }

    /// Locks or unlocks a field. The API refuses to write a locked field, but people can still edit
    /// it.
    pub fn lock_field(
        &self,
        (base, table): (&str, &str),
        field: &str,
        is_locked: bool,
    ) -> Result<(), EditError> {
        let mut state = self.lock();
        let found = find(&mut state, (base, table))?;
        let lock = (base.to_owned(), found.id.clone(), field_id(found, field)?);
        if is_locked {
            state.locked.insert(lock);
        } else {
            state.locked.remove(&lock);
        }
        Ok(())
    }

    /// Renames a choice of a select field. Cells with the choice change, too.
    pub fn rename_choice(
        &self,
        (base, table): (&str, &str),
        field: &str,
        (from, to): (&str, &str),
    ) -> Result<(), EditError> {
        let mut state = self.lock();
        let found = find(&mut state, (base, table))?;
        let id = field_id(found, field)?;
        let index = find_field(&found.fields, &id).ok_or_else(|| no_field(field))?;
        let choices = found.fields[index].spec.kind.choices_mut();
        let choice = choices.into_iter().flatten().find(|choice| choice.name == from);
        to.clone_into(&mut choice.ok_or_else(|| no_field(from))?.name);
        for record in found.records.values_mut() {
            if let Some(cell) = record.cells.get_mut(&id).filter(|cell| **cell == json!(from)) {
                *cell = json!(to);
            }
        }
        state.save_base(base);
        state.save_records((base, table));
        Ok(())
    }
}

/// Refuses changes to a locked field.
pub(super) fn check_locks(
    state: &State,
    place: Place<'_>,
    changes: &[Change],
) -> Result<(), ApiError> {
    if state.locked.is_empty() {
        return Ok(());
    }
    let (base, table) = state.table(place)?;
    for key in changes.iter().flat_map(|change| change.fields.keys()) {
        let Some(field) = table.field(key) else { continue };
        if state.locked.contains(&(base.id.clone(), table.id.clone(), field.id.clone())) {
            return Err(ApiError::Locked(field.spec.name.clone(), field.id.clone()));
        }
    }
    Ok(())
}

fn field_id(table: &Table, field: &str) -> Result<String, EditError> {
    table.field(field).map(|field| field.id.clone()).ok_or_else(|| no_field(field))
}

fn no_field(name: &str) -> EditError {
    EditError::NoSuchField(name.to_owned())
}
