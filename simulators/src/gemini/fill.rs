//! Fills a schema with the simulated model's answer.
//!
//! The answer about a post depends only on its text, so a post always gets the same score, whatever
//! else is in the call.

use super::marker::Marker;
use super::material::{Item, is_key_name};
use super::shape::{Shape, TextRules};
use crate::invent;
use serde_json::{Map, Value};

const OPENINGS: [&str; 4] = ["Clear", "Partial", "Slight", "Thorough"];
const MIDDLES: [&str; 4] =
    ["alignment with the criteria", "match to the rubric", "signal of intent", "relevance overall"];
const ENDINGS: [&str; 4] = [
    "backed by specifics.",
    "though generic in places.",
    "with few caveats.",
    "short of the top band.",
];

#[derive(Clone, Copy)]
struct Subject<'a> {
    item: Option<&'a Item>,
    /// The text from which all answers are drawn.
    text: &'a str,
    /// The item's id, if it is one of the schema's own values.
    named: Option<&'a Value>,
    out_of_range: bool,
}

pub(super) fn fill(shape: &Shape, items: &[Item], user_text: &str) -> Value {
    let whole = Subject { item: None, text: user_text, named: None, out_of_range: false };
    Filler { items, user_text }.value(shape, "answer", whole)
}

/// One plain sentence about a text, in invented words.
pub(super) fn sentence(text: &str, name: &str) -> String {
    let drawn = invent::number(&["sentence", name, text]);
    let pick = |words: [&'static str; 4], shift: u32| words[(drawn >> shift) as usize % 4];
    format!("{} {}, {}", pick(OPENINGS, 0), pick(MIDDLES, 8), pick(ENDINGS, 16))
}

struct Filler<'a> {
    items: &'a [Item],
    user_text: &'a str,
}

impl Filler<'_> {
    fn value(&self, shape: &Shape, name: &str, about: Subject<'_>) -> Value {
        let drawn = || invent::number(&["value", name, about.text]);
        match shape {
            Shape::Null | Shape::Again => Value::Null,
            Shape::Boolean => Value::from(drawn() % 2 == 0),
            Shape::Choice(values) => match about.named.filter(|_| is_key_name(name)) {
                Some(own) => own.clone(),
                None => values[(drawn() % values.len() as u64) as usize].clone(),
            },
            &Shape::Number { minimum, maximum, whole } => {
                number(drawn(), minimum, maximum, whole, about.out_of_range)
            }
            Shape::Text(rules) => text(name, rules, about),
            Shape::Tuple(shapes) => {
                shapes.iter().map(|shape| self.value(shape, name, about)).collect()
            }
            Shape::Object(properties) => properties
                .iter()
                .map(|(name, shape)| (name.clone(), self.value(shape, name, about)))
                .collect::<Map<_, _>>()
                .into(),
            Shape::List { items, min, max } => {
                let mut elements = self.list(items, *min, name, about);
                elements.truncate(*max);
                elements.into()
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only a choice lists its values")]
    fn list(&self, shape: &Shape, min: usize, name: &str, about: Subject<'_>) -> Vec<Value> {
        let properties = if let Shape::Object(all) = shape { all.as_slice() } else { &[] };
        let own_values = properties.iter().find_map(|(name, shape)| match shape {
            Shape::Choice(values) if is_key_name(name) => Some(values),
            _ => None,
        });
        if let Some(values) = own_values {
            values
                .iter()
                .map(|own| {
                    let text = format!("{own}\n{}", about.text);
                    self.value(shape, name, Subject { named: Some(own), text: &text, ..about })
                })
                .collect()
        } else if about.item.is_none() && !properties.is_empty() && !self.items.is_empty() {
            self.per_item(shape, name, about)
        } else {
            (0..min.max(1))
                .map(|n| {
                    let text = format!("{n}\n{}", about.text);
                    self.value(shape, name, Subject { text: &text, ..about })
                })
                .collect()
        }
    }

    /// One element for each item, unless markers change that.
    fn per_item(&self, shape: &Shape, name: &str, about: Subject<'_>) -> Vec<Value> {
        let element = |item: &Item, out_of_range: bool| {
            self.value(
                shape,
                name,
                Subject { item: Some(item), text: &item.text, out_of_range, ..about },
            )
        };
        let mut elements = Vec::with_capacity(self.items.len());
        for (at, item) in self.items.iter().enumerate() {
            if !self.hits(Marker::MissPost, at, item) {
                elements.push(element(item, self.hits(Marker::ScoreOutOfRange, at, item)));
            }
            if self.hits(Marker::StrangerPost, at, item) {
                elements.push(element(&item.stranger(), false));
            }
        }
        elements
    }

    /// Whether a marker concerns this item: the item contains the marker, or no item does and this
    /// is the first.
    fn hits(&self, marker: Marker, at: usize, item: &Item) -> bool {
        marker.is_in(&item.text)
            || (at == 0
                && marker.is_in(self.user_text)
                && !self.items.iter().any(|item| marker.is_in(&item.text)))
    }
}

fn text(name: &str, rules: &TextRules, about: Subject<'_>) -> Value {
    if is_key_name(name) {
        if let Some(own) = about.named.or_else(|| about.item?.echo(name)) {
            return own.as_str().map_or_else(|| own.to_string(), str::to_owned).into();
        }
        return invent::id(&["id", name, about.text], 12).into();
    }
    let text = match rules.format.as_deref() {
        Some("date-time") => return "2026-11-23T10:00:00Z".into(),
        Some("date") => return "2026-11-23".into(),
        Some("time") => return "10:00:00Z".into(),
        Some("duration") => return "PT1H30M".into(),
        Some("uuid") => return "5d9c68c6-c50e-4d3d-a2d3-3b6f7f3f0a11".into(),
        Some("email") => return "somebody@invented.example".into(),
        Some("uri") => return "https://invented.example/".into(),
        Some(_) | None => sentence(about.text, name),
    };
    let least = rules.min.saturating_sub(text.chars().count());
    let text = text.chars().chain(std::iter::repeat_n('.', least));
    text.take(rules.max.unwrap_or(usize::MAX)).collect::<String>().into()
}

fn number(drawn: u64, minimum: f64, maximum: f64, whole: bool, out_of_range: bool) -> Value {
    if out_of_range {
        let above = maximum.floor() + 1.0 + (drawn % 50) as f64;
        return if whole { Value::from(above as i64) } else { Value::from(above) };
    }
    if whole {
        let (low, high) = (minimum.ceil() as i64, maximum.floor() as i64);
        let span = high.saturating_sub(low).max(0).unsigned_abs().saturating_add(1);
        return Value::from(low.saturating_add_unsigned(drawn % span));
    }
    // A thousand steps are enough to distinguish answers, and the numbers stay readable.
    Value::from(minimum + (maximum - minimum).max(0.0) * (drawn % 1_001) as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::material;
    use crate::gemini::terms::Surface;
    use serde_json::json;

    fn filled(schema: &Value, user: &str) -> Value {
        let texts = [user.to_owned()];
        fill(&Shape::of_schema(schema, Surface::Studio).unwrap(), &material::items(&texts), user)
    }

    fn scores() -> Value {
        json!({"type": "ARRAY", "items": {"type": "OBJECT", "properties": {
            "post_url": {"type": "STRING"}, "score": {"type": "INTEGER"},
            "band": {"type": "STRING", "enum": ["low", "high"]},
            "rationale": {"type": "STRING"}, "relevant": {"type": "BOOLEAN"},
            "signals": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": 2},
        }}})
    }

    #[test]
    fn an_array_has_one_element_for_every_item_and_echoes_its_key() {
        let user = json!([{"postUrl": "u1", "text": "alpha"}, {"postUrl": "u2", "text": "beta"}]);
        let answer = filled(&scores(), &user.to_string());
        assert_eq!(answer.as_array().unwrap().len(), 2);
        assert_eq!([&answer[0]["post_url"], &answer[1]["post_url"]], ["u1", "u2"]);
        for element in answer.as_array().unwrap() {
            assert!((0..=100).contains(&element["score"].as_i64().unwrap()));
            assert!(["low", "high"].contains(&element["band"].as_str().unwrap()));
            assert_eq!(element["signals"].as_array().unwrap().len(), 2);
            assert!(element["relevant"].is_boolean());
            assert!(!element["rationale"].as_str().unwrap().contains("alpha"));
        }
    }

    #[test]
    fn an_object_around_the_array_and_bounds_are_honoured() {
        let schema = json!({"type": "OBJECT", "properties": {"results": {
            "type": "ARRAY", "maxItems": 3, "items": {"type": "OBJECT", "properties": {
                "id": {"type": "STRING"}, "n": {"type": "NUMBER", "minimum": 4, "maximum": 5}}}}}});
        let user: Value = (0..5).map(|n| json!({"id": n, "text": format!("t{n}")})).collect();
        let answer = filled(&schema, &user.to_string());
        let results = answer["results"].as_array().unwrap();
        assert_eq!(results.len(), 3);
        assert_eq!(results[2]["id"], "2");
        assert!(results.iter().all(|one| (4.0..=5.0).contains(&one["n"].as_f64().unwrap())));
    }

    #[test]
    fn a_text_has_the_length_and_the_format_that_were_asked_for() {
        let schema = json!({"type": "OBJECT", "properties": {
            "short": {"type": "STRING", "maxLength": 5},
            "long": {"type": "STRING", "minLength": 200},
            "day": {"type": "STRING", "format": "date"}}});
        let answer = filled(&schema, "anything");
        let length = |name: &str| answer[name].as_str().unwrap().chars().count();
        assert_eq!((length("short"), length("long")), (5, 200));
        assert!(answer["day"].as_str().unwrap().parse::<jiff::civil::Date>().is_ok());
    }

    #[test]
    fn an_array_whose_id_is_one_of_a_list_has_one_element_for_every_value() {
        let schema = json!({"type": "ARRAY", "items": {"type": "OBJECT", "properties": {
            "id": {"type": "STRING", "enum": ["A", "B"]}, "score": {"type": "INTEGER"}}}});
        let answer = filled(&schema, "a profile with [{\"url\": \"x\"}]");
        assert_eq!([&answer[0]["id"], &answer[1]["id"]], ["A", "B"]);
    }

    #[test]
    fn a_marker_concerns_the_post_it_stands_in_or_else_the_first() {
        let user = |marked: usize, marker: Marker| {
            let text = |n| {
                if n == marked {
                    format!("post {n} {}", marker.text())
                } else {
                    format!("post {n}")
                }
            };
            let posts: Value =
                (0..3).map(|n| json!({"url": format!("u{n}"), "text": text(n)})).collect();
            if marked < 3 { posts.to_string() } else { format!("{} {posts}", marker.text()) }
        };
        let urls = |marked, marker| -> Vec<String> {
            let answer = filled(&scores(), &user(marked, marker));
            let url = |one: &Value| one["post_url"].as_str().unwrap().to_owned();
            answer.as_array().unwrap().iter().map(url).collect()
        };
        assert_eq!(urls(1, Marker::MissPost), ["u0", "u2"]);
        assert_eq!(urls(9, Marker::MissPost), ["u1", "u2"]);
        assert_eq!(urls(1, Marker::StrangerPost), ["u0", "u1", "u1-unasked", "u2"]);
        let answer = filled(&scores(), &user(2, Marker::ScoreOutOfRange));
        let in_range = |at: usize| (0..=100).contains(&answer[at]["score"].as_i64().unwrap());
        assert_eq!([in_range(0), in_range(1), in_range(2)], [true, true, false]);
    }
}
