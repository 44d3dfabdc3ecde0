//! The items in the user's text: posts, or anything else with an id.

use crate::invent;
use serde_json::{Map, Value};

/// Words in the names of keys that refer to something other than the item.
const ASIDE: [&str; 4] = ["author", "img", "image", "target"];

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    keys: Map<String, Value>,
    /// Its whole text, from which scores are drawn.
    pub(super) text: String,
}

impl Item {
    fn new(keys: Map<String, Value>) -> Self {
        let mut text = String::new();
        collect_text(&keys, &mut text);
        if text.is_empty() {
            text = Value::Object(keys.clone()).to_string();
        }
        Self { keys, text }
    }

    /// The item's value for a property called `name`: the key with that name, or else a similar key
    /// that identifies the item. Keys of authors and images come last.
    pub(super) fn echo(&self, name: &str) -> Option<&Value> {
        let wanted = plain(name);
        let candidates = self.keys.iter().filter(|(key, value)| names_item(key, value));
        let (_, value) = candidates.min_by_key(|(key, _)| {
            let is_aside = |word: &str| ASIDE.iter().any(|aside| word.eq_ignore_ascii_case(aside));
            (plain(key) != wanted, words(key).any(is_aside), is_url_name(key) != is_url_name(name))
        })?;
        Some(value)
    }

    /// An item like this one that was not in the call.
    pub(super) fn stranger(&self) -> Self {
        let mut keys = self.keys.clone();
        for (key, value) in &mut keys {
            if names_item(key, value) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                *value = Value::from(renumbered(&text));
            }
        }
        Self { keys, text: self.text.clone() }
    }
}

/// Another id that looks similar: long numbers, such as activity ids, are replaced.
fn renumbered(text: &str) -> String {
    let is_long = |run: &str| run.len() >= 6 && run.bytes().all(|byte| byte.is_ascii_digit());
    let other = |run: &str| format!("{:0width$}", invent::number(&["id", run]), width = run.len());
    let parts = text.split_inclusive(|letter: char| !letter.is_ascii_digit()).map(|part| {
        let number = part.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        if is_long(number) { part.replace(number, &other(number)) } else { part.to_owned() }
    });
    parts.collect::<String>() + "-unasked"
}

/// The items of the last JSON in `texts` that has items.
pub(super) fn items(texts: &[String]) -> Vec<Item> {
    texts
        .iter()
        .rev()
        .flat_map(|text| values(text).into_iter().rev())
        .map(|value| items_of(&value))
        .find(|items| !items.is_empty())
        .unwrap_or_default()
}

fn values(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find(['{', '[']) {
        at += next;
        let mut stream = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => {
                at += stream.byte_offset();
                found.push(value);
            }
            Some(Err(_)) | None => at += 1,
        }
    }
    found
}

fn items_of(value: &Value) -> Vec<Item> {
    let mut items = Vec::new();
    collect_items(value, &mut items);
    match value {
        // A single item outside an array.
        Value::Object(keys) if items.is_empty() && names_something(keys) => {
            vec![Item::new(keys.clone())]
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => items,
    }
}

/// Collects the outermost arrays of objects with an id. Everything inside an item belongs to it.
fn collect_items(value: &Value, items: &mut Vec<Item>) {
    match value {
        Value::Array(elements) => {
            for element in elements {
                match element.as_object().filter(|keys| names_something(keys)) {
                    Some(keys) => items.push(Item::new(keys.clone())),
                    None => collect_items(element, items),
                }
            }
        }
        Value::Object(keys) => keys.values().for_each(|value| collect_items(value, items)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn collect_text(keys: &Map<String, Value>, text: &mut String) {
    for (_, value) in keys.iter().filter(|(key, _)| !is_key_name(key)) {
        match value {
            Value::String(words) => {
                text.push_str(words);
                text.push('\n');
            }
            Value::Object(inner) => collect_text(inner, text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
        }
    }
}

fn names_something(keys: &Map<String, Value>) -> bool {
    keys.iter().any(|(key, value)| names_item(key, value))
}

fn names_item(key: &str, value: &Value) -> bool {
    is_key_name(key) && (value.is_number() || value.as_str().is_some_and(|text| !text.is_empty()))
}

/// Whether a property with this name identifies an item.
pub(super) fn is_key_name(name: &str) -> bool {
    is_url_name(name) || words(name).any(|word| word.eq_ignore_ascii_case("id"))
}

fn is_url_name(name: &str) -> bool {
    name.as_bytes().windows(3).any(|part| part.eq_ignore_ascii_case(b"url"))
}

/// The words of a name: `postUrl`, `post_url` and `Post URL` all give `post` and `url`, in any
/// case.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let parts = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    parts.filter(|part| !part.is_empty()).flat_map(humps)
}

/// The parts of a camelCase name of ASCII letters and digits.
fn humps(name: &str) -> impl Iterator<Item = &str> {
    let begins = |pair: &[u8]| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
    let mut rest = name;
    std::iter::from_fn(move || {
        let end = rest.as_bytes().windows(2).position(begins).map_or(rest.len(), |at| at + 1);
        let hump;
        (hump, rest) = rest.split_at(end);
        (!hump.is_empty()).then_some(hump)
    })
}

/// The name without decorations.
fn plain(name: &str) -> String {
    words(name).map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(text: &str) -> Vec<Item> {
        items(&[text.to_owned()])
    }

    #[test]
    fn only_whole_words_are_ids() {
        for name in ["id", "postId", "post_id", "postID", "ID", "post_url", "linkedinUrl"] {
            assert!(is_key_name(name), "{name}");
        }
        for name in ["evidence", "confidence", "video", "score", "idea"] {
            assert!(!is_key_name(name), "{name}");
        }
    }

    #[test]
    fn the_last_json_with_items_counts() {
        let text = r#"Example: [{"id": "x"}]. Now {"lead": {"name": "J"}, "posts": [
            {"url": "u1", "images": [{"url": "i"}]}, {"url": "u2"}]} and [1, 2]. Be fair."#;
        let urls: Vec<_> = found(text).iter().map(|item| item.keys["url"].clone()).collect();
        assert_eq!(urls, ["u1", "u2"]);
        assert_eq!(found("nothing here {"), []);
        assert_eq!(found(r#"{"id": "alone"}"#).len(), 1);
    }

    #[test]
    fn an_item_echoes_the_key_of_the_same_name_else_its_own_key() {
        let text = json!([{"authorUrl": "a", "postUrl": "p", "imgUrl": "i", "n": 1}]).to_string();
        let item = &found(&text)[0];
        for (name, value) in [("post_url", "p"), ("id", "p"), ("authorUrl", "a"), ("url", "p")] {
            assert_eq!(item.echo(name), Some(&json!(value)), "{name}");
        }
    }

    #[test]
    fn a_stranger_has_another_id_and_no_key_is_part_of_the_text() {
        let item =
            &found(r#"[{"id": "activity-7329207003942125568-x", "url": "x", "text": "hello"}]"#)[0];
        assert_eq!(item.text, "hello\n");
        let stranger = item.stranger();
        let id = stranger.echo("id").unwrap().as_str().unwrap();
        assert!(id.starts_with("activity-") && id.ends_with("-x-unasked"), "{id}");
        assert!(!id.contains("7329207003942125568"), "{id}");
        assert_eq!(item.stranger().echo("url"), Some(&json!("x-unasked")));
    }
}
