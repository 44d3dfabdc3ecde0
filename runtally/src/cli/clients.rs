//! The clients that the master base lists, and what their bases need.

use scoring::Client;
use shared::adapters::http::HttpTransport;
use shared::core::ids::BaseId;
use shared::messages::Kind;
use shared::schema::{CLIENT_BASE, PROFILES_ONLY_BASE, Table};
use shared::services::airtable::{Airtable, AirtableError};

/// Reads the table of clients, in the order of their ids.
pub(super) async fn list_clients(
    airtable: &Airtable<HttpTransport>,
    master: &BaseId,
) -> Result<Vec<Client>, AirtableError> {
    let mut listed = scoring::listed_clients(airtable, master).await?;
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(listed)
}

pub(super) fn tables_of(client: &Client) -> &'static [Table] {
    if client.has_scoring(Kind::Post) { &CLIENT_BASE } else { &PROFILES_ONLY_BASE }
}
