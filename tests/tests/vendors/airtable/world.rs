//! An Airtable with one base, a manual clock, and short functions to call it.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use simulators::airtable::{Airtable, AirtableOptions, FieldSpec, TableSpec, ViewSpec};
use simulators::{Answer, Clock, NoStore, Simulated, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub(crate) const BASE: &str = "appMasterBase0001";
pub(crate) const OTHER_BASE: &str = "appOtherBase00001";
pub(crate) const SECRET: &str = "patInvented.0001";

pub(crate) struct World {
    pub(crate) simulated: Simulated<Airtable>,
    now: Arc<AtomicI64>,
}

/// The options of most tests: one token, no rate limit.
pub(crate) fn unlimited() -> AirtableOptions {
    AirtableOptions { rate_limit: false, ..AirtableOptions::with_token(SECRET) }
}

/// The table that most tests use.
pub(crate) fn runs() -> TableSpec {
    let fields = vec![
        FieldSpec::text("Run ID"),
        FieldSpec::text("Client ID"),
        FieldSpec::number("Posts", 0),
        FieldSpec::single_select("Status", &["Running", "Completed"]),
        FieldSpec::checkbox("Active"),
        FieldSpec::date_time("Start Time"),
        FieldSpec::long_text("Notes"),
        FieldSpec::currency("Cost", 2),
        FieldSpec::formula("Success Rate", Some(json!(0.5))),
    ];
    TableSpec::new("Client Run Results", fields)
        .with_view(ViewSpec::all("All"))
        .with_view(ViewSpec::filtered("Running", "{Status}='Running'"))
}

impl World {
    /// A world with the base and its table, and without rate limits.
    pub(crate) fn new() -> Self {
        Self::with(unlimited(), &[BASE])
    }

    /// A world with these bases, each with the table.
    pub(crate) fn with(options: AirtableOptions, bases: &[&str]) -> Self {
        let world = Self::on(options, Arc::new(NoStore));
        for base in bases {
            world.airtable().add_table(base, runs()).unwrap();
        }
        world
    }

    /// A world with only the data in the store.
    pub(crate) fn on(options: AirtableOptions, store: Arc<dyn Store>) -> Self {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let now = Arc::new(AtomicI64::new(start.as_millisecond()));
        let read = Arc::clone(&now);
        let clock =
            Clock::new(move || Timestamp::from_millisecond(read.load(Ordering::Relaxed)).unwrap());
        let airtable = Airtable::new(options, clock, store, 7).unwrap();
        Self { simulated: Simulated::new(airtable, 7), now }
    }

    pub(crate) fn airtable(&self) -> &Airtable {
        self.simulated.service()
    }

    pub(crate) fn pass(&self, milliseconds: i64) {
        self.now.fetch_add(milliseconds, Ordering::Relaxed);
    }

    pub(crate) fn insert(&self, fields: Value) -> String {
        self.airtable().insert(BASE, "Client Run Results", object(fields)).unwrap()
    }

    /// The schema of the base, as the Meta API shows it.
    pub(crate) async fn tables(&self) -> Value {
        self.get(&format!("/v0/meta/bases/{BASE}/tables")).await.1["tables"].take()
    }

    /// The table as (Run ID, one field) of every row.
    pub(crate) fn column(&self, field: &str) -> Vec<(Value, Value)> {
        let rows = self.airtable().rows(BASE, "Client Run Results").unwrap();
        let cell =
            |fields: &Map<String, Value>, key: &str| fields.get(key).cloned().unwrap_or_default();
        rows.iter().map(|row| (cell(&row.fields, "Run ID"), cell(&row.fields, field))).collect()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("POST", path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("PATCH", path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.send("DELETE", path, Value::Null).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {SECRET}"))
            .header("content-type", "application/json");
        self.raw(request.body(Bytes::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn raw(&self, request: simulators::Request) -> (u16, Value) {
        match self.simulated.call(request).await {
            Answer::Reply(response) => {
                let body = serde_json::from_slice(response.body()).unwrap();
                (response.status().as_u16(), body)
            }
            Answer::Lost => (0, Value::Null),
        }
    }
}

/// A path below the table, such as `/v0/app…/Client%20Run%20Results?pageSize=1`.
pub(crate) fn path(rest: &str) -> String {
    format!("/v0/{BASE}/Client%20Run%20Results{rest}")
}

/// The path of a listing with these parameters.
pub(crate) fn list(parameters: &[(&str, &str)]) -> String {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    path(&format!("?{query}"))
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The cells called `field` of the records in an answer.
pub(crate) fn cells(reply: &(u16, Value), field: &str) -> Vec<Value> {
    assert_eq!(reply.0, 200, "{}", reply.1);
    let records = reply.1["records"].as_array().unwrap();
    records.iter().map(|record| record["fields"][field].clone()).collect()
}

/// The status of an error answer with its type and message.
pub(crate) fn error(reply: &(u16, Value)) -> (u16, &str, &str) {
    let error = &reply.1["error"];
    (reply.0, error["type"].as_str().unwrap_or(""), error["message"].as_str().unwrap_or(""))
}

/// The status and type of an error answer.
pub(crate) fn kind(reply: &(u16, Value)) -> (u16, &str) {
    let (status, kind, _) = error(reply);
    (status, kind)
}
