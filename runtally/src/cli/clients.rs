//! The clients as the master base lists them.

use serde_json::{Map, Value};
use shared::adapters::http::HttpTransport;
use shared::core::ids::{BaseId, IdError};
use shared::schema::{CLIENT_BASE, PROFILES_ONLY_BASE, Table, clients};
use shared::services::airtable::{Airtable, AirtableError, ListQuery};
use std::sync::Arc;

/// A row of the table of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) status: String,
    base: String,
    level: String,
}

impl Client {
    pub(super) fn is_served(&self) -> bool {
        self.status == clients::ACTIVE
    }

    pub(super) fn base(&self) -> Result<BaseId, IdError> {
        self.base.trim().parse()
    }

    /// Whether its leads' posts are scored.
    pub(super) fn has_posts_scored(&self) -> bool {
        !self.level.trim_start().starts_with('1')
    }

    /// The tables that its base needs.
    pub(super) fn tables(&self) -> &'static [Table] {
        if self.has_posts_scored() { &CLIENT_BASE } else { &PROFILES_ONLY_BASE }
    }
}

/// Reads the table of clients.
pub(super) async fn listed(
    airtable: &Airtable<Arc<HttpTransport>>,
    master: &BaseId,
) -> Result<Vec<Client>, AirtableError> {
    let rows: Vec<shared::services::airtable::Record<Map<String, Value>>> =
        airtable.list(master, clients::TABLE, &ListQuery::default()).await?;
    let text = |row: &Map<String, Value>, name: &str| {
        row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut listed: Vec<Client> = rows
        .into_iter()
        .map(|row| Client {
            id: text(&row.fields, clients::CLIENT_ID),
            status: text(&row.fields, clients::STATUS),
            base: text(&row.fields, clients::BASE_ID),
            level: text(&row.fields, clients::SERVICE_LEVEL),
        })
        .collect();
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(listed)
}
