//! Creates tables, fields and views, for the API and for edits.

use super::error::ApiError;
use super::formula;
use super::ids::{self, Ids};
use super::model::{Base, Class, Field, Table, View};
use super::schema::{FieldKind, FieldSpec, TableSpec, ViewSpec};
use super::times;
use std::collections::{BTreeMap, HashSet};

pub(crate) fn table(base: &Base, spec: TableSpec, ids: &mut Ids) -> Result<Table, ApiError> {
    check_table_name(base, &spec.name)?;
    let mut table = Table {
        id: ids.draw("tbl").1,
        name: spec.name,
        description: spec.description,
        fields: Vec::new(),
        views: Vec::new(),
        records: BTreeMap::new(),
    };
    for spec in spec.fields {
        let field = field(base, &table, spec, ids)?;
        table.fields.push(field);
    }
    match table.fields.first() {
        Some(first) if may_be_primary(&first.spec.kind) => {}
        Some(_) | None => {
            let message = "The first field cannot be the primary field";
            return Err(ApiError::Unprocessable("INVALID_PRIMARY_FIELD", message.to_owned()));
        }
    }
    let mut views = spec.views;
    if views.is_empty() {
        views.push(ViewSpec::all("Grid view"));
    }
    for spec in views {
        let view = view(&table, spec, ids)?;
        table.views.push(view);
    }
    Ok(table)
}

/// Refuses a table name that is empty or taken; case does not matter.
pub(crate) fn check_table_name(base: &Base, name: &str) -> Result<(), ApiError> {
    let lower = name.to_lowercase();
    let is_taken = base.tables.iter().any(|table| table.name.to_lowercase() == lower);
    if !is_taken && !name.trim().is_empty() {
        return Ok(());
    }
    let message = format!("A table cannot be named \"{name}\": empty or taken");
    Err(ApiError::Unprocessable("DUPLICATE_TABLE_NAME", message))
}

/// Creates the field of a specification, for a table that does not have its name yet.
pub(crate) fn field(
    base: &Base,
    table: &Table,
    spec: FieldSpec,
    ids: &mut Ids,
) -> Result<Field, ApiError> {
    check_name(table, &spec.name)?;
    let mut field = Field { id: ids.draw("fld").1, spec };
    check_kind(base, &field.spec.kind)?;
    name_choices(&mut field.spec.kind, ids);
    Ok(field)
}

/// Creates the view of a specification, and checks its filter.
pub(crate) fn view(table: &Table, spec: ViewSpec, ids: &mut Ids) -> Result<View, ApiError> {
    if table.views.iter().any(|view| view.name == spec.name) {
        return Err(ApiError::InvalidBecause(format!("There is a view \"{}\"", spec.name)));
    }
    let filter = spec.filter.map(|text| formula::with_field_ids(&text, table)).transpose()?;
    Ok(View { id: ids.draw("viw").1, name: spec.name, filter })
}

/// Refuses a field name that is empty or taken.
pub(crate) fn check_name(table: &Table, name: &str) -> Result<(), ApiError> {
    let taken = table.fields.iter().any(|field| field.spec.name == name);
    if !taken && !name.trim().is_empty() {
        return Ok(());
    }
    let message = format!("A field cannot be named \"{name}\": empty or taken");
    Err(ApiError::Unprocessable("DUPLICATE_OR_EMPTY_FIELD_NAME", message))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few types have options to check")]
pub(crate) fn check_kind(base: &Base, kind: &FieldKind) -> Result<(), ApiError> {
    let good = match kind {
        FieldKind::Number { precision } | FieldKind::Percent { precision } => *precision <= 8,
        FieldKind::Currency { precision, .. } => *precision <= 7,
        FieldKind::SingleSelect { choices } | FieldKind::MultipleSelects { choices } => {
            let names: HashSet<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
            names.len() == choices.len() && !names.contains("")
        }
        FieldKind::DateTime { time_zone, .. } => times::zone(time_zone).is_some(),
        FieldKind::Rating { max, .. } => (1..=10).contains(max),
        FieldKind::MultipleRecordLinks { linked_table_id } => {
            base.tables.iter().any(|table| table.id == *linked_table_id)
        }
        _ => true,
    };
    if good { Ok(()) } else { Err(bad_options()) }
}

pub(crate) fn bad_options() -> ApiError {
    let message = "Invalid options for the type of the field";
    ApiError::Unprocessable("INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE", message.to_owned())
}

/// Gives ids to choices without one.
pub(crate) fn name_choices(kind: &mut FieldKind, ids: &mut Ids) {
    for choice in kind.choices_mut().into_iter().flatten() {
        if !ids::is_id("sel", &choice.id) {
            choice.id = ids.draw("sel").1;
        }
    }
}

fn may_be_primary(kind: &FieldKind) -> bool {
    match kind.class() {
        Class::Text | Class::Email | Class::Number | Class::Date | Class::DateTime => true,
        Class::Computed => matches!(kind, FieldKind::Formula(_) | FieldKind::AutoNumber(_)),
        Class::Checkbox | Class::OneChoice | Class::Choices | Class::Links | Class::Attachments => {
            false
        }
    }
}
