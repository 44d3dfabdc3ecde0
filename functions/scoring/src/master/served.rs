//! The clients that a task for all clients serves.

use super::clients::{Client, row_of};
use super::rows::MasterBase;
use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::core::ids::ClientId;
use shared::messages::{ClientRow, Kind};
use shared::ports::Transport;
use shared::schema::clients;
use shared::services::airtable::{AirtableError, Row};
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
            let (record, notes) = (row.id.clone(), notes.clone());
            let cells = known_cells(row);
            served.insert(id, ClientRow { read_at: now, record, cells, doubles, notes });
        }
        Ok(served)
    }
}

/// The cells of our fields. Without access to the schema, every field of the table may be read, but
/// the other fields do not belong in a queue.
fn known_cells(row: &Row) -> Map<String, Value> {
    let is_ours = |name: &str| clients::FIELDS.iter().any(|field| field.name == name);
    let cells = row.fields.iter().filter(|(name, _)| is_ours(name));
    cells.map(|(name, cell)| (name.clone(), cell.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_cells_of_our_fields_are_passed_on() {
        let fields = json!({"Client ID": "Guy-Wilson", "Status": "Active", "Diary": "private"});
        let row = json!({"id": "recClient00000001", "createdTime": "2026-11-23T10:00:00Z",
            "fields": fields});
        let cells = known_cells(&serde_json::from_value(row).unwrap());
        assert_eq!(json!(cells), json!({"Client ID": "Guy-Wilson", "Status": "Active"}));
    }
}
