//! The clients that a task for all clients serves.

use super::clients::{Client, row_of};
use super::rows::MasterBase;
use jiff::Timestamp;
use shared::core::ids::ClientId;
use shared::messages::{ClientRow, Kind};
use shared::ports::Transport;
use shared::services::airtable::AirtableError;
use std::collections::BTreeMap;

impl<T: Transport> MasterBase<'_, T> {
    /// The clients whose leads are scored, and the clients whose rows are unreadable. Each comes
    /// with its row as read at `now`.
    pub(crate) async fn served_clients(
        &self,
        kind: Kind,
        now: Timestamp,
    ) -> Result<BTreeMap<ClientId, ClientRow>, AirtableError> {
        let (rows, notes) = self.clients(None).await?;
        let mut served = BTreeMap::new();
        for (row, client) in rows.iter().map(|row| (row, Client::read(row))) {
            // A client with an unreadable row gets a record that reports it.
            let is_served = client.is_active() && client.has_scoring(kind);
            let is_meant = is_served || client.unreadable().is_some();
            let Some(id) = client.named().filter(|_| is_meant) else { continue };
            let row = row_of(&rows, &id).unwrap_or(row);
            let of_id = rows.iter().filter(|row| Client::read(row).id == id.as_str());
            let doubles = of_id.map(|row| row.id.clone()).filter(|other| *other != row.id);
            let doubles = doubles.collect();
            let (record, cells) = (row.id.clone(), row.fields.clone());
            let notes = notes.clone();
            served.insert(id, ClientRow { read_at: now, record, cells, doubles, notes });
        }
        Ok(served)
    }
}
