//! Cells as a person sees them: for `cellFormat=string`, and for text in formulas.

use super::model::{Base, Class, Field, Table};
use super::schema::{FieldKind, Format};
use super::times;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

/// The cell as text, as the base shows it. Without a zone, moments are in ISO 8601; with a zone,
/// they are in its local time and in the field's format.
pub(crate) fn shown(base: &Base, field: &Field, cell: &Value, zone: Option<&TimeZone>) -> String {
    if let Some(text) = zone.and_then(|zone| shown_moment(&field.spec.kind, cell, zone)) {
        return text;
    }
    match field.spec.kind.class() {
        Class::Number => match cell.as_f64() {
            Some(number) => shown_number(&field.spec.kind, number),
            None => String::new(),
        },
        Class::Checkbox => "checked".to_owned(),
        Class::Links => linked(base, field, cell),
        Class::Attachments => {
            let file = |file: &Value| {
                let part = |key| file.get(key).and_then(Value::as_str).unwrap_or_default();
                format!("{} ({})", part("filename"), part("url"))
            };
            let files = cell.as_array().map(Vec::as_slice).unwrap_or_default();
            files.iter().map(file).collect::<Vec<_>>().join(", ")
        }
        Class::Text
        | Class::Email
        | Class::OneChoice
        | Class::Choices
        | Class::Date
        | Class::DateTime
        | Class::Computed => plain(cell),
    }
}

/// A value as text, if its field has no special format.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// The names of linked rows, from their primary fields.
pub(crate) fn linked(base: &Base, field: &Field, cell: &Value) -> String {
    let FieldKind::MultipleRecordLinks { linked_table_id } = &field.spec.kind else {
        return String::new();
    };
    let Some(table) = base.table(linked_table_id) else { return String::new() };
    let ids = cell.as_array().map(Vec::as_slice).unwrap_or_default();
    let names = ids.iter().filter_map(Value::as_str).map(|id| primary(table, id));
    names.collect::<Vec<_>>().join(", ")
}

fn primary(table: &Table, id: &str) -> String {
    let row = table.records.get(id).zip(table.fields.first());
    let cell = row.and_then(|(record, field)| Table::cell(record, field));
    cell.map(|cell| plain(&cell)).unwrap_or_default()
}

/// A day or a moment in its field's format; `None` for another cell.
fn shown_moment(kind: &FieldKind, cell: &Value, zone: &TimeZone) -> Option<String> {
    let text = cell.as_str()?;
    if let FieldKind::Date { date_format } = kind {
        let day: Date = text.parse().ok()?;
        return Some(day.strftime(date_form(date_format)).to_string());
    }
    let FieldKind::DateTime { date_format, time_format, .. } = kind else { return None };
    let at = times::moment(text)?.to_zoned_datetime(zone.clone());
    let time = if time_format.name == "12hour" { "%-I:%M%P" } else { "%H:%M" };
    Some(at.strftime(&format!("{} {time}", date_form(date_format))).to_string())
}

/// The pattern for the days of a format. The local format is that of the United States.
fn date_form(format: &Format) -> &'static str {
    match format.name.as_str() {
        "iso" => "%Y-%m-%d",
        "european" => "%-d/%-m/%Y",
        "friendly" => "%B %-d, %Y",
        _ => "%-m/%-d/%Y",
    }
}

fn shown_number(kind: &FieldKind, number: f64) -> String {
    if let FieldKind::Currency { precision, symbol } = kind {
        return format!("{symbol}{number:.digits$}", digits = usize::from(*precision));
    }
    if let FieldKind::Percent { precision } = kind {
        return format!("{:.digits$}%", number * 100.0, digits = usize::from(*precision));
    }
    if let FieldKind::Number { precision } = kind {
        return format!("{number:.digits$}", digits = usize::from(*precision));
    }
    number.to_string()
}
