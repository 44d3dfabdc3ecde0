//! Bases, tables and rows in memory.

use super::schema::{Choice, Constant, FieldKind, FieldSpec};
use crate::moments::iso;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A base. Its rows are stored separately.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Base {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) tables: Vec<Table>,
}

/// A table with its rows, ordered by id, which is practically random.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) fields: Vec<Field>,
    pub(crate) views: Vec<View>,
    #[serde(skip)]
    pub(crate) records: BTreeMap<Arc<str>, Record>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) spec: FieldSpec,
}

/// A view. Its filter refers to fields by id, so that renaming a field does not break it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct View {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) filter: Option<String>,
}

/// A row. `seq` grows from row to row; cells and times of change are by field id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    pub(crate) created: Timestamp,
    pub(crate) cells: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) changed: BTreeMap<String, Timestamp>,
}

/// What kinds of fields have in common for writing and reading cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Text,
    Email,
    Number,
    Checkbox,
    OneChoice,
    Choices,
    Date,
    DateTime,
    Links,
    Attachments,
    Computed,
}

impl FieldKind {
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::SingleLineText
            | Self::MultilineText
            | Self::RichText
            | Self::Url
            | Self::PhoneNumber => Class::Text,
            Self::Email => Class::Email,
            Self::Number { .. }
            | Self::Currency { .. }
            | Self::Percent { .. }
            | Self::Rating { .. }
            | Self::Duration { .. } => Class::Number,
            Self::Checkbox { .. } => Class::Checkbox,
            Self::SingleSelect { .. } => Class::OneChoice,
            Self::MultipleSelects { .. } => Class::Choices,
            Self::Date { .. } => Class::Date,
            Self::DateTime { .. } => Class::DateTime,
            Self::MultipleRecordLinks { .. } => Class::Links,
            Self::MultipleAttachments => Class::Attachments,
            Self::CreatedTime
            | Self::LastModifiedTime
            | Self::Formula(_)
            | Self::Rollup(_)
            | Self::MultipleLookupValues(_)
            | Self::Count(_)
            | Self::AutoNumber(_) => Class::Computed,
        }
    }

    /// The result of a computed field, which is the same in every row.
    fn constant(&self) -> Option<&Constant> {
        let (Self::Formula(constant)
        | Self::Rollup(constant)
        | Self::MultipleLookupValues(constant)
        | Self::Count(constant)
        | Self::AutoNumber(constant)) = self
        else {
            return None;
        };
        Some(constant)
    }

    /// The choices of a select field; empty for another kind.
    pub(crate) fn choices(&self) -> &[Choice] {
        let (Self::SingleSelect { choices } | Self::MultipleSelects { choices }) = self else {
            return &[];
        };
        choices
    }

    /// The choices of a select field, to add more.
    pub(crate) fn choices_mut(&mut self) -> Option<&mut Vec<Choice>> {
        let (Self::SingleSelect { choices } | Self::MultipleSelects { choices }) = self else {
            return None;
        };
        Some(choices)
    }
}

impl Field {
    pub(crate) fn model(&self) -> Value {
        let mut model = json!(self.spec);
        model["id"] = json!(self.id);
        match self.spec.kind.class() {
            Class::Computed => model["options"] = json!({"isValid": true}),
            Class::Attachments => model["options"] = json!({"isReversed": false}),
            Class::Links => {
                model["options"]["isReversed"] = json!(false);
                model["options"]["prefersSingleRecordLink"] = json!(false);
            }
            Class::Text
            | Class::Email
            | Class::Number
            | Class::Checkbox
            | Class::OneChoice
            | Class::Choices
            | Class::Date
            | Class::DateTime => {}
        }
        model
    }
}

impl Table {
    /// The field with this id or name.
    pub(crate) fn field(&self, key: &str) -> Option<&Field> {
        find_field(&self.fields, key).map(|index| &self.fields[index])
    }

    pub(crate) fn view(&self, key: &str) -> Option<&View> {
        self.views.iter().find(|view| view.id == key || view.name == key)
    }

    /// The cell of a row, computed if needed; `None` for an empty cell.
    pub(crate) fn cell<'a>(record: &'a Record, field: &'a Field) -> Option<Cow<'a, Value>> {
        let kind = &field.spec.kind;
        if let FieldKind::CreatedTime = kind {
            return Some(Cow::Owned(json!(iso(record.created))));
        }
        if let FieldKind::LastModifiedTime = kind {
            return Some(Cow::Owned(json!(iso(record.modified(&[])))));
        }
        record.stored(field).filter(|value| !is_empty(value)).map(Cow::Borrowed)
    }

    pub(crate) fn model(&self, visible_field_ids: bool) -> Value {
        let field_ids: Vec<&str> = self.fields.iter().map(|field| field.id.as_str()).collect();
        let view = |view: &View| {
            let mut model = json!({"id": view.id, "name": view.name, "type": "grid"});
            if visible_field_ids {
                model["visibleFieldIds"] = json!(field_ids);
            }
            model
        };
        let mut model = json!({
            "id": self.id,
            "name": self.name,
            "primaryFieldId": field_ids.first(),
        });
        // Not inside `json!`, which would copy them.
        model["fields"] = self.fields.iter().map(Field::model).collect();
        model["views"] = self.views.iter().map(view).collect();
        if let Some(description) = &self.description {
            model["description"] = json!(description);
        }
        model
    }

    /// The rows in order of creation, which is the order of every view.
    pub(crate) fn in_order(&self) -> Vec<(&Arc<str>, &Record)> {
        let mut rows: Vec<_> = self.records.iter().collect();
        rows.sort_by_key(|(_, record)| record.seq);
        rows
    }
}

impl Base {
    /// The table with this id or name.
    pub(crate) fn table(&self, key: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.id == key || table.name == key)
    }

    pub(crate) fn table_mut(&mut self, key: &str) -> Option<&mut Table> {
        self.tables.iter_mut().find(|table| table.id == key || table.name == key)
    }
}

impl Record {
    /// The stored value of a cell: in the row, or in the field if the field computes it.
    pub(crate) fn stored<'a>(&'a self, field: &'a Field) -> Option<&'a Value> {
        match field.spec.kind.constant() {
            Some(constant) => constant.value.as_ref(),
            None => self.cells.get(&field.id),
        }
    }

    /// When one of these fields last changed, or any field if the list is empty: the latest change
    /// since the row was created, or the creation.
    pub(crate) fn modified(&self, fields: &[&str]) -> Timestamp {
        let counts = |id: &str| fields.is_empty() || fields.contains(&id);
        let changes = self.changed.iter().filter(|(id, _)| counts(id)).map(|(_, &at)| at);
        changes.max().unwrap_or(self.created).max(self.created)
    }

    /// Sets or clears a cell, and notes the time if that changes it.
    pub(crate) fn put(&mut self, field: &str, value: Option<Value>, now: Timestamp) {
        if self.cells.get(field) == value.as_ref() {
            return;
        }
        match value {
            Some(value) => self.cells.insert(field.to_owned(), value),
            None => self.cells.remove(field),
        };
        self.changed.insert(field.to_owned(), now);
    }
}

pub(crate) fn find_field(fields: &[Field], key: &str) -> Option<usize> {
    fields.iter().position(|field| field.id == key || field.spec.name == key)
}

/// Whether a cell with this value is left out of an answer.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => false,
    }
}
