//! The control endpoints: they show and change the contents of the bases, in order of creation.

use super::model::Base;
use super::schema::TableSpec;
use super::simulator::Airtable;
use crate::service::control_error;
use crate::{Request, Response, json_reply};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Body of `POST /_sim/tables`: a table with its views. Its base is created if it is missing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTable {
    base: String,
    table: TableSpec,
}

/// Body of `POST /_sim/cells`: any JSON value becomes the cell.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    base: String,
    table: String,
    record: String,
    field: String,
    value: Value,
}

/// Body of `POST /_sim/rows`: rows that are added at once, without limits.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRows {
    base: String,
    table: String,
    rows: Vec<Map<String, Value>>,
}

/// Body of `POST /_sim/locks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    base: String,
    table: String,
    field: String,
    locked: bool,
}

/// Body of `POST /_sim/choices`: renames a choice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChoiceName {
    base: String,
    table: String,
    field: String,
    from: String,
    to: String,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body)
}

impl Airtable {
    /// Answers `GET /_sim/bases` and `GET /_sim/bases/{base}/tables/{table}`, and executes
    /// `POST /_sim/tables`, `/_sim/rows`, `/_sim/cells`, `/_sim/locks` and `/_sim/choices`. `None`
    /// for other requests.
    pub(super) fn answer_control(&self, request: &Request) -> Option<Response> {
        let path = request.uri().path().strip_prefix("/_sim/")?;
        if request.method() == Method::POST {
            return self.change(path, request.body());
        }
        if request.method() != Method::GET {
            return None;
        }
        if path == "bases" {
            return Some(json_reply(StatusCode::OK, &self.bases_overview()));
        }
        let (base, table) = path.strip_prefix("bases/")?.split_once("/tables/")?;
        let table = percent_decode_str(table).decode_utf8_lossy();
        Some(match self.rows(base, &table) {
            Ok(rows) => {
                let state = self.lock();
                let model = state.table((base, &table)).map(|(_, table)| table.model(true));
                let body = json!({"table": model.unwrap_or_default(), "records": rows});
                json_reply(StatusCode::OK, &body)
            }
            Err(error) => control_error(StatusCode::NOT_FOUND, &error.to_string()),
        })
    }

    fn change(&self, path: &str, body: &[u8]) -> Option<Response> {
        let done = match path {
            "tables" => {
                read(body).map(|NewTable { base, table }| self.add_table(&base, table).map(drop))
            }
            "cells" => read(body).map(|Cell { base, table, record, field, value }| {
                self.put_cell((&base, &table), &record, &field, value)
            }),
            "rows" => read(body).map(|NewRows { base, table, rows }| {
                self.insert_all(&base, &table, rows).map(drop)
            }),
            "locks" => read(body).map(|Lock { base, table, field, locked }| {
                self.lock_field((&base, &table), &field, locked)
            }),
            "choices" => read(body).map(|ChoiceName { base, table, field, from, to }| {
                self.rename_choice((&base, &table), &field, (&from, &to))
            }),
            _ => return None,
        };
        Some(match done {
            Ok(Ok(())) => json_reply(StatusCode::OK, &json!({"done": true})),
            Ok(Err(error)) => control_error(StatusCode::NOT_FOUND, &error.to_string()),
            Err(error) => control_error(StatusCode::BAD_REQUEST, &error.to_string()),
        })
    }

    fn bases_overview(&self) -> Value {
        let state = self.lock();
        let base = |base: &Base| {
            let tables: Vec<&str> = base.tables.iter().map(|table| table.name.as_str()).collect();
            let requests = state.requests.get(&base.id).copied().unwrap_or_default();
            json!({"id": base.id, "name": base.name, "tables": tables, "requests": requests})
        };
        json!({"bases": state.bases.values().map(base).collect::<Vec<_>>()})
    }
}
