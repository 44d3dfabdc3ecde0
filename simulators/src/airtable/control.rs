//! The control endpoints: what the bases hold, in the order it was made.

use super::model::Base;
use super::simulator::Airtable;
use crate::service::control_error;
use crate::{Request, Response, json_reply};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

impl Airtable {
    /// Answers `GET /_sim/bases` and `GET /_sim/bases/{base}/tables/{table}`; `None` for another.
    pub(super) fn answer_control(&self, request: &Request) -> Option<Response> {
        let path = request.uri().path().strip_prefix("/_sim/")?;
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
