//! The control endpoints: what [`super::edits`] does, over HTTP.

use super::Airtable;
use super::edits::EditError;
use super::schema::{FieldKind, FieldSpec, TableSpec, ViewSpec};
use crate::service::control_error;
use crate::{Request, Response, json_reply};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// `POST /_sim/tables`: a table, and its base if there is none yet.
#[derive(Deserialize)]
struct NewTable {
    base: String,
    #[serde(rename = "baseName")]
    base_name: Option<String>,
    #[serde(flatten)]
    table: TableSpec,
}

/// `POST /_sim/records`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRecords {
    base: String,
    table: String,
    records: Vec<NewRecord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRecord {
    fields: Map<String, Value>,
}

/// `PATCH /_sim/records`, and without `fields` `DELETE /_sim/records`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneRecord {
    base: String,
    table: String,
    id: String,
    #[serde(default)]
    fields: Map<String, Value>,
}

/// `POST /_sim/fields`.
#[derive(Deserialize)]
struct FieldEdit {
    base: String,
    table: String,
    #[serde(flatten)]
    action: FieldAction,
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum FieldAction {
    Add { spec: FieldSpec },
    Rename { field: String, name: String },
    Delete { field: String },
    Retype { field: String, kind: FieldKind },
}

/// `POST /_sim/views`.
#[derive(Deserialize)]
struct ViewEdit {
    base: String,
    table: String,
    #[serde(flatten)]
    action: ViewAction,
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum ViewAction {
    Add { spec: ViewSpec },
    Delete { view: String },
}

/// `POST /_sim/quota`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quota {
    spent: bool,
}

/// An endpoint that cannot do what it is asked.
struct Failed(StatusCode, String);

impl From<EditError> for Failed {
    fn from(error: EditError) -> Self {
        let status = match error {
            EditError::NoSuchTable { .. }
            | EditError::NoSuchField(_)
            | EditError::NoSuchView(_) => StatusCode::NOT_FOUND,
            EditError::BadBaseId(_) | EditError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self(status, error.to_string())
    }
}

impl Airtable {
    /// Answers a control endpoint; `None` for one that is not Airtable's.
    pub(super) fn answer_control(&self, request: &Request) -> Option<Response> {
        let path = request.uri().path().strip_prefix("/_sim/")?;
        let result = match (request.method(), path) {
            (&Method::GET, "bases") => Ok(self.bases_overview()),
            (&Method::GET, path) => self.table_overview(path)?,
            (&Method::POST, "tables") => self.post_table(request),
            (&Method::POST, "records") => self.post_records(request),
            (&Method::PATCH, "records") => self.patch_record(request),
            (&Method::DELETE, "records") => self.remove_record(request),
            (&Method::POST, "fields") => self.post_field(request),
            (&Method::POST, "views") => self.post_view(request),
            (&Method::POST, "iterators/expire") => Ok(json!({"expired": self.expire_iterators()})),
            (&Method::POST, "quota") => self.post_quota(request),
            _ => return None,
        };
        Some(match result {
            Ok(body) => json_reply(StatusCode::OK, &body),
            Err(Failed(status, message)) => control_error(status, &message),
        })
    }

    fn bases_overview(&self) -> Value {
        let state = self.lock();
        let base = |base: &super::model::Base| {
            let tables: Vec<&str> = base.tables.iter().map(|table| table.name.as_str()).collect();
            let requests = state.requests.get(&base.id).copied().unwrap_or_default();
            json!({"id": base.id, "name": base.name, "tables": tables, "requests": requests})
        };
        json!({"bases": state.bases.values().map(base).collect::<Vec<_>>()})
    }

    /// `bases/{base}/tables/{table}`; `None` for another path.
    fn table_overview(&self, path: &str) -> Option<Result<Value, Failed>> {
        let (base, table) = path.strip_prefix("bases/")?.split_once("/tables/")?;
        let table = percent_decode_str(table).decode_utf8_lossy();
        let rows = self.rows(base, &table).map_err(Failed::from);
        Some(rows.map(|rows| {
            let state = self.lock();
            let model = state.table(base, &table).map(|(_, table)| table.model(true));
            json!({"table": model.unwrap_or_default(), "records": rows})
        }))
    }

    fn post_table(&self, request: &Request) -> Result<Value, Failed> {
        let NewTable { base, base_name, table } = read(request)?;
        let id = self.add_table(&base, table)?;
        if let Some(name) = base_name {
            self.add_base(&base, &name)?;
        }
        let state = self.lock();
        Ok(state.table(&base, &id).map(|(_, table)| table.model(true)).unwrap_or_default())
    }

    fn post_records(&self, request: &Request) -> Result<Value, Failed> {
        let NewRecords { base, table, records } = read(request)?;
        let rows = records.into_iter().map(|record| record.fields).collect();
        Ok(json!({"ids": self.insert_all(&base, &table, rows)?}))
    }

    fn patch_record(&self, request: &Request) -> Result<Value, Failed> {
        let OneRecord { base, table, id, fields } = read(request)?;
        self.edit(&base, &table, &id, fields)?;
        Ok(json!({"id": id}))
    }

    fn remove_record(&self, request: &Request) -> Result<Value, Failed> {
        let OneRecord { base, table, id, .. } = read(request)?;
        self.delete_record(&base, &table, &id)?;
        Ok(json!({"id": id, "deleted": true}))
    }

    fn post_field(&self, request: &Request) -> Result<Value, Failed> {
        let FieldEdit { base, table, action } = read(request)?;
        match action {
            FieldAction::Add { spec } => self.add_field(&base, &table, spec)?,
            FieldAction::Rename { field, name } => {
                self.rename_field(&base, &table, &field, &name)?;
            }
            FieldAction::Delete { field } => self.delete_field(&base, &table, &field)?,
            FieldAction::Retype { field, kind } => {
                self.retype_field(&base, &table, &field, kind)?;
            }
        }
        Ok(json!({"done": true}))
    }

    fn post_view(&self, request: &Request) -> Result<Value, Failed> {
        let ViewEdit { base, table, action } = read(request)?;
        match action {
            ViewAction::Add { spec } => self.add_view(&base, &table, spec)?,
            ViewAction::Delete { view } => self.delete_view(&base, &table, &view)?,
        }
        Ok(json!({"done": true}))
    }

    fn post_quota(&self, request: &Request) -> Result<Value, Failed> {
        let Quota { spent } = read(request)?;
        self.set_quota_spent(spent);
        Ok(json!({"spent": spent}))
    }
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Failed> {
    let failed = |error: serde_json::Error| Failed(StatusCode::BAD_REQUEST, error.to_string());
    serde_json::from_slice(request.body()).map_err(failed)
}
