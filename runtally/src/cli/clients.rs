//! The clients as the master base lists them.

use shared::adapters::http::HttpTransport;
use shared::core::ids::{BaseId, IdError};
use shared::schema::{CLIENT_BASE, PROFILES_ONLY_BASE, Table, clients};
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Row};
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
        self.base.parse()
    }

    /// Whether its leads' posts are scored.
    pub(super) fn has_posts_scored(&self) -> bool {
        !self.level.starts_with('1')
    }

    /// The tables that its base needs.
    pub(super) fn tables(&self) -> &'static [Table] {
        if self.has_posts_scored() { &CLIENT_BASE } else { &PROFILES_ONLY_BASE }
    }
}

/// Reads the table of clients, in the order of their ids.
pub(super) async fn list_clients(
    airtable: &Airtable<Arc<HttpTransport>>,
    master: &BaseId,
) -> Result<Vec<Client>, AirtableError> {
    let rows: Vec<Row> = airtable.list(master, clients::TABLE, &ListQuery::default()).await?;
    let mut listed: Vec<Client> = rows
        .iter()
        .map(|row| Client {
            id: row.text(clients::CLIENT_ID),
            status: row.text(clients::STATUS),
            base: row.text(clients::BASE_ID),
            level: row.text(clients::SERVICE_LEVEL),
        })
        .collect();
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(listed)
}
