//! The bodies of requests, mainly those that write rows.

use super::error::ApiError;
use super::ids;
use crate::Request;
use crate::reply::parameters;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

const MAX_RECORDS: usize = 10;

#[derive(Debug)]
pub(crate) struct Change {
    /// The id of the row to change. Without it, the row is new or found by the upsert.
    pub(crate) id: Option<String>,
    /// Cells by field name or id.
    pub(crate) fields: Map<String, Value>,
}

#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Whether values are converted and missing choices created.
    pub(crate) typecast: bool,
    /// Whether cells that are not mentioned are cleared.
    pub(crate) clear: bool,
    /// The fields by which an upsert finds rows.
    pub(crate) merge_on: Option<Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) changes: Vec<Change>,
    pub(crate) plan: Plan,
    /// Whether the answer names cells by field id.
    pub(crate) by_field_id: bool,
    /// Whether the answer is a single row without a list.
    pub(crate) single: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Raw {
    fields: Option<Map<String, Value>>,
    records: Option<Value>,
    typecast: Option<bool>,
    return_fields_by_field_id: Option<bool>,
    perform_upsert: Option<Upsert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Upsert {
    #[serde(default)]
    fields_to_merge_on: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: Option<String>,
    fields: Map<String, Value>,
}

/// Reads the body of a POST: one row or up to ten.
pub(crate) fn create(request: &Request) -> Result<Body, ApiError> {
    let mut raw: Raw = read(request)?;
    let both = raw.fields.is_some() && raw.records.is_some();
    if both || raw.perform_upsert.is_some() {
        return Err(ApiError::InvalidRequest);
    }
    if raw.fields.is_some() {
        return raw.single(None, false);
    }
    let changes = raw.changes(|id| if id.is_none() { Some(None) } else { None })?;
    Ok(raw.body(changes, false, false))
}

/// Reads the body of a PATCH or PUT of up to ten rows, or of an upsert.
pub(crate) fn update(request: &Request, clear: bool) -> Result<Body, ApiError> {
    let mut raw: Raw = read(request)?;
    if raw.fields.is_some() {
        return Err(ApiError::InvalidRequest);
    }
    let merge_on = raw.perform_upsert.take().map(|upsert| upsert.fields_to_merge_on);
    if merge_on.as_ref().is_some_and(|fields| fields.is_empty() || fields.len() > 3) {
        return Err(ApiError::InvalidBecause(
            "fieldsToMergeOn takes one to three fields".to_owned(),
        ));
    }
    let changes = raw.changes(|id| match id {
        None => merge_on.is_some().then_some(None),
        Some(id) => ids::is_id("rec", &id).then_some(Some(id)),
    })?;
    let mut body = raw.body(changes, clear, false);
    body.plan.merge_on = merge_on;
    Ok(body)
}

/// Reads the body of a PATCH or PUT of the row in the path.
pub(crate) fn update_one(request: &Request, id: &str, clear: bool) -> Result<Body, ApiError> {
    let raw: Raw = read(request)?;
    if raw.records.is_some() || raw.perform_upsert.is_some() {
        return Err(ApiError::InvalidRequest);
    }
    raw.single(Some(id.to_owned()), clear)
}

pub(crate) fn deleted(request: &Request) -> Result<Vec<String>, ApiError> {
    let pairs = parameters(request).into_iter();
    let named = pairs.filter(|(key, _)| key == "records[]" || key == "records");
    let ids: Vec<String> = named.map(|(_, id)| id).collect();
    let good =
        !ids.is_empty() && ids.len() <= MAX_RECORDS && ids.iter().all(|id| ids::is_id("rec", id));
    if good { Ok(ids) } else { Err(ApiError::InvalidRecords) }
}

/// The body as JSON of this shape. Its content type must be JSON.
pub(crate) fn read<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(|kind| kind.to_lowercase().starts_with("application/json")) {
        return Err(ApiError::InvalidBody);
    }
    let body: Value = serde_json::from_slice(request.body()).map_err(|_| ApiError::InvalidBody)?;
    // serde could read a list as a struct, so lists are refused.
    let object = Some(body).filter(Value::is_object).ok_or(ApiError::InvalidRequest)?;
    serde_json::from_value(object).map_err(|_| ApiError::InvalidRequest)
}

impl Raw {
    fn single(mut self, id: Option<String>, clear: bool) -> Result<Body, ApiError> {
        let fields = self.fields.take().ok_or(ApiError::MissingField("fields"))?;
        Ok(self.body(vec![Change { id, fields }], clear, true))
    }

    /// The rows of a body. `known` maps the given or missing id to the row's id; `None` refuses the
    /// row.
    fn changes(
        &mut self,
        known: impl Fn(Option<String>) -> Option<Option<String>>,
    ) -> Result<Vec<Change>, ApiError> {
        let records = self.records.take().ok_or(ApiError::MissingField("records"))?;
        let records: Option<Vec<Record>> = serde_json::from_value(records).ok();
        let records = records.filter(|all| !all.is_empty() && all.len() <= MAX_RECORDS);
        let change = |Record { id, fields }| Some(Change { id: known(id)?, fields });
        let changes = records.and_then(|all| all.into_iter().map(change).collect());
        changes.ok_or(ApiError::InvalidRecords)
    }

    fn body(self, changes: Vec<Change>, clear: bool, single: bool) -> Body {
        let typecast = self.typecast.unwrap_or_default();
        Body {
            changes,
            plan: Plan { typecast, clear, merge_on: None },
            by_field_id: self.return_fields_by_field_id.unwrap_or_default(),
            single,
        }
    }
}
