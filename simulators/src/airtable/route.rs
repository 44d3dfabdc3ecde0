//! Maps paths and methods to operations.

use super::options::Scope;
use crate::Request;
use percent_encoding::percent_decode_str;
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Whoami,
    Bases,
    Schema,
    CreateBase,
    CreateTable,
    UpdateTable,
    CreateField,
    UpdateField,
    List,
    ListByPost,
    Get,
    Create,
    /// PATCH or PUT of several records, including upserts.
    Update,
    UpdateOne,
    Delete,
    DeleteOne,
    Unknown,
}

/// An operation with the ids and names from the path, percent-decoded. Missing parts are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    base: String,
    pub(crate) table: String,
    /// The id of the record or the field.
    pub(crate) item: String,
    /// Whether cells that are not mentioned are cleared.
    pub(crate) clear: bool,
}

impl Route {
    pub(crate) fn of(request: &Request) -> Self {
        use Operation as Op;
        let segments: Option<Vec<String>> =
            request.uri().path().split('/').skip(1).map(decoded).collect();
        let segments = segments.unwrap_or_default();
        let mut segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        // airtable.js ends some paths with a slash.
        if segments.last() == Some(&"") {
            segments.pop();
        }
        let method = request.method().as_str();
        let (operation, base, table, item) = match (method, segments.as_slice()) {
            ("GET", ["v0", "meta", "whoami"]) => (Op::Whoami, "", "", ""),
            ("GET", ["v0", "meta", "bases"]) => (Op::Bases, "", "", ""),
            ("GET", ["v0", "meta", "bases", base, "tables"]) => (Op::Schema, *base, "", ""),
            ("POST", ["v0", "meta", "bases"]) => (Op::CreateBase, "", "", ""),
            ("PATCH", ["v0", "meta", "bases", base, "tables", table]) => {
                (Op::UpdateTable, *base, *table, "")
            }
            ("POST", ["v0", "meta", "bases", base, "tables"]) => (Op::CreateTable, *base, "", ""),
            ("POST", ["v0", "meta", "bases", base, "tables", table, "fields"]) => {
                (Op::CreateField, *base, *table, "")
            }
            ("PATCH", ["v0", "meta", "bases", base, "tables", table, "fields", field]) => {
                (Op::UpdateField, *base, *table, *field)
            }
            (_, ["v0", "meta", ..]) => (Op::Unknown, "", "", ""),
            ("GET", ["v0", base, table]) => (Op::List, *base, *table, ""),
            ("POST", ["v0", base, table]) => (Op::Create, *base, *table, ""),
            ("PATCH" | "PUT", ["v0", base, table]) => (Op::Update, *base, *table, ""),
            ("DELETE", ["v0", base, table]) => (Op::Delete, *base, *table, ""),
            ("POST", ["v0", base, table, "listRecords"]) => (Op::ListByPost, *base, *table, ""),
            // A record is found anywhere in the base, because Airtable ignores the table in the
            // path.
            ("GET", ["v0", base, table, record]) => (Op::Get, *base, *table, *record),
            ("PATCH" | "PUT", ["v0", base, table, id]) => (Op::UpdateOne, *base, *table, *id),
            ("DELETE", ["v0", base, table, record]) => (Op::DeleteOne, *base, *table, *record),
            _ => (Op::Unknown, "", "", ""),
        };
        Self {
            operation,
            base: base.to_owned(),
            table: table.to_owned(),
            item: item.to_owned(),
            clear: method == "PUT",
        }
    }

    pub(crate) fn base(&self) -> Option<&str> {
        Some(self.base.as_str()).filter(|base| !base.is_empty())
    }

    pub(crate) fn scope(&self) -> Option<Scope> {
        match self.operation {
            Operation::Whoami | Operation::Unknown => None,
            Operation::Bases | Operation::Schema => Some(Scope::ReadSchema),
            Operation::CreateBase
            | Operation::CreateTable
            | Operation::UpdateTable
            | Operation::CreateField
            | Operation::UpdateField => Some(Scope::WriteSchema),
            Operation::List | Operation::ListByPost | Operation::Get => Some(Scope::ReadRecords),
            Operation::Create
            | Operation::Update
            | Operation::UpdateOne
            | Operation::Delete
            | Operation::DeleteOne => Some(Scope::WriteRecords),
        }
    }

    /// Whether the operation reads or changes the schema. These operations still work when the
    /// quota is spent.
    pub(crate) fn is_meta(&self) -> bool {
        matches!(self.scope(), None | Some(Scope::ReadSchema | Scope::WriteSchema))
    }

    /// The kind by which requests are counted.
    pub(crate) fn kind(&self, body: &[u8]) -> &'static str {
        match self.operation {
            Operation::Whoami => "whoami",
            Operation::Bases => "bases",
            Operation::Schema => "schema",
            Operation::CreateBase => "create_base",
            Operation::CreateTable => "create_table",
            Operation::UpdateTable => "update_table",
            Operation::CreateField => "create_field",
            Operation::UpdateField => "update_field",
            Operation::List | Operation::ListByPost => "list",
            Operation::Get => "get",
            Operation::Create => "create",
            Operation::Update if asks_upsert(body) => "upsert",
            Operation::Update | Operation::UpdateOne => "update",
            Operation::Delete | Operation::DeleteOne => "delete",
            Operation::Unknown => "other",
        }
    }
}

fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Whether a body has `performUpsert` at its top level.
fn asks_upsert(body: &[u8]) -> bool {
    const KEY: &str = "performUpsert";
    body.windows(KEY.len()).any(|part| part == KEY.as_bytes())
        && serde_json::from_slice::<Value>(body).is_ok_and(|body| body.get(KEY).is_some())
}
