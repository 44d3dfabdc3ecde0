//! The bodies of requests that write rows.

use super::error::ApiError;
use super::ids;
use super::params;
use super::write::{Change, Plan};
use crate::Request;
use crate::reply::parameters;
use serde_json::{Map, Value};

/// The most rows one request writes or deletes.
pub(crate) const MAX_RECORDS: usize = 10;

/// What a request writes.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) changes: Vec<Change>,
    pub(crate) plan: Plan,
    /// Whether the answer names cells by field id.
    pub(crate) by_field_id: bool,
    /// Whether the answer is one bare row.
    pub(crate) single: bool,
}

/// Reads the body of a POST: one row or up to ten.
pub(crate) fn create(request: &Request) -> Result<Body, ApiError> {
    let mut body = params::object(request)?;
    params::only(&body, &["fields", "records", "typecast", "returnFieldsByFieldId"])?;
    let single = body.contains_key("fields");
    if single && body.contains_key("records") {
        return Err(ApiError::invalid_request());
    }
    let changes = if single {
        vec![Change { id: None, fields: cells(&mut body)? }]
    } else {
        records(&mut body, |record| {
            params::only(&record, &["fields"]).map_err(|_| ApiError::invalid_records())?;
            Ok(Change { id: None, fields: fields(record)? })
        })?
    };
    finish(&body, changes, false, single)
}

/// Reads the body of a PATCH or PUT of up to ten rows, or of an upsert.
pub(crate) fn update(request: &Request, clear: bool) -> Result<Body, ApiError> {
    let mut body = params::object(request)?;
    let keys = ["records", "typecast", "returnFieldsByFieldId", "performUpsert"];
    params::only(&body, &keys)?;
    let merge_on = merge_on(&body)?;
    let changes = records(&mut body, |record| {
        params::only(&record, &["id", "fields"]).map_err(|_| ApiError::invalid_records())?;
        let id = record.get("id").map(|id| id.as_str().filter(|id| ids::is_id("rec", id)));
        let id = match id {
            None if merge_on.is_some() => None,
            Some(Some(id)) => Some(id.to_owned()),
            None | Some(None) => return Err(ApiError::invalid_records()),
        };
        Ok(Change { id, fields: fields(record)? })
    })?;
    let mut body = finish(&body, changes, clear, false)?;
    body.plan.merge_on = merge_on;
    Ok(body)
}

/// Reads the body of a PATCH or PUT of the row that the path names.
pub(crate) fn update_one(request: &Request, id: &str, clear: bool) -> Result<Body, ApiError> {
    let mut body = params::object(request)?;
    params::only(&body, &["fields", "typecast", "returnFieldsByFieldId"])?;
    let changes = vec![Change { id: Some(id.to_owned()), fields: cells(&mut body)? }];
    finish(&body, changes, clear, true)
}

/// Reads the ids of a DELETE.
pub(crate) fn deleted(request: &Request) -> Result<Vec<String>, ApiError> {
    let pairs = parameters(request).into_iter();
    let named = pairs.filter(|(key, _)| key == "records[]" || key == "records");
    let ids: Vec<String> = named.map(|(_, id)| id).collect();
    let good =
        !ids.is_empty() && ids.len() <= MAX_RECORDS && ids.iter().all(|id| ids::is_id("rec", id));
    if good { Ok(ids) } else { Err(ApiError::invalid_records()) }
}

fn finish(
    body: &Map<String, Value>,
    changes: Vec<Change>,
    clear: bool,
    single: bool,
) -> Result<Body, ApiError> {
    let plan = Plan { typecast: params::flag(body, "typecast")?, clear, merge_on: None };
    let by_field_id = params::flag(body, "returnFieldsByFieldId")?;
    Ok(Body { changes, plan, by_field_id, single })
}

/// The `fields` of a body that writes one row.
fn cells(body: &mut Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    match body.remove("fields") {
        Some(Value::Object(fields)) => Ok(fields),
        Some(_) => Err(ApiError::invalid_request()),
        None => Err(ApiError::missing_field("fields")),
    }
}

/// The `fields` of one row among several.
fn fields(mut record: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    match record.remove("fields") {
        Some(Value::Object(fields)) => Ok(fields),
        Some(_) | None => Err(ApiError::invalid_records()),
    }
}

fn records(
    body: &mut Map<String, Value>,
    read: impl Fn(Map<String, Value>) -> Result<Change, ApiError>,
) -> Result<Vec<Change>, ApiError> {
    let records = match body.remove("records") {
        Some(Value::Array(records)) => records,
        Some(_) => return Err(ApiError::invalid_records()),
        None => return Err(ApiError::missing_field("records")),
    };
    if records.is_empty() || records.len() > MAX_RECORDS {
        return Err(ApiError::invalid_records());
    }
    let object = |record| {
        let Value::Object(record) = record else { return Err(ApiError::invalid_records()) };
        read(record)
    };
    records.into_iter().map(object).collect()
}

/// The fields to merge on: one to three names or ids.
fn merge_on(body: &Map<String, Value>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(upsert) = body.get("performUpsert") else { return Ok(None) };
    let upsert = upsert.as_object().ok_or_else(ApiError::invalid_request)?;
    params::only(upsert, &["fieldsToMergeOn"])?;
    let fields = params::texts(upsert, "fieldsToMergeOn")?;
    if fields.is_empty() || fields.len() > 3 {
        return Err(ApiError::invalid_because("fieldsToMergeOn takes one to three fields"));
    }
    Ok(Some(fields))
}
