//! Finds the elements of an answer, wherever they are in the model's text: after prose or a code
//! fence, before a stray fragment, or inside an object. Only elements that name an id of the call
//! are used. These ids are random, so nothing else can be mistaken for an answer.

use crate::gemini::lenient::{mended, values_in};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What to search for in an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The member with the id of the element's subject.
    pub(super) key: &'a str,
    /// All members of an element. Some models write their names in another style, such as `postId`.
    pub(super) names: &'a [&'a str],
    /// The members of which an element needs at least one. An element without any only repeats the
    /// question.
    pub(super) says: &'a [&'a str],
    /// The ids that the call was about.
    pub(super) ids: &'a [&'a str],
}

/// The elements found in an answer to a call.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) elements: Vec<Value>,
    /// Whether every id of the call is named.
    pub(super) is_complete: bool,
    /// Whether the text ends inside an array.
    pub(super) is_cut: bool,
}

/// Looks for elements with an id of the call. Arrays are used first, starting with the one that
/// names the most ids. Of two equal arrays the last one wins, because models may write a draft
/// before their answer. Objects outside an array are used only if they name every id or if an array
/// is damaged: then they may be its remains. If the end of the text cuts an array off, the elements
/// before the cut are used.
///
/// # Errors
/// Says what the text contains instead.
pub(super) fn find_elements(text: &str, wanted: &Wanted<'_>) -> Result<Found, &'static str> {
    let found = elements_in(text, wanted);
    if found.as_ref().is_ok_and(|found| found.is_complete) {
        return found;
    }
    let start = text.find(['[', '{']).unwrap_or(text.len());
    let count = |found: &Result<Found, _>| found.as_ref().map_or(0, |it| it.elements.len());
    let after = elements_in(&mended(&text[start..]), wanted);
    let found = if count(&after) > count(&found) { after } else { found };
    // Some models write their answer as a string inside JSON.
    let is_written = text.contains("\\\"") && !found.as_ref().is_ok_and(|found| found.is_complete);
    let written = is_written.then(|| find_elements(&unescaped(text), wanted));
    written.filter(|written| count(written) > count(&found)).unwrap_or(found)
}

/// `text` without its outer layer of escapes.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter == '\\').then(|| letters.next()).flatten() {
            None => out.push(letter),
            Some('n' | 'r' | 't') => out.push(' '),
            Some(escaped @ ('"' | '\\' | '/')) => out.push(escaped),
            Some(other) => out.extend([letter, other]),
        }
    }
    out
}

fn elements_in(text: &str, wanted: &Wanted<'_>) -> Result<Found, &'static str> {
    let Values { values, is_cut, is_damaged } = Values::of(text);
    let values: Vec<Value> = values.into_iter().map(|value| wanted.canonical(value)).collect();
    if values.is_empty() {
        return Err("the model's answer is not JSON");
    }
    let mut search = Search { wanted, arrays: Vec::new(), bare: Vec::new(), is_damaged };
    values.iter().for_each(|value| search.look_into(value));
    search.into_found(is_cut).ok_or("the model's answer has no element about what it was asked")
}

/// The JSON in a text.
struct Values {
    values: Vec<Value>,
    is_cut: bool,
    /// Whether an array cannot be read as a whole.
    is_damaged: bool,
}

impl Values {
    /// If an array never ends, the values after its `[` become one array, placed last.
    fn of(text: &str) -> Self {
        let (mut values, mut cut, mut is_damaged) = (Vec::new(), None, false);
        for (at, value) in values_in(text) {
            match value {
                Ok(value) => cut.as_mut().unwrap_or(&mut values).push(value),
                Err(_) if text[at..].starts_with('{') => {}
                Err(error) if error.is_eof() => {
                    cut.get_or_insert_default();
                }
                Err(_) => is_damaged = true,
            }
        }
        let cut = cut.filter(|elements| !elements.is_empty());
        let is_cut = cut.is_some();
        values.extend(cut.map(Value::Array));
        Self { values, is_cut, is_damaged }
    }
}

impl<'a> Wanted<'a> {
    /// The id of the call that `text` is. Case is ignored, and so are other characters in and
    /// around it: quotes, spaces, another kind of hyphen.
    fn alike(&self, text: &str) -> Option<&'a str> {
        let plain = |text: &str| -> String {
            let letters = text.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|letter| letter.to_ascii_lowercase()).collect()
        };
        let exact = self.ids.iter().find(|id| **id == text);
        exact.or_else(|| self.ids.iter().find(|id| plain(id) == plain(text))).copied()
    }

    /// The id of the call that `text` means. Other words may stand next to it, but no other id.
    fn own(&self, text: &str) -> Option<&'a str> {
        let within = || {
            let text = text.to_ascii_lowercase();
            let mut named =
                self.ids.iter().filter(|id| is_word_of(&text, &id.to_ascii_lowercase()));
            named.next().filter(|_| named.next().is_none()).copied()
        };
        self.alike(text).or_else(within)
    }

    /// How the names of an object's members are read as ids, if they are ids. Words may stand next
    /// to them only if every name has an id: otherwise such a member is a remark about the id.
    fn reader_of(
        &self,
        members: &Map<String, Value>,
    ) -> Option<fn(&Self, &str) -> Option<&'a str>> {
        if members.keys().any(|name| self.alike(name).is_some()) {
            return Some(Self::alike);
        }
        let is_every = !members.is_empty() && members.keys().all(|name| self.own(name).is_some());
        is_every.then_some(Self::own)
    }

    /// `value` with its elements in the requested shape. An object whose member names are ids
    /// becomes an array of its members. Each element gets our member names and our spelling of the
    /// id.
    fn canonical(&self, value: Value) -> Value {
        match value {
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.canonical(item)).collect())
            }
            Value::Object(members) => match self.reader_of(&members) {
                Some(read) => {
                    let members = members.into_iter();
                    let named = members.filter_map(|(id, it)| self.named(read(self, &id)?, it));
                    Value::Array(named.collect())
                }
                None => self.element(members),
            },
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
        }
    }

    /// The element for a member whose name is an id.
    fn named(&self, id: &str, says: Value) -> Option<Value> {
        let mut fields = match says {
            Value::Object(fields) => fields,
            Value::Number(_) | Value::String(_) => {
                [(self.says[0].to_owned(), says)].into_iter().collect()
            }
            Value::Null | Value::Bool(_) | Value::Array(_) => return None,
        };
        fields.insert(self.key.to_owned(), id.into());
        Some(self.element(fields))
    }

    fn element(&self, members: Map<String, Value>) -> Value {
        let name_of = |name: String| {
            let ours = snake_case(&name);
            if self.names.contains(&ours.as_str()) { ours } else { name }
        };
        let members = members.into_iter().map(|(name, it)| (name_of(name), self.canonical(it)));
        let mut members: Map<String, Value> = members.collect();
        let id = [self.key, "id"].into_iter().find_map(|key| self.own(members.get(key)?.as_str()?));
        if let Some(id) = id {
            members.insert(self.key.to_owned(), id.into());
            let inner =
                members.values().find_map(|it| it.as_object().filter(|it| self.is_said(it)));
            if let Some(inner) = inner.filter(|_| !self.is_said(&members)).cloned() {
                for (name, it) in inner {
                    members.entry(name).or_insert(it);
                }
            }
        }
        Value::Object(members)
    }

    fn is_said(&self, members: &Map<String, Value>) -> bool {
        self.says.iter().any(|name| members.contains_key(*name))
    }
}

/// Whether `text` contains `id`, without a letter or a digit directly next to it.
fn is_word_of(text: &str, id: &str) -> bool {
    text.match_indices(id).any(|(at, id)| {
        let (before, behind) = (&text[..at], &text[at + id.len()..]);
        !before.ends_with(char::is_alphanumeric) && !behind.starts_with(char::is_alphanumeric)
    })
}

/// Converts `postId`, `PostID` and `Post Id` to `post_id`.
fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut is_small = false;
    for letter in name.trim().chars() {
        let is_gap = matches!(letter, ' ' | '-');
        if is_small && letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(if is_gap { '_' } else { letter.to_ascii_lowercase() });
        is_small = letter.is_ascii_lowercase() || letter.is_ascii_digit();
    }
    out
}

struct Search<'a> {
    wanted: &'a Wanted<'a>,
    /// For each array, its elements with an id of the call.
    arrays: Vec<Vec<&'a Value>>,
    /// Elements with an id of the call that are not in an array.
    bare: Vec<&'a Value>,
    is_damaged: bool,
}

impl<'a> Search<'a> {
    fn id_of(&self, value: &'a Value) -> Option<&'a str> {
        let members = value.as_object().filter(|members| self.wanted.is_said(members))?;
        let id = members.get(self.wanted.key)?.as_str()?;
        self.wanted.ids.contains(&id).then_some(id)
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
        if self.is_damaged || self.named(&self.bare).len() == self.wanted.ids.len() {
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
        let is_complete = named.len() == self.wanted.ids.len();
        (!elements.is_empty()).then_some(Found { elements, is_complete, is_cut })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const WANTED: Wanted<'_> =
        Wanted { key: "id", names: &["id", "score"], says: &["score"], ids: &["x-1", "x-2"] };

    /// The elements found, as id and score, and whether they are complete.
    fn found(text: &str) -> Result<(Vec<String>, bool), &'static str> {
        let found = find_elements(text, &WANTED)?;
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
            r#"{"scores":{"x-1":1,"X-2":2}}"#.to_owned(),
            r#"[{"id":" X-1","score":1},{"Id":"`x‑2`","Score":2}]"#.to_owned(),
            r#"[{"id":"ID: X-1","score":1},{"id":"n. x-2 (of x-22, 2nd)","score":2}]"#.to_owned(),
            r#"{"post x-1":{"score":1},"post x-2":2}"#.to_owned(),
            r#"{"x-1":{"score":1},"x-1 depth":5,"on x-2":"good","x-2":2}"#.to_owned(),
            r#"[{"id":"x-1","score":1,"why x-1":"fits"},{"id":"x-2","score":2}]"#.to_owned(),
            format!(r#"{{"results":{array},"x-1 depth":5}}"#),
            r#"[{"id":"x-1","result":{"score":1}},{"id":"x-2","result":{"id":7,"score":2}}]"#
                .to_owned(),
            r#"[{"id":"x-1","score":1},{"id":"x-2","score":2,"why":"a "fine" one"}]"#.to_owned(),
            r#"[{"id":"x-1","score":1,"why":"It\'s 5\%"},{"id":"x-2","score":2,},]"#.to_owned(),
            "[{'id': 'x-1', 'score': 1}, {'id': 'x-2', 'score': 2, 'ok': True}]".to_owned(),
            format!(r#"{array} You asked: {{"leads":[{{"id":"x-1"}},{{"id":"x-2"}}]}}"#),
            r#"{"scores":{"x-1":{"score":1},"x-2":{"id":"x-2","score":2}}}"#.to_owned(),
            r#"{"leads":[{"all":[{"id":"x-1","score":1}]},{"all":[{"id":"x-2","score":2}]}]}"#
                .to_owned(),
            "{\"id\":\"x-1\",\"score\":1}\n{\"id\":\"x-2\",\"score\":2}\n".to_owned(),
            json!(array).to_string(),
            json!({"answer": json!({"all": array}).to_string()}).to_string(),
            json!([first.replace('9', "1"), r#"{"id":"x-2","score":2,"why":"a \"fine\" one"}"#])
                .to_string(),
            "[ // of both\n{id: “x-1”, score: 1},\u{a0}{id: `x-2`, score: 2 /* yes */}]".to_owned(),
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
            r#"[{"id":"x-1 and x-2","score":1}]"#,
            r#"[{"id":"ax-1","score":1},{"id":"x-12","score":1}]"#,
            "{}",
            r#"["x-1","x-2"]"#,
            r#"{"id":"x-1","score":1}"#,
            r#"[{"id":"x-1","score":1"#,
        ] {
            let told = "the model's answer has no element about what it was asked";
            assert!(
                matches!(found(text), Err(said) if said == told || said.ends_with("not JSON")),
                "{text}"
            );
        }
        assert_eq!(found("I rate them 70."), Err("the model's answer is not JSON"));
        assert_eq!(found(&"[".repeat(95_000)), Err("the model's answer is not JSON"));
    }

    #[test]
    fn one_damaged_element_costs_no_other() {
        let text = r#"[{"id":"x-1","score":},{"id":"x-2","score":2}]"#;
        assert_eq!(found(text), Ok((vec!["x-2 2".to_owned()], false)));
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
