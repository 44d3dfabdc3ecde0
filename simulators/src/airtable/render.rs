//! Rows as answers show them.

use super::display::shown;
use super::error::ApiError;
use super::model::{Base, Field, Record, Table};
use super::times;
use crate::moments::iso;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

/// What an answer shows of a row, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The requested fields, by id or name. An empty list means all.
    pub(crate) fields: Vec<String>,
    pub(crate) by_field_id: bool,
    /// If set, cells are text, with moments in this zone.
    pub(crate) as_text: Option<TimeZone>,
    /// Whether the number of comments is shown. It is always 0.
    pub(crate) comment_count: bool,
}

impl Shape {
    pub(crate) fn read(pairs: &[(String, String)]) -> Result<Self, ApiError> {
        let value =
            |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let by_field_id = match value("returnFieldsByFieldId") {
            Some("true" | "1") => true,
            None | Some("false" | "0" | "") => false,
            Some(_) => return Err(ApiError::InvalidRequest),
        };
        let as_text = as_text(value("cellFormat"), pairs)?;
        Ok(Self { by_field_id, as_text, ..Self::default() })
    }

    /// Fails with the requested fields that the table does not have.
    pub(crate) fn check(&self, table: &Table) -> Result<(), ApiError> {
        match self.fields.iter().find(|key| table.field(key).is_none()) {
            Some(unknown) => Err(ApiError::UnknownField(unknown.to_owned())),
            None => Ok(()),
        }
    }

    /// The shown fields, in the order of the table.
    pub(crate) fn columns<'a>(&self, table: &'a Table) -> Vec<&'a Field> {
        let is_shown = |field: &&Field| {
            let is_named = |key: &String| *key == field.id || *key == field.spec.name;
            self.fields.is_empty() || self.fields.iter().any(is_named)
        };
        table.fields.iter().filter(is_shown).collect()
    }

    /// The cells of a row in these columns, without empty cells.
    pub(crate) fn cells(
        &self,
        base: &Base,
        columns: &[&Field],
        record: &Record,
    ) -> Map<String, Value> {
        let mut fields = Map::new();
        for field in columns {
            let Some(cell) = Table::cell(record, field) else { continue };
            let cell = match &self.as_text {
                Some(zone) => json!(shown(base, field, &cell, Some(zone))),
                None => cell.into_owned(),
            };
            let key = if self.by_field_id { &field.id } else { &field.spec.name };
            fields.insert(key.clone(), cell);
        }
        fields
    }

    pub(crate) fn row(&self, base: &Base, columns: &[&Field], id: &str, record: &Record) -> Value {
        let fields = self.cells(base, columns, record);
        let mut row = json!({"id": id, "createdTime": iso(record.created)});
        // Not inside `json!`, which would copy them.
        row["fields"] = fields.into();
        if self.comment_count {
            row["commentCount"] = json!(0);
        }
        row
    }
}

/// The zone for cells as text, which need a zone and a locale; `None` for cells as JSON.
pub(crate) fn as_text(
    format: Option<&str>,
    pairs: &[(String, String)],
) -> Result<Option<TimeZone>, ApiError> {
    match format {
        None | Some("json") => return Ok(None),
        Some("string") => {}
        Some(_) => return Err(ApiError::InvalidRequest),
    }
    let value = |name| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let (Some(zone), Some(_)) = (value("timeZone"), value("userLocale")) else {
        return Err(ApiError::InvalidBecause(
            "timeZone and userLocale are required when cellFormat is string".to_owned(),
        ));
    };
    let known = times::zone(zone);
    known.map(Some).ok_or_else(|| ApiError::InvalidBecause(format!("Unknown time zone {zone}")))
}
