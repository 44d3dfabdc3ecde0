//! Which operation a path and method name.

use super::options::Scope;
use crate::Request;
use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// An operation, with the ids and names from the path, percent-decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Whoami,
    Bases,
    Schema {
        base: String,
    },
    CreateTable {
        base: String,
    },
    CreateField {
        base: String,
        table: String,
    },
    UpdateField {
        base: String,
        table: String,
        field: String,
    },
    List {
        base: String,
        table: String,
    },
    ListByPost {
        base: String,
        table: String,
    },
    Get {
        base: String,
        record: String,
    },
    Create {
        base: String,
        table: String,
    },
    /// PATCH or PUT of several records, upserts among them.
    Update {
        base: String,
        table: String,
        clear: bool,
    },
    UpdateOne {
        base: String,
        table: String,
        record: String,
        clear: bool,
    },
    Delete {
        base: String,
        table: String,
    },
    DeleteOne {
        base: String,
        table: String,
        record: String,
    },
    Unknown,
}

impl Route {
    /// The route of a request.
    pub(crate) fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let segments: Option<Vec<String>> = path.split('/').skip(1).map(decoded).collect();
        let segments = segments.unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let own = |text: &str| text.to_owned();
        let clear = request.method() == Method::PUT;
        match (request.method(), segments.as_slice()) {
            (&Method::GET, ["v0", "meta", "whoami"]) => Self::Whoami,
            (&Method::GET, ["v0", "meta", "bases"]) => Self::Bases,
            (&Method::GET, ["v0", "meta", "bases", base, "tables"]) => {
                Self::Schema { base: own(base) }
            }
            (&Method::POST, ["v0", "meta", "bases", base, "tables"]) => {
                Self::CreateTable { base: own(base) }
            }
            (&Method::POST, ["v0", "meta", "bases", base, "tables", table, "fields"]) => {
                Self::CreateField { base: own(base), table: own(table) }
            }
            (&Method::PATCH, ["v0", "meta", "bases", base, "tables", table, "fields", field]) => {
                Self::UpdateField { base: own(base), table: own(table), field: own(field) }
            }
            (_, ["v0", "meta", ..]) => Self::Unknown,
            (&Method::GET, ["v0", base, table]) => {
                Self::List { base: own(base), table: own(table) }
            }
            (&Method::POST, ["v0", base, table]) => {
                Self::Create { base: own(base), table: own(table) }
            }
            (&Method::PATCH | &Method::PUT, ["v0", base, table]) => {
                Self::Update { base: own(base), table: own(table), clear }
            }
            (&Method::DELETE, ["v0", base, table]) => {
                Self::Delete { base: own(base), table: own(table) }
            }
            (&Method::POST, ["v0", base, table, "listRecords"]) => {
                Self::ListByPost { base: own(base), table: own(table) }
            }
            // A record is found anywhere in the base; the table's segment is not looked at.
            (&Method::GET, ["v0", base, _, record]) => {
                Self::Get { base: own(base), record: own(record) }
            }
            (&Method::PATCH | &Method::PUT, ["v0", base, table, record]) => {
                Self::UpdateOne { base: own(base), table: own(table), record: own(record), clear }
            }
            (&Method::DELETE, ["v0", base, table, record]) => {
                Self::DeleteOne { base: own(base), table: own(table), record: own(record) }
            }
            _ => Self::Unknown,
        }
    }

    /// The base the path names.
    pub(crate) fn base(&self) -> Option<&str> {
        match self {
            Self::Whoami | Self::Bases | Self::Unknown => None,
            Self::Schema { base }
            | Self::CreateTable { base }
            | Self::CreateField { base, .. }
            | Self::UpdateField { base, .. }
            | Self::List { base, .. }
            | Self::ListByPost { base, .. }
            | Self::Get { base, .. }
            | Self::Create { base, .. }
            | Self::Update { base, .. }
            | Self::UpdateOne { base, .. }
            | Self::Delete { base, .. }
            | Self::DeleteOne { base, .. } => Some(base),
        }
    }

    /// The scope the operation needs.
    pub(crate) fn scope(&self) -> Option<Scope> {
        match self {
            Self::Whoami | Self::Unknown => None,
            Self::Bases | Self::Schema { .. } => Some(Scope::ReadSchema),
            Self::CreateTable { .. } | Self::CreateField { .. } | Self::UpdateField { .. } => {
                Some(Scope::WriteSchema)
            }
            Self::List { .. } | Self::ListByPost { .. } | Self::Get { .. } => {
                Some(Scope::ReadRecords)
            }
            Self::Create { .. }
            | Self::Update { .. }
            | Self::UpdateOne { .. }
            | Self::Delete { .. }
            | Self::DeleteOne { .. } => Some(Scope::WriteRecords),
        }
    }

    /// Whether the operation reads or changes the schema: these go on when the quota is spent.
    pub(crate) fn is_meta(&self) -> bool {
        matches!(self.scope(), None | Some(Scope::ReadSchema | Scope::WriteSchema))
    }

    /// The name requests are counted by.
    pub(crate) fn kind(&self, body: &[u8]) -> &'static str {
        match self {
            Self::Whoami => "whoami",
            Self::Bases => "bases",
            Self::Schema { .. } => "schema",
            Self::CreateTable { .. } => "create_table",
            Self::CreateField { .. } => "create_field",
            Self::UpdateField { .. } => "update_field",
            Self::List { .. } | Self::ListByPost { .. } => "list",
            Self::Get { .. } => "get",
            Self::Create { .. } => "create",
            Self::Update { .. } if asks_upsert(body) => "upsert",
            Self::Update { .. } | Self::UpdateOne { .. } => "update",
            Self::Delete { .. } | Self::DeleteOne { .. } => "delete",
            Self::Unknown => "other",
        }
    }
}

fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Whether a body has `performUpsert` at its top.
fn asks_upsert(body: &[u8]) -> bool {
    const KEY: &str = "performUpsert";
    body.windows(KEY.len()).any(|part| part == KEY.as_bytes())
        && serde_json::from_slice::<Value>(body).is_ok_and(|body| body.get(KEY).is_some())
}
