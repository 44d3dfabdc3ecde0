//! Converts values for cells: what each type of field accepts, and how it stores it.

use super::error::ApiError;
use super::ids::{self, Ids};
use super::model::{Base, Class, Field, is_empty};
use super::schema::{Choice, FieldKind};
use super::times;
use crate::moments::iso;
use serde_json::{Value, json};
use std::borrow::Cow;

/// The longest text of a cell, in UTF-16 units.
const MAX_TEXT: usize = 100_000;

/// What a write needs to know besides the field and the value.
pub(crate) struct Writing<'a> {
    /// Whether values are converted and missing choices created.
    pub(crate) typecast: bool,
    /// The source of ids for new choices and attachments.
    pub(crate) ids: &'a mut Ids,
    /// The base, to look up linked rows.
    pub(crate) base: &'a Base,
}

/// The cell that `value` becomes in `field`; `None` for an empty cell. With typecast, a select
/// field may get new choices, so `field` is then the caller's own copy.
pub(crate) fn convert(
    field: &mut Cow<'_, Field>,
    value: &Value,
    writing: &mut Writing<'_>,
) -> Result<Option<Value>, ApiError> {
    let class = field.spec.kind.class();
    if value.is_null() && class != Class::Computed {
        return Ok(None);
    }
    let bad = || ApiError::BadValue(field.spec.name.clone());
    let typecast = writing.typecast;
    let cell = match class {
        Class::Text => text(value, typecast).ok_or_else(bad)?,
        Class::Email => text(value, typecast).filter(looks_like_email).ok_or_else(bad)?,
        Class::Number => number(&field.spec.kind, value, typecast).ok_or_else(bad)?,
        Class::Checkbox => checkbox(value, typecast).ok_or_else(bad)?,
        Class::Date => date(value, typecast).ok_or_else(bad)?,
        Class::DateTime => date_time(&field.spec.kind, value).ok_or_else(bad)?,
        Class::OneChoice => {
            let name = text(value, typecast).ok_or_else(bad)?;
            choose(field, &name, writing)?
        }
        Class::Choices => {
            let names = names(value, typecast).ok_or_else(bad)?;
            let mut chosen = Vec::new();
            for name in &names {
                let name = choose(field, name, writing)?;
                if !chosen.contains(&name) {
                    chosen.push(name);
                }
            }
            Value::Array(chosen)
        }
        Class::Links => links(field, value, writing.base)?,
        Class::Attachments => attachments(value, writing.ids).ok_or_else(bad)?,
        Class::Computed => return Err(ApiError::Computed(field.spec.name.clone())),
    };
    Ok(Some(cell).filter(|cell| !is_empty(cell)))
}

/// A text cell. With typecast, other values are converted to text.
fn text(value: &Value, typecast: bool) -> Option<Value> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if typecast => number.to_string(),
        Value::Bool(flag) if typecast => flag.to_string(),
        Value::Array(items) if typecast => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            texts?.join(", ")
        }
        Value::Null | Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return None;
        }
    };
    (text.encode_utf16().count() <= MAX_TEXT).then_some(Value::String(text))
}

fn looks_like_email(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let Some((user, host)) = text.split_once('@') else { return text.is_empty() };
    !user.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !text.contains(char::is_whitespace)
        && !host.contains('@')
}

/// A number as it is stored: without a fraction if it is whole.
fn stored(number: f64) -> Option<Value> {
    if !number.is_finite() {
        return None;
    }
    // Whole numbers up to 2^53 are exact in both forms.
    if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
        return Some(json!(number as i64));
    }
    Some(json!(number))
}

fn number(kind: &FieldKind, value: &Value, typecast: bool) -> Option<Value> {
    if let Some(number) = value.as_f64() {
        return stored(number);
    }
    let text = value.as_str().filter(|_| typecast)?.trim();
    if text.is_empty() {
        return Some(Value::Null);
    }
    let bare: String = text.chars().filter(|c| !matches!(c, '$' | ',' | ' ' | '%')).collect();
    let number: f64 = bare.parse().ok()?;
    let hundredths = matches!(kind, FieldKind::Percent { .. }) && text.ends_with('%');
    stored(if hundredths { number / 100.0 } else { number })
}

fn checkbox(value: &Value, typecast: bool) -> Option<Value> {
    let flag = match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) if typecast => number.as_f64() != Some(0.0),
        Value::String(text) if typecast => {
            matches!(text.to_lowercase().as_str(), "true" | "checked" | "yes" | "1")
        }
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            return None;
        }
    };
    Some(Value::Bool(flag))
}

fn date(value: &Value, typecast: bool) -> Option<Value> {
    let text = value.as_str()?;
    if let Some(day) = times::day(text) {
        return Some(json!(day));
    }
    let at = times::moment(text).filter(|_| typecast)?;
    Some(json!(iso(at).get(..10)?))
}

fn date_time(kind: &FieldKind, value: &Value) -> Option<Value> {
    let FieldKind::DateTime { time_zone, .. } = kind else { return None };
    let at = times::moment_in(value.as_str()?, &times::zone(time_zone)?)?;
    Some(json!(iso(at)))
}

/// The names for a field with several choices. With typecast, also a string of names separated by
/// commas.
fn names(value: &Value, typecast: bool) -> Option<Vec<Value>> {
    if let Some(text) = value.as_str().filter(|_| typecast) {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        return Some(names.map(|name| json!(name)).collect());
    }
    let names = value.as_array()?;
    names.iter().all(Value::is_string).then(|| names.clone())
}

/// The choice with this name. It must exist; with typecast it is created if it does not.
fn choose(
    field: &mut Cow<'_, Field>,
    name: &Value,
    writing: &mut Writing<'_>,
) -> Result<Value, ApiError> {
    let text = name.as_str().unwrap_or_default();
    let known = field.spec.kind.choices().iter().any(|choice| choice.name == text);
    if known || (writing.typecast && text.is_empty()) {
        return Ok(name.clone());
    }
    if !writing.typecast {
        return Err(ApiError::UnknownChoice(text.to_owned()));
    }
    if let Some(choices) = field.to_mut().spec.kind.choices_mut() {
        let (_, id) = writing.ids.draw("sel");
        choices.push(Choice { id, name: text.to_owned(), color: None });
    }
    Ok(name.clone())
}

fn links(field: &Field, value: &Value, base: &Base) -> Result<Value, ApiError> {
    let bad = || ApiError::BadValue(field.spec.name.clone());
    let FieldKind::MultipleRecordLinks { linked_table_id } = &field.spec.kind else {
        return Err(bad());
    };
    let table = base.table(linked_table_id).ok_or_else(bad)?;
    for id in value.as_array().ok_or_else(bad)? {
        let id = id.as_str().filter(|id| ids::is_id("rec", id)).ok_or_else(bad)?;
        if !table.records.contains_key(id) {
            return Err(ApiError::NoSuchRow(id.to_owned()));
        }
    }
    Ok(value.clone())
}

fn attachments(value: &Value, ids: &mut Ids) -> Option<Value> {
    let mut files = Vec::new();
    for file in value.as_array()? {
        let url = file.get("url")?.as_str()?;
        let last = url.rsplit('/').next().unwrap_or(url);
        let filename = file.get("filename").and_then(Value::as_str).unwrap_or(last);
        let id = match file.get("id").and_then(Value::as_str) {
            Some(id) => id.to_owned(),
            None => ids.draw("att").1,
        };
        files.push(json!({
            "id": id, "url": url, "filename": filename,
            "size": 0, "type": "application/octet-stream",
        }));
    }
    Some(Value::Array(files))
}
