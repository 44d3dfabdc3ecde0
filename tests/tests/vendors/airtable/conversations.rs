//! Conversations with the API as text: the requests, and the expected answers.
//!
//! A file holds conversations, each with a title after `#` and a new world. Its lines:
//! - `+ $name {…}` adds a row; `$name` then means its id. `$base`, `$table`, `$RunID` and `$Posts`
//!   are the ids of the base, the table and two fields.
//! - `GET ?view=All`, `POST {…}`, `PATCH /$row {…}`: a request. A path that starts with neither
//!   `/v0/` nor `/_sim/` continues the table's path. Queries are not encoded.
//! - `200 {…}` and `422 TYPE message`: the whole answer. `"rec*"` matches any string with that
//!   start, an unknown `"$name"` takes the value, `"...": 0` allows more keys than the line has.
//! - `Run ID => […]`: one cell of every row in the answer; `~>` if the order does not matter.
//! - `Posts == […]`: the Run ID and one cell of every row in the table.
//! - `pass 1000`, `rename`, `drop`, `delete`, `table`, `field`, `view`: time passes, or a person
//!   edits the base.
//!
//! A line that starts with a blank continues the previous line.

use super::world::{BASE, World, cells, error, path};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TABLE: &str = "Client Run Results";

#[tokio::test]
async fn every_conversation_goes_as_written() {
    for file in [
        include_str!("conversations/control.txt"),
        include_str!("conversations/listing.txt"),
        include_str!("conversations/meta.txt"),
        include_str!("conversations/pages.txt"),
        include_str!("conversations/upserts.txt"),
        include_str!("conversations/writing.txt"),
    ] {
        let file = file.replace("\n ", " ");
        let mut conversation = Conversation::new().await;
        for line in file.lines().filter(|line| !line.is_empty()) {
            conversation.line(line).await;
        }
    }
}

struct Conversation {
    world: World,
    title: String,
    names: BTreeMap<String, String>,
    reply: (u16, Value),
}

impl Conversation {
    async fn new() -> Self {
        let world = World::new();
        let table = &world.tables().await[0];
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let names =
            [("$table", table), ("$RunID", &table["fields"][0]), ("$Posts", &table["fields"][2])];
        let mut names: BTreeMap<_, _> =
            names.map(|(name, value)| (name.to_owned(), id(value))).into();
        names.insert("$base".to_owned(), BASE.to_owned());
        Self { world, title: String::new(), names, reply: (0, Value::Null) }
    }

    async fn line(&mut self, line: &str) {
        if let Some(title) = line.strip_prefix("# ") {
            *self = Self { title: title.to_owned(), ..Self::new().await };
            return;
        }
        let known = self.names.iter().rev();
        let line = known.fold(line.to_owned(), |line, (name, id)| line.replace(name, id));
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            self.check_answer(&line, word.parse().unwrap(), rest);
        } else if word.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.reply = self.send(word, rest).await;
        } else if let Some((field, wanted)) = line.split_once(" => ") {
            assert_eq!(
                cells(&self.reply, field),
                parsed::<Vec<Value>>(wanted),
                "{}: {line}",
                self.title
            );
        } else if let Some((field, wanted)) = line.split_once(" ~> ") {
            let mut found = cells(&self.reply, field);
            found.sort_by_key(Value::to_string);
            assert_eq!(found, parsed::<Vec<Value>>(wanted), "{}: {line}", self.title);
        } else if let Some((field, wanted)) = line.split_once(" == ") {
            assert_eq!(
                json!(self.world.column(field)),
                parsed::<Value>(wanted),
                "{}: {line}",
                self.title
            );
        } else {
            self.edit(word, rest);
        }
    }

    async fn send(&self, method: &str, rest: &str) -> (u16, Value) {
        let (target, body) = match rest.find('{').or_else(|| rest.find(" [")) {
            Some(at) if method != "GET" && method != "DELETE" => rest.split_at(at),
            Some(_) | None => (rest, "null"),
        };
        let (target, query) = target.trim().split_once('?').unwrap_or((target.trim(), ""));
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.append_pair(key, value);
        }
        let base = if target.starts_with("/v0/") || target.starts_with("/_sim/") {
            target.to_owned()
        } else {
            path(target)
        };
        self.world.send(method, &format!("{base}?{}", pairs.finish()), parsed(body)).await
    }

    fn check_answer(&mut self, line: &str, status: u16, wanted: &str) {
        let title = &self.title;
        assert_eq!(self.reply.0, status, "{title}: {line}: {}", self.reply.1);
        if wanted.starts_with(['{', '[']) {
            let good = matches(&parsed(wanted), &self.reply.1, &mut self.names);
            assert!(good, "{title}: {line}: {}", self.reply.1);
        } else if !wanted.is_empty() {
            let (_, kind, message) = error(&self.reply);
            let (wanted, text) = wanted.split_once(' ').unwrap_or((wanted, message));
            assert_eq!((kind, message), (wanted, text), "{title}: {line}");
        }
    }

    fn edit(&mut self, word: &str, rest: &str) {
        let airtable = self.world.airtable();
        let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
        let id = match word {
            "+" if name.starts_with('$') => Some(self.world.insert(parsed(value))),
            "+" => Some(self.world.insert(parsed(rest))),
            "pass" => {
                self.world.pass(rest.parse().unwrap());
                None
            }
            "rename" => airtable.rename_field(BASE, TABLE, name, value).map(|()| None).unwrap(),
            "drop" => airtable.delete_field(BASE, TABLE, rest).map(|()| None).unwrap(),
            "delete" => airtable.delete_record(BASE, TABLE, rest).map(|()| None).unwrap(),
            "field" => airtable.add_field(BASE, TABLE, parsed(rest)).map(|()| None).unwrap(),
            "view" => airtable.add_view(BASE, TABLE, parsed(rest)).map(|()| None).unwrap(),
            "table" => Some(airtable.add_table(BASE, parsed(value)).unwrap()),
            _ => panic!("{}: {word} is no step", self.title),
        };
        if let Some(id) = id.filter(|_| name.starts_with('$')) {
            self.names.insert(name.to_owned(), id);
        }
    }
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Whether `found` matches the pattern. Unknown names take their values from it.
fn matches(pattern: &Value, found: &Value, names: &mut BTreeMap<String, String>) -> bool {
    match (pattern, found) {
        (Value::String(name), Value::String(text)) if name.starts_with('$') => {
            names.entry(name.clone()).or_insert_with(|| text.clone()) == text
        }
        (Value::String(start), Value::String(text)) if start.ends_with('*') => {
            text.starts_with(&start[..start.len() - 1])
        }
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| matches(wanted, found, names))
        }
        (Value::Object(wanted), Value::Object(found)) => {
            let open = wanted.contains_key("...");
            (open || wanted.len() == found.len())
                && wanted.iter().filter(|(key, _)| *key != "...").all(|(key, wanted)| {
                    found.get(key).is_some_and(|found| matches(wanted, found, names))
                })
        }
        (_, _) => pattern == found,
    }
}
