//! The Meta API: bases, their schema, and changes to it.

use super::error::ApiError;
use super::model::{Base, Table, find_field};
use super::options::Token;
use super::schema::{FieldSpec, TableSpec};
use super::state::{Place, State};
use super::{body, define};
use crate::reply::parameters;
use crate::{Request, invent};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const BASES_PAGE: usize = 1_000;
/// Types of fields that cannot be created: those that Airtable computes, and those that are not
/// simulated.
const NOT_TO_CREATE: [&str; 16] = [
    "formula",
    "rollup",
    "multipleLookupValues",
    "count",
    "autoNumber",
    "createdTime",
    "lastModifiedTime",
    "createdBy",
    "lastModifiedBy",
    "button",
    "barcode",
    "singleCollaborator",
    "multipleCollaborators",
    "externalSyncSource",
    "aiText",
    "manualSort",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTable {
    name: Option<String>,
    description: Option<String>,
    fields: Option<Vec<Map<String, Value>>>,
}

/// A base to create. Its workspace is accepted but has no effect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewBase {
    name: Option<String>,
    workspace_id: Option<String>,
    tables: Option<Vec<NewTable>>,
}

/// A new name or description of a table or field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldChange {
    name: Option<String>,
    description: Option<String>,
}

pub(crate) fn whoami(token: &Token) -> Value {
    let user = invent::id(&["user", &token.secret], 14);
    let mut said = json!({"id": format!("usr{user}")});
    // The scopes of a personal access token, which begins with `pat`, are not returned.
    if !token.secret.starts_with("pat") {
        said["scopes"] = json!(token.scopes);
    }
    said
}

pub(crate) fn bases(state: &State, token: &Token, request: &Request) -> Result<Value, ApiError> {
    let pairs = parameters(request);
    let offset = pairs.iter().find(|(key, _)| key == "offset").map(|(_, value)| value);
    let mut seen = state
        .bases
        .values()
        .filter(|base| token.reaches(&base.id))
        .skip_while(|base| offset.is_some_and(|offset| base.id < *offset));
    let page: Vec<_> = seen.by_ref().take(BASES_PAGE).collect();
    let model = |id: &str, name: &str| json!({"id": id, "name": name, "permissionLevel": "create"});
    let page: Vec<_> = page.iter().map(|base| model(&base.id, &base.name)).collect();
    let mut reply = json!({"bases": page});
    if let Some(next) = seen.next() {
        reply["offset"] = json!(next.id);
    }
    Ok(reply)
}

pub(crate) fn schema(state: &State, base: &str, request: &Request) -> Result<Value, ApiError> {
    let mut visible = false;
    for (key, value) in parameters(request) {
        match (key.as_str(), value.as_str()) {
            ("include[]" | "include", "visibleFieldIds") => visible = true,
            ("include[]" | "include", _) => return Err(ApiError::InvalidRequest),
            _ => {}
        }
    }
    let tables: Value = state.base(base)?.tables.iter().map(|table| table.model(visible)).collect();
    Ok([("tables", tables)].into_iter().collect())
}

impl NewTable {
    fn spec(self) -> Result<TableSpec, ApiError> {
        let fields = self.fields.ok_or(ApiError::MissingField("fields"))?;
        Ok(TableSpec {
            name: self.name.ok_or(ApiError::MissingField("name"))?,
            description: self.description,
            fields: fields.into_iter().map(field_spec).collect::<Result<_, _>>()?,
            views: Vec::new(),
        })
    }
}

/// Creates a base with its tables.
pub(crate) fn create_base(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let NewBase { name, workspace_id, tables } = body::read(request)?;
    workspace_id.ok_or(ApiError::MissingField("workspaceId"))?;
    let name = name.ok_or(ApiError::MissingField("name"))?;
    let specs = tables.ok_or(ApiError::MissingField("tables"))?;
    let mut base = Base { id: state.ids.draw("app").1, name, tables: Vec::new() };
    for spec in specs {
        let table = define::table(&base, spec.spec()?, &mut state.ids)?;
        base.tables.push(table);
    }
    let tables: Vec<Value> = base.tables.iter().map(|table| table.model(false)).collect();
    let id = base.id.clone();
    state.bases.insert(id.clone(), base);
    state.save_base(&id);
    Ok(json!({"id": id, "tables": tables}))
}

/// Changes the name or the description of a table.
pub(crate) fn update_table(
    state: &mut State,
    place: Place<'_>,
    request: &Request,
) -> Result<Value, ApiError> {
    let FieldChange { name, description } = body::read(request)?;
    let base = state.base(place.0)?;
    let name = name.filter(|name| base.table(place.1).is_none_or(|table| table.name != *name));
    if let Some(name) = &name {
        define::check_table_name(base, name)?;
    }
    let table = state.table_mut(place)?;
    if let Some(name) = name {
        table.name = name;
    }
    table.description = description.or(table.description.take());
    let model = table.model(false);
    state.save_base(place.0);
    Ok(model)
}

pub(crate) fn create_table(
    state: &mut State,
    base: &str,
    request: &Request,
) -> Result<Value, ApiError> {
    let spec = body::read::<NewTable>(request)?.spec()?;
    let known = state.bases.get_mut(base).ok_or(ApiError::Forbidden)?;
    let table = define::table(known, spec, &mut state.ids)?;
    let model = table.model(false);
    known.tables.push(table);
    state.save_base(base);
    Ok(model)
}

pub(crate) fn create_field(
    state: &mut State,
    place: Place<'_>,
    request: &Request,
) -> Result<Value, ApiError> {
    let spec = field_spec(body::read(request)?)?;
    add_field(state, place, spec)
}

pub(crate) fn add_field(
    state: &mut State,
    place: Place<'_>,
    spec: FieldSpec,
) -> Result<Value, ApiError> {
    let base = state.bases.get(place.0).ok_or(ApiError::Forbidden)?;
    let table = base.table(place.1).ok_or(ApiError::Forbidden)?;
    let field = define::field(base, table, spec, &mut state.ids)?;
    let model = field.model();
    state.table_mut(place)?.fields.push(field);
    state.save_base(place.0);
    Ok(model)
}

/// Changes only the name or the description of a field.
pub(crate) fn update_field(
    state: &mut State,
    place: Place<'_>,
    field: &str,
    request: &Request,
) -> Result<Value, ApiError> {
    let FieldChange { name, description } = body::read(request)?;
    if name.is_none() && description.is_none() {
        return Err(ApiError::InvalidRequest);
    }
    let table = state.table_mut(place)?;
    let index = find_field(&table.fields, field).ok_or(ApiError::Forbidden)?;
    if let Some(name) = name {
        rename(table, index, &name)?;
    }
    let field = &mut table.fields[index];
    field.spec.description = description.or(field.spec.description.take());
    let model = field.model();
    state.save_base(place.0);
    Ok(model)
}

/// Renames a field. Rows and views refer to it by id and do not change.
pub(crate) fn rename(table: &mut Table, index: usize, name: &str) -> Result<(), ApiError> {
    if table.fields[index].spec.name != name {
        define::check_name(table, name)?;
        name.clone_into(&mut table.fields[index].spec.name);
    }
    Ok(())
}

/// The field that a body describes. Fields that Airtable computes cannot be created.
fn field_spec(body: Map<String, Value>) -> Result<FieldSpec, ApiError> {
    if body.keys().any(|key| !["name", "type", "description", "options"].contains(&key.as_str())) {
        return Err(ApiError::InvalidRequest);
    }
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
    if NOT_TO_CREATE.contains(&kind) {
        return Err(ApiError::Unprocessable(
            "UNSUPPORTED_FIELD_TYPE_FOR_CREATE",
            format!("Creating {kind} fields is not supported at this time"),
        ));
    }
    serde_json::from_value(body.into()).map_err(|_| define::bad_options())
}
