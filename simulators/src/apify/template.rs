//! Webhook templates: JSON text with `{{variables}}`.
//!
//! A variable outside quotes is replaced by its JSON value. A variable inside a quoted string is
//! replaced only if the webhook sets `shouldInterpolateStrings`. Otherwise the receiver gets the
//! characters unchanged.

use serde_json::{Map, Value};

const VARIABLES: [&str; 6] =
    ["userId", "createdAt", "eventType", "eventData", "resource", "globals"];

/// Why a template cannot be saved.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The path starts with an unknown variable.
    #[error("template variable {{{{{0}}}}} is not known")]
    UnknownVariable(String),
    /// `{{` has no `}}`.
    #[error("template variable at byte {0} is not closed")]
    Unclosed(usize),
    /// The text is not JSON, even with every variable replaced.
    #[error("template is not valid JSON: {0}")]
    NotJson(String),
    /// The headers template is not an object of strings.
    #[error("headers template must be an object with string values")]
    NotHeaders,
    /// The address to post to is not a URL.
    #[error("request URL {0:?} is not an http address")]
    NotUrl(String),
}

#[derive(Debug, PartialEq)]
enum Piece<'a> {
    /// Text that stays unchanged, including quoted strings.
    Plain(&'a str),
    Variable(&'a str),
}

/// Checks a template as Apify does when a webhook is saved.
pub(super) fn check(template: &str, interpolate: bool) -> Result<Value, TemplateError> {
    let text = render(template, interpolate, &Value::Null)?;
    serde_json::from_str(&text).map_err(|error| TemplateError::NotJson(error.to_string()))
}

/// Fills a template with `variables`. Outside quotes, a path without a value becomes null.
pub(super) fn render(
    template: &str,
    interpolate: bool,
    variables: &Value,
) -> Result<String, TemplateError> {
    let mut out = String::with_capacity(template.len());
    for piece in pieces(template)? {
        match piece {
            Piece::Plain(text) => out.push_str(text),
            Piece::Variable(path) => {
                let value = look_up(path, variables)?.unwrap_or_default();
                // Apify's template code tests values for truthiness, so 0, "" and false are lost.
                let written = if is_falsy(&value) { Value::Null } else { value };
                out.push_str(&written.to_string());
            }
        }
    }
    if !interpolate {
        return Ok(out);
    }
    let filled: Value =
        serde_json::from_str(&out).map_err(|error| TemplateError::NotJson(error.to_string()))?;
    Ok(interpolated(filled, variables)?.unwrap_or_default().to_string())
}

fn pieces(template: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < template.len() {
        let rest = &template[at..];
        if rest.starts_with('"') {
            let end = at + quoted_length(rest);
            pieces.push(Piece::Plain(&template[at..end]));
            at = end;
        } else if let Some(inner) = rest.strip_prefix("{{") {
            let length = inner.find("}}").ok_or(TemplateError::Unclosed(at))?;
            pieces.push(Piece::Variable(&inner[..length]));
            at += length + 4;
        } else {
            let next = [rest.find('"'), rest.find("{{")].into_iter().flatten().min();
            let end = at + next.unwrap_or(rest.len());
            pieces.push(Piece::Plain(&template[at..end]));
            at = end;
        }
    }
    Ok(pieces)
}

/// The length in bytes of the string at the start of `text`, with both quotes.
fn quoted_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Replaces the variables in every string that is not a key, including strings in values that were
/// filled in. `None` for JavaScript's `undefined`: such a key is left out, and such an element is
/// null.
fn interpolated(value: Value, variables: &Value) -> Result<Option<Value>, TemplateError> {
    Ok(Some(match value {
        Value::String(text) => return interpolated_text(&text, variables),
        Value::Array(items) => items
            .into_iter()
            .map(|item| Ok(interpolated(item, variables)?.unwrap_or_default()))
            .collect::<Result<_, _>>()?,
        Value::Object(keys) => {
            let mut filled = Map::new();
            for (key, value) in keys {
                if let Some(value) = interpolated(value, variables)? {
                    filled.insert(key, value);
                }
            }
            filled.into()
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }))
}

/// Replaces the variables in a string. A variable that is the whole string keeps its type.
fn interpolated_text(text: &str, variables: &Value) -> Result<Option<Value>, TemplateError> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, path, after)) = next_variable(rest) {
        let value = look_up(path, variables)?;
        if before.is_empty() && after.is_empty() && out.is_empty() {
            return Ok(value);
        }
        out.push_str(before);
        out.push_str(&as_javascript(value.as_ref()));
        rest = after;
    }
    out.push_str(rest);
    Ok(Some(Value::String(out)))
}

/// A value as JavaScript converts it to a string.
fn as_javascript(value: Option<&Value>) -> String {
    match value {
        None => "undefined".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(_)) => "[object Object]".to_owned(),
        Some(Value::Array(items)) => {
            let item = |item: &Value| {
                if item.is_null() { String::new() } else { as_javascript(Some(item)) }
            };
            items.iter().map(item).collect::<Vec<_>>().join(",")
        }
        Some(other @ (Value::Null | Value::Bool(_) | Value::Number(_))) => other.to_string(),
    }
}

/// The text before the next variable, the variable's path, and the text after it. Anything else
/// between braces, such as a path with spaces around it, stays unchanged.
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let is_path = |path: &str| {
        !path.is_empty() && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    };
    text.match_indices("{{").find_map(|(at, braces)| {
        let (path, after) = text[at + braces.len()..].split_once("}}")?;
        is_path(path).then_some((&text[..at], path, after))
    })
}

/// The value at a path. `None` if the last name is missing, null if an earlier one is.
fn look_up(path: &str, variables: &Value) -> Result<Option<Value>, TemplateError> {
    let mut names = path.split('.');
    let first = names.next().filter(|first| VARIABLES.contains(first));
    let first = first.ok_or_else(|| TemplateError::UnknownVariable(path.to_owned()))?;
    let mut found = variables.get(first);
    for name in names {
        found = match found {
            Some(Value::Object(keys)) => keys.get(name),
            Some(Value::Array(items)) => name.parse().ok().and_then(|at: usize| items.get(at)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {
                Some(&Value::Null)
            }
        };
    }
    Ok(found.cloned())
}

fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn variables() -> Value {
        json!({
            "eventType": "ACTOR.RUN.SUCCEEDED",
            "resource": {"id": "r1", "exitCode": 0, "name": "", "done": false, "n": 7},
        })
    }

    #[test]
    fn a_variable_outside_quotes_becomes_its_value() {
        let template =
            r#"{"runId": {{resource.id}}, "n": {{resource.n}}, "none": {{resource.x.y}}}"#;
        let text = render(template, false, &variables()).unwrap();
        assert_eq!(text, r#"{"runId": "r1", "n": 7, "none": null}"#);
    }

    #[test]
    fn a_quoted_variable_with_the_flag_keeps_its_type_only_as_the_whole_string() {
        let template =
            r#"{"n": "{{resource.n}}", "text": "run {{resource.id}}: {{resource.n}}", "{{n}}": 1}"#;
        let text = render(template, true, &variables()).unwrap();
        let expected = json!({"n": 7, "text": "run r1: 7", "{{n}}": 1});
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn a_falsy_value_is_null_in_plain_mode_only() {
        for name in ["exitCode", "name", "done"] {
            let plain = format!("{{{{resource.{name}}}}}");
            assert_eq!(render(&plain, false, &variables()).unwrap(), "null", "{name}");
        }
        let quoted = r#"["{{resource.exitCode}}", "{{resource.name}}", "{{resource.done}}"]"#;
        assert_eq!(render(quoted, true, &variables()).unwrap(), r#"[0,"",false]"#);
    }

    #[test]
    fn what_javascript_makes_of_missing_and_nested_values_is_delivered() {
        let template = r#"{"gone": "{{resource.none}}", "null": "{{resource.none.deeper}}",
            "list": ["{{resource.none}}"], "text": "a {{resource.none}}, {{resource}}",
            "spaced": "{{ resource.id }}", "joined": "{{resource.tags}}!"}"#;
        let variables = json!({"resource": {"id": "r1", "tags": ["a", null, 1]}});
        let text = render(template, true, &variables).unwrap();
        let expected = json!({"null": null, "list": [null],
            "text": "a undefined, [object Object]", "spaced": "{{ resource.id }}",
            "joined": "a,,1!"});
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn a_variable_inside_a_value_that_was_filled_in_is_replaced_too() {
        let variables = json!({"resource": {"name": "{{userId}}"}, "userId": "u1"});
        let text = render(r#"{"name": {{resource.name}}}"#, true, &variables).unwrap();
        assert_eq!(text, r#"{"name":"u1"}"#);
    }

    #[test]
    fn a_path_must_start_with_a_known_variable() {
        let unknown = TemplateError::UnknownVariable("run.id".to_owned());
        assert_eq!(check(r#"{"a": {{run.id}}}"#, false), Err(unknown));
        assert_eq!(check(r#"{"a": "{{run.id}}"}"#, false), Ok(json!({"a": "{{run.id}}"})));
        assert!(check(r#"{"a": "{{run.id}}"}"#, true).is_err());
    }

    #[test]
    fn a_template_must_be_json_once_filled() {
        assert!(matches!(check("{\"a\": }", false), Err(TemplateError::NotJson(_))));
        assert_eq!(check("{\"a\": {{resource", false), Err(TemplateError::Unclosed(6)));
    }

    #[test]
    fn quotes_inside_a_string_do_not_end_it() {
        let template = r#"{"a": "say \"{{resource.id}}\"", "b": {{resource.id}}}"#;
        let text = render(template, false, &variables()).unwrap();
        assert_eq!(text, r#"{"a": "say \"{{resource.id}}\"", "b": "r1"}"#);
    }
}
