//! What a person can do to fields and views in the browser.

use super::cells::{self, Writing};
use super::define;
use super::display::shown;
use super::edits::{EditError, find};
use super::formula;
use super::meta;
use super::model::{Table, find_field};
use super::schema::{FieldSpec, ViewSpec};
use super::simulator::Airtable;
use super::state::State;
use serde_json::Value;
use std::borrow::Cow;

impl Airtable {
    /// Adds a field.
    pub fn add_field(&self, base: &str, table: &str, spec: FieldSpec) -> Result<(), EditError> {
        let mut state = self.lock();
        find(&mut state, (base, table))?;
        meta::add_field(&mut state, (base, table), spec)?;
        Ok(())
    }

    /// Renames a field. Cells and views stay.
    pub fn rename_field(
        &self,
        base: &str,
        table: &str,
        field: &str,
        name: &str,
    ) -> Result<(), EditError> {
        let mut state = self.lock();
        let table = find(&mut state, (base, table))?;
        let index = field_at(table, field)?;
        meta::rename(table, index, name)?;
        state.save_base(base);
        Ok(())
    }

    /// Deletes a field with its cells. A view that filters by it no longer filters.
    pub fn delete_field(&self, base: &str, table: &str, field: &str) -> Result<(), EditError> {
        let mut state = self.lock();
        let found = find(&mut state, (base, table))?;
        let index = field_at(found, field)?;
        if index == 0 {
            return Err(EditError::Refused("the primary field cannot be deleted".to_owned()));
        }
        let field = found.fields.remove(index);
        for record in found.records.values_mut() {
            record.cells.remove(&field.id);
            record.changed.remove(&field.id);
        }
        for view in &mut found.views {
            view.filter.take_if(|filter| formula::names_field(filter, &field.id));
        }
        state.save_base(base);
        state.save_records((base, table));
        Ok(())
    }

    /// Changes the type of a field to that of `spec`. Cells are converted if possible, and cleared
    /// otherwise.
    pub fn retype_field(
        &self,
        base: &str,
        table: &str,
        field: &str,
        spec: FieldSpec,
    ) -> Result<(), EditError> {
        let mut state = self.lock();
        let index = field_at(find(&mut state, (base, table))?, field)?;
        let now = self.clock.now();
        let State { bases, ids, .. } = &mut *state;
        // The texts of linked rows come from the base as it was before.
        let Some(before) = bases.get(base).cloned() else { return Ok(()) };
        define::check_kind(&before, &spec.kind)?;
        if let Some(table) = bases.get_mut(base).and_then(|base| base.table_mut(table)) {
            let old = table.fields[index].clone();
            let mut new = old.clone();
            new.spec.kind = spec.kind;
            define::name_choices(&mut new.spec.kind, ids);
            let mut new = Cow::Owned(new);
            let mut writing = Writing { typecast: true, ids, base: &before };
            for record in table.records.values_mut() {
                let Some(cell) = record.cells.get(&old.id) else { continue };
                let text = Value::String(shown(&before, &old, cell, None));
                let converted = cells::convert(&mut new, &text, &mut writing);
                record.put(&old.id, converted.unwrap_or_default(), now);
            }
            table.fields[index] = new.into_owned();
        }
        state.save_base(base);
        state.save_records((base, table));
        Ok(())
    }

    /// Adds a view.
    pub fn add_view(&self, base: &str, table: &str, spec: ViewSpec) -> Result<(), EditError> {
        let mut state = self.lock();
        find(&mut state, (base, table))?;
        let State { bases, ids, .. } = &mut *state;
        if let Some(table) = bases.get_mut(base).and_then(|base| base.table_mut(table)) {
            let view = define::view(table, spec, ids)?;
            table.views.push(view);
        }
        state.save_base(base);
        Ok(())
    }
}

fn field_at(table: &Table, field: &str) -> Result<usize, EditError> {
    find_field(&table.fields, field).ok_or_else(|| EditError::NoSuchField(field.to_owned()))
}
