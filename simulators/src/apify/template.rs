//! Webhook templates: JSON text with `{{variables}}` in it.
//!
//! A variable outside quotes is replaced by its JSON value. A variable inside a quoted string is
//! replaced only when the webhook sets `shouldInterpolateStrings`; without it the receiver gets
//! the characters as they stand.

use serde_json::Value;

const VARIABLES: [&str; 6] =
    ["userId", "createdAt", "eventType", "eventData", "resource", "globals"];

/// Why a template cannot be saved.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The path starts with a name that is no variable.
    #[error("template variable {{{{{0}}}}} is not known")]
    UnknownVariable(String),
    /// `{{` has no `}}`.
    #[error("template variable at byte {0} is not closed")]
    Unclosed(usize),
    /// With every variable replaced the text is still no JSON.
    #[error("template is not valid JSON: {0}")]
    NotJson(String),
    /// The headers template is no object of strings.
    #[error("headers template must be an object with string values")]
    NotHeaders,
    /// The address to post to is no URL.
    #[error("request URL {0:?} is not an http address")]
    NotUrl(String),
}

#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Plain(&'a str),
    /// A quoted string with its quotes.
    Quoted {
        text: &'a str,
        is_key: bool,
    },
    Variable(&'a str),
}

/// Checks a template as Apify does when a webhook is saved.
pub(super) fn check(template: &str, interpolate: bool) -> Result<Value, TemplateError> {
    let text = render(template, interpolate, &Value::Null)?;
    serde_json::from_str(&text).map_err(|error| TemplateError::NotJson(error.to_string()))
}

/// Fills a template from `variables`. A path that leads nowhere becomes null.
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
                let value = look_up(path, variables)?;
                // Apify's template source tests for truth, so 0, "" and false are lost.
                let written = if is_falsy(&value) { Value::Null } else { value };
                out.push_str(&written.to_string());
            }
            Piece::Quoted { text, is_key: false } if interpolate => {
                let inner: String = serde_json::from_str(text)
                    .map_err(|error| TemplateError::NotJson(error.to_string()))?;
                out.push_str(&interpolated(&inner, variables)?.to_string());
            }
            Piece::Quoted { text, .. } => out.push_str(text),
        }
    }
    Ok(out)
}

fn pieces(template: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < template.len() {
        let rest = &template[at..];
        if rest.starts_with('"') {
            let end = at + quoted_length(rest);
            let is_key = template[end..].trim_start().starts_with(':');
            pieces.push(Piece::Quoted { text: &template[at..end], is_key });
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

/// The bytes of the string that `text` starts with, both quotes included.
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

/// Replaces the variables in a string. One that is the whole string keeps its type.
fn interpolated(text: &str, variables: &Value) -> Result<Value, TemplateError> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, path, after)) = next_variable(rest) {
        let value = look_up(path, variables)?;
        if before.is_empty() && after.is_empty() && out.is_empty() {
            return Ok(value);
        }
        out.push_str(before);
        match value {
            Value::String(text) => out.push_str(&text),
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_)) => out.push_str(&other.to_string()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(Value::String(out))
}

fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (path, after) = rest.split_once("}}")?;
    Some((before, path, after))
}

fn look_up(path: &str, variables: &Value) -> Result<Value, TemplateError> {
    let mut names = path.split('.');
    if !names.next().is_some_and(|first| VARIABLES.contains(&first)) {
        return Err(TemplateError::UnknownVariable(path.to_owned()));
    }
    let found = path.split('.').try_fold(variables, |value, name| value.get(name));
    Ok(found.cloned().unwrap_or(Value::Null))
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
        assert_eq!(text, r#"{"n": 7, "text": "run r1: 7", "{{n}}": 1}"#);
    }

    #[test]
    fn a_falsy_value_is_null_in_plain_mode_only() {
        for name in ["exitCode", "name", "done"] {
            let plain = format!("{{{{resource.{name}}}}}");
            assert_eq!(render(&plain, false, &variables()).unwrap(), "null", "{name}");
        }
        let quoted = r#"["{{resource.exitCode}}", "{{resource.name}}", "{{resource.done}}"]"#;
        assert_eq!(render(quoted, true, &variables()).unwrap(), r#"[0, "", false]"#);
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
