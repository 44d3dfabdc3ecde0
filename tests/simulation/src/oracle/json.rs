//! Messages, requests and answers as plain JSON.

use serde::Deserialize;
use serde_json_borrow::Value;

/// Parses a string; null if it is not JSON.
pub(crate) fn parsed<'a>(body: &'a (impl AsRef<[u8]> + ?Sized)) -> Value<'a> {
    let text = str::from_utf8(body.as_ref()).unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}

/// The value at a pointer such as `/a/0/b`; the whole value for an empty pointer.
pub(crate) fn at<'a>(value: &'a Value<'a>, pointer: &str) -> Option<&'a Value<'a>> {
    let mut steps = pointer.split('/').skip(1);
    steps.try_fold(value, |value, step| match value {
        Value::Array(elements) => elements.get(step.parse::<usize>().ok()?),
        Value::Object(members) => members.get(step),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Str(_) => None,
    })
}

pub(crate) fn text<'a>(value: &'a Value<'a>, pointer: &str) -> &'a str {
    at(value, pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn count(value: &Value<'_>, pointer: &str) -> u64 {
    at(value, pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// The cell of a field. Names of fields may contain slashes.
pub(crate) fn cell<'a>(cells: &'a Value<'a>, field: &str) -> Option<&'a Value<'a>> {
    cells.as_object()?.get(field)
}

/// The string in a cell; empty if the cell has none.
pub(crate) fn cell_text<'a>(cells: &'a Value<'a>, field: &str) -> &'a str {
    cell(cells, field).and_then(Value::as_str).unwrap_or_default()
}

/// The elements of the list at the pointer; none if there is no list.
pub(crate) fn list<'a>(
    value: &'a Value<'a>,
    pointer: &str,
) -> impl Iterator<Item = &'a Value<'a>> + use<'a> {
    at(value, pointer).and_then(Value::as_array).into_iter().flatten()
}

pub(crate) fn texts(value: &Value<'_>, pointer: &str) -> Vec<String> {
    list(value, pointer).filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn run_of(message: &Value<'_>) -> String {
    format!("{}-{}", text(message, "/run/base_run"), text(message, "/run/client"))
}

/// The run of an unparsed message. The rest of the message is skipped.
pub(crate) fn run_of_unread(body: &str) -> String {
    #[derive(Default, Deserialize)]
    struct OfRun {
        run: Option<Run>,
    }
    #[derive(Default, Deserialize)]
    struct Run {
        base_run: String,
        client: String,
    }
    let Run { base_run, client } =
        serde_json::from_str::<OfRun>(body).unwrap_or_default().run.unwrap_or_default();
    format!("{base_run}-{client}")
}
