//! The elements of an answer, wherever they stand in the model's text: behind prose or a code fence,
//! before a stray fragment, inside an object. Only elements that name an id of the call are taken:
//! these ids are random, so nothing else can be mistaken for an answer.

use crate::gemini::lenient::mended;
use serde_json::Value;
use std::collections::BTreeSet;

/// The elements that an answer has for a call.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) elements: Vec<Value>,
    /// Whether every id of the call is named.
    pub(super) is_complete: bool,
    /// Whether the text ends before an array does.
    pub(super) is_cut: bool,
}

/// Looks for elements whose `key` is one of `ids`. Arrays count, the one that names most ids first and
/// of two alike the last one: what a model says last is its answer, what it says before a draft. Objects
/// that stand in no array count only if they name every id. Of an array that the text's end cuts off the
/// elements before the cut count.
///
/// # Errors
/// Says what there is instead.
pub(super) fn find_elements(text: &str, key: &str, ids: &[&str]) -> Result<Found, &'static str> {
    let found = elements_in(text, key, ids);
    match found {
        Ok(found) if found.is_complete => Ok(found),
        // Half a surrogate pair hides the array it stands in.
        _ => {
            let start = text.find(['[', '{']).unwrap_or(text.len());
            elements_in(&mended(&text[start..]), key, ids).or(found)
        }
    }
}

fn elements_in(text: &str, key: &str, ids: &[&str]) -> Result<Found, &'static str> {
    let (values, is_cut) = values_in(text);
    let values: Vec<Value> = values.into_iter().map(|value| listed(value, key, ids)).collect();
    if values.is_empty() {
        return Err("the model's answer is no JSON");
    }
    let mut search = Search { key, ids, arrays: Vec::new(), bare: Vec::new() };
    values.iter().for_each(|value| search.look_into(value));
    search.into_found(is_cut).ok_or("the model's answer has no element about what it was asked")
}

/// All JSON values in a text that are arrays or objects, in their order; none inside another. Values
/// behind the `[` of an array that never ends make up one array, the last. Also returns whether there is one.
fn values_in(text: &str) -> (Vec<Value>, bool) {
    let (mut values, mut cut) = (Vec::new(), None);
    let mut at = 0;
    while let Some(next) = text[at..].find(['[', '{']) {
        at += next;
        let mut stream = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => {
                at += stream.byte_offset();
                cut.as_mut().unwrap_or(&mut values).push(value);
            }
            Some(Err(error)) => {
                if error.is_eof() && text[at..].starts_with('[') {
                    cut.get_or_insert_default();
                }
                at += 1;
            }
            None => at += 1,
        }
    }
    let cut = cut.filter(|elements| !elements.is_empty());
    let is_cut = cut.is_some();
    values.extend(cut.map(Value::Array));
    (values, is_cut)
}

/// `value` with each object whose members are named by ids as an array of them: some models answer so.
fn listed(value: Value, key: &str, ids: &[&str]) -> Value {
    let within = |value| listed(value, key, ids);
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(within).collect()),
        Value::Object(members) if members.keys().any(|name| ids.contains(&name.as_str())) => {
            let named = members.into_iter().filter_map(|(name, member)| {
                let Value::Object(mut fields) = member else { return None };
                fields.entry(key).or_insert(Value::String(name));
                Some(Value::Object(fields))
            });
            Value::Array(named.collect())
        }
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, it)| (name, within(it))).collect())
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

struct Search<'a> {
    key: &'a str,
    ids: &'a [&'a str],
    /// The own elements of each array that has some.
    arrays: Vec<Vec<&'a Value>>,
    /// Own elements that stand in no array.
    bare: Vec<&'a Value>,
}

impl<'a> Search<'a> {
    fn id_of(&self, value: &'a Value) -> Option<&'a str> {
        let id = value.get(self.key)?.as_str()?;
        self.ids.contains(&id).then_some(id)
    }

    fn look_into(&mut self, value: &'a Value) {
        match value {
            Value::Array(members) => {
                let (own, others): (Vec<&Value>, Vec<&Value>) =
                    members.iter().partition(|member| self.id_of(member).is_some());
                if !own.is_empty() {
                    self.arrays.push(own);
                }
                others.into_iter().for_each(|member| self.look_into(member));
            }
            Value::Object(_) if self.id_of(value).is_some() => self.bare.push(value),
            Value::Object(members) => members.values().for_each(|member| self.look_into(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn named(&self, elements: &[&'a Value]) -> BTreeSet<&'a str> {
        elements.iter().filter_map(|element| self.id_of(element)).collect()
    }

    fn into_found(mut self, is_cut: bool) -> Option<Found> {
        let mut arrays = std::mem::take(&mut self.arrays);
        arrays.reverse();
        arrays.sort_by_key(|array| std::cmp::Reverse(self.named(array).len()));
        if self.named(&self.bare).len() == self.ids.len() {
            arrays.push(std::mem::take(&mut self.bare));
        }
        let mut named: BTreeSet<&str> = BTreeSet::new();
        let mut elements = Vec::new();
        for array in arrays {
            let is_new =
                |element: &&&Value| self.id_of(element).is_some_and(|id| !named.contains(id));
            elements.extend(array.iter().filter(is_new).map(|element| (*element).clone()));
            named.extend(self.named(&array));
        }
        let is_complete = named.len() == self.ids.len();
        (!elements.is_empty()).then_some(Found { elements, is_complete, is_cut })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const IDS: [&str; 2] = ["x-1", "x-2"];

    /// What is found: id and score of each element, and whether that is all.
    fn found(text: &str) -> Result<(Vec<String>, bool), &'static str> {
        let found = find_elements(text, "id", &IDS)?;
        let told = found.elements.iter().map(|it| format!("{} {}", it["id"], it["score"]));
        Ok((told.map(|text| text.replace('"', "")).collect(), found.is_complete))
    }

    fn both() -> (Vec<String>, bool) {
        (vec!["x-1 1".to_owned(), "x-2 2".to_owned()], true)
    }

    #[test]
    fn the_array_is_found_wherever_it_stands() {
        let array = r#"[{"id":"x-1","score":1},{"id":"x-2","score":2}]"#;
        let first = r#"{"id":"x-1","score":9}"#;
        for text in [
            array.to_owned(),
            format!("{array}.\"\n}}"),
            format!("}}]\n{array}"),
            format!("[{{\"id\": {array}"),
            format!("```json\n{array}\n```"),
            format!("I think [1] of {{this}} \"and that.\n{array}\nDone."),
            format!(r#"{{"results": {array}, "count": 2}}"#),
            format!(r#"{{"a": {{"b": [[{array}]]}}}}"#),
            format!("{first}\n{array}"),
            format!("{array}{first}"),
            format!("[{first}]{array}"),
            format!("{array}[{first}]"),
            r#"{"x-1":{"score":1},"x-2":{"score":2}}"#.to_owned(),
            r#"{"scores":{"x-1":{"score":1},"x-2":{"id":"x-2","score":2}}}"#.to_owned(),
            r#"{"leads":[{"all":[{"id":"x-1","score":1}]},{"all":[{"id":"x-2","score":2}]}]}"#
                .to_owned(),
            "{\"id\":\"x-1\",\"score\":1}\n{\"id\":\"x-2\",\"score\":2}\n".to_owned(),
        ] {
            let (mut elements, is_complete) = found(&text).unwrap();
            elements.sort();
            assert_eq!((elements, is_complete), both(), "{text}");
        }
    }

    #[test]
    fn what_a_model_says_last_counts_and_not_its_draft() {
        let say =
            |one: u8, two: u8| json!([{"id": "x-1", "score": one}, {"id": "x-2", "score": two}]);
        assert_eq!(found(&format!("A draft: {} Better: {}", say(7, 8), say(1, 2))), Ok(both()));
    }

    #[test]
    fn nothing_counts_that_does_not_name_an_own_id() {
        for text in [
            r#"[{"id":"x-9","score":1}]"#,
            r#"[{"id":["x-1"],"score":1}]"#,
            r#"["x-1","x-2"]"#,
            r#"{"id":"x-1","score":1}"#,
            r#"[{"id":"x-1","score":1"#,
        ] {
            let told = "the model's answer has no element about what it was asked";
            assert!(
                matches!(found(text), Err(said) if said == told || said.ends_with("no JSON")),
                "{text}"
            );
        }
        assert_eq!(found("I rate them 70."), Err("the model's answer is no JSON"));
        assert_eq!(found(&"[".repeat(95_000)), Err("the model's answer is no JSON"));
    }

    #[test]
    fn an_answer_that_is_cut_off_or_partial_is_not_complete() {
        let one = || (vec!["x-1 1".to_owned()], false);
        assert_eq!(found(r#"[{"id":"x-1","score":1}]"#), Ok(one()));
        let cut = r#"[{"id":"x-1","score":1},{"id":"x-2","sco"#;
        assert_eq!(found(cut), Ok(one()), "what stands before the cut is said");
        assert_eq!(found(r#"[{"id":"x-1","score":1},{"id":"x-2","score":2}"#), Ok(both()));
    }

    #[test]
    fn half_a_surrogate_pair_costs_only_itself() {
        let text = r#"Here: [{"id":"x-1","score":1,"why":"\ud83d"},{"id":"x-2","score":2}]"#;
        assert_eq!(found(text), Ok(both()));
    }
}
