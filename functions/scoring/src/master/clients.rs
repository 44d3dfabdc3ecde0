//! The clients listed in the master base.

use super::records::{FieldNames, Wanted};
use super::rows::MasterBase;
use jiff::Timestamp;
use shared::core::ids::{BaseId, ClientId, IdError, RecordId};
use shared::core::text::{as_seen, bounded, trim_invisible};
use shared::messages::{ClientRow, Kind};
use shared::ports::Transport;
use shared::schema::clients;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{Airtable, AirtableError, OddCell, Row};

/// The cells that are needed to decide whether a client is served, and with what.
const DECISIVE: [&str; 4] =
    [clients::CLIENT_ID, clients::STATUS, clients::SERVICE_LEVEL, clients::BASE_ID];

/// Longest part of a cell in a warning, in UTF-16 units.
const MAX_SHOWN: usize = 200;

/// A client as described by its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The cell `Client ID`, without invisible characters at its ends; not checked.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The cell `Status`.
    pub status: String,
    /// The id of its base; not checked.
    pub base: String,
    /// Problems in its row that were handled. Each is a sentence that says what to do.
    pub warnings: Vec<String>,
    service_level: String,
    /// The first decisive cell that cannot be read.
    odd: Option<OddCell>,
    post_tokens: Result<Option<u64>, OddCell>,
    profile_tokens: Result<Option<u64>, OddCell>,
}

impl Client {
    /// Reads a client's row. The row must have been read with all its fields.
    pub fn read(row: &Row) -> Self {
        let text = |field| trim_invisible(&row.text(field)).to_owned();
        let id = text(clients::CLIENT_ID);
        let written = row.fields.get(clients::CLIENT_ID).and_then(|id| id.as_str());
        let mut warnings = Vec::new();
        if let Some(written) = written.filter(|written| *written != id) {
            warnings.push(format!(
                "the {:?} of record {} is {:?}, with white space around it; it counts as {id:?}: correct it",
                clients::CLIENT_ID,
                row.id,
                bounded(written, MAX_SHOWN)
            ));
        }
        warnings.extend(row.odd([clients::CLIENT_NAME]).map(|odd| format!("{odd}: correct it")));
        let status = text(clients::STATUS);
        // An inactive row, such as an empty one, may have any id.
        let unusable = || unusable_id(row, &id).filter(|_| status == clients::ACTIVE);
        let odd = row.odd(DECISIVE).or_else(unusable);
        Self {
            id,
            name: text(clients::CLIENT_NAME),
            status,
            base: text(clients::BASE_ID),
            warnings,
            service_level: text(clients::SERVICE_LEVEL),
            odd,
            post_tokens: row.limit(clients::POST_TOKEN_LIMIT),
            profile_tokens: row.limit(clients::PROFILE_TOKEN_LIMIT),
        }
    }

    /// The client with this id, from a row that was read earlier.
    pub(crate) fn known(row: &ClientRow, id: &ClientId) -> Self {
        let ClientRow { record, cells, doubles, notes, .. } = row.clone();
        let row = Row { id: record, created_time: Timestamp::MAX, fields: cells };
        Self::read(&row).beside(&doubles).asked_as(id).warned(&notes)
    }

    /// Whether the client is scored at all.
    pub fn is_active(&self) -> bool {
        self.status == clients::ACTIVE && self.odd.is_none()
    }

    /// Whether its service level includes this kind of scoring. Level 1 means lead scoring, level 2
    /// lead and post scoring.
    pub fn has_scoring(&self, kind: Kind) -> bool {
        match kind {
            Kind::Post => !self.service_level.starts_with('1'),
            Kind::Profile => true,
        }
    }

    /// The first unreadable cell that prevents the client from being served.
    pub fn unreadable(&self) -> Option<&OddCell> {
        self.odd.as_ref()
    }

    /// The client id for its runs. If its row has no usable id, this is the id of the row.
    pub fn named(&self) -> Option<ClientId> {
        let by_row = || self.odd.as_ref()?.record.as_str().parse().ok();
        self.id.parse().ok().or_else(by_row)
    }

    /// The token limits that cannot be read, one sentence for each. Nothing is scored under them.
    pub fn unreadable_limits(&self) -> Vec<String> {
        [Kind::Post, Kind::Profile]
            .into_iter()
            .filter_map(|kind| self.unreadable_limit(kind))
            .collect()
    }

    pub(crate) fn served_base(&self, kind: Kind) -> Result<BaseId, String> {
        let id = bounded(&self.id, MAX_SHOWN);
        if let Some(odd) = &self.odd {
            return Err(format!("client {id:?} is not served: {odd}"));
        }
        if !self.is_active() {
            return Err(format!(
                "client {id:?} has the status {:?} and is not served: set {:?} to {:?}",
                self.status,
                clients::STATUS,
                clients::ACTIVE
            ));
        }
        if !self.has_scoring(kind) {
            return Err(format!(
                "client {id:?} has the service level {:?}, which has no {} scoring",
                self.service_level,
                kind.as_str()
            ));
        }
        self.base
            .parse()
            .map_err(|error| format!("client {id:?} has no usable {:?}: {error}", clients::BASE_ID))
    }

    /// Most tokens that one run may use; `None` for no limit. If the limit cannot be read, nothing
    /// may be used; [`Self::notes`] reports it.
    pub(crate) fn token_limit(&self, kind: Kind) -> Option<u64> {
        self.limit(kind).clone().unwrap_or(Some(0))
    }

    /// Notes about the client's row for the record of a run of this kind.
    pub(crate) fn notes(&self, kind: Kind) -> Vec<String> {
        self.warnings.iter().cloned().chain(self.unreadable_limit(kind)).collect()
    }

    fn unreadable_limit(&self, kind: Kind) -> Option<String> {
        let odd = self.limit(kind).as_ref().err()?;
        Some(format!(
            "the token limit of client {:?} cannot be read: {odd}; nothing is scored under it. Set a whole number, or clear it for no limit",
            self.id
        ))
    }

    fn limit(&self, kind: Kind) -> &Result<Option<u64>, OddCell> {
        match kind {
            Kind::Post => &self.post_tokens,
            Kind::Profile => &self.profile_tokens,
        }
    }

    /// Adds a warning about newer rows with the same id.
    fn beside(mut self, doubles: &[RecordId]) -> Self {
        if !doubles.is_empty() {
            let doubles: Vec<&str> = doubles.iter().map(RecordId::as_str).collect();
            self.warnings.push(format!(
                "several rows of {:?} have the {:?} {:?}, and the oldest counts; {} do not: merge them",
                clients::TABLE,
                clients::CLIENT_ID,
                self.id,
                doubles.join(", ")
            ));
        }
        self
    }

    fn warned(mut self, notes: &[String]) -> Self {
        self.warnings.extend_from_slice(notes);
        self
    }

    /// Adds a warning if its id is spelled differently from `asked`, although both look the same.
    fn asked_as(mut self, asked: &ClientId) -> Self {
        if self.id != asked.as_str() && self.warnings.is_empty() && self.odd.is_none() {
            self.warnings.push(format!(
                "client {:?} was asked for as {:?}, which looks the same but is spelled \
                 differently: correct one of them",
                self.id,
                asked.as_str()
            ));
        }
        self
    }
}

/// Every client of the table, oldest row first, as scoring reads it.
///
/// # Errors
/// If the table cannot be read, or lacks a field without which no client can be served.
pub async fn listed_clients<T: Transport>(
    airtable: &Airtable<T>,
    master: &BaseId,
) -> Result<Vec<Client>, AirtableError> {
    let (rows, notes) = MasterBase { airtable, id: master }.clients(None).await?;
    Ok(rows.iter().map(|row| Client::read(row).warned(&notes)).collect())
}

impl<T: Transport> MasterBase<'_, T> {
    /// The client with this id. A client whose id only looks the same is found too, with a warning.
    pub(crate) async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, AirtableError> {
        let (rows, notes) = self.clients(Some(id)).await?;
        if let Some((row, doubles)) = rows.split_first() {
            let doubles: Vec<RecordId> = doubles.iter().map(|row| row.id.clone()).collect();
            return Ok(Some(Client::read(row).beside(&doubles).warned(&notes)));
        }
        let (rows, notes) = self.clients(None).await?;
        Ok(row_of(&rows, id).map(|row| Client::read(row).asked_as(id).warned(&notes)))
    }

    /// The rows of the clients, or of the client with this id, oldest first, and notes about fields
    /// of the table. Every field is named in the request: otherwise a missing one, such as a token
    /// limit, would look like an empty cell.
    ///
    /// # Errors
    /// If the table lacks a field without which no client can be served.
    pub(super) async fn clients(
        &self,
        id: Option<&ClientId>,
    ) -> Result<(Vec<Row>, Vec<String>), AirtableError> {
        let fields = clients::FIELDS.each_ref().map(|field| field.name);
        let (table, known) = (clients::TABLE, &clients::FIELDS);
        let needed = &[clients::CLIENT_ID, clients::STATUS, clients::BASE_ID];
        let wanted = Wanted { table, known, fields: &fields, needed };
        let of_client = |names: &FieldNames| {
            id.map(|id| Formula::equals(names.of(clients::CLIENT_ID), id.as_str()))
        };
        let (rows, names) = self.by_our_names(wanted, of_client).await?;
        let mut notes = names.notes(table);
        if names.find(clients::SERVICE_LEVEL).is_none() {
            notes.push(format!(
                "{table:?} has no field {:?}: every client counts as one with post scoring; add it",
                clients::SERVICE_LEVEL
            ));
        }
        Ok((rows, notes))
    }
}

/// The cell of a row whose client id cannot be used.
fn unusable_id(row: &Row, id: &str) -> Option<OddCell> {
    let IdError { rule, .. } = id.parse::<ClientId>().err()?;
    let (record, field) = (row.id.clone(), clients::CLIENT_ID.to_owned());
    Some(OddCell { record, field, holds: format!("a value that is not a client id: {rule}") })
}

/// The first row with this id, or otherwise the first row whose id looks the same.
pub(super) fn row_of<'a>(rows: &'a [Row], id: &ClientId) -> Option<&'a Row> {
    let is_it = |row: &&Row| {
        row.fields.get(clients::CLIENT_ID).and_then(|cell| cell.as_str()) == Some(id.as_str())
    };
    let looks_like = as_seen(id.as_str());
    let looks_so = |row: &&Row| as_seen(&Client::read(row).id) == looks_like;
    rows.iter().find(is_it).or_else(|| rows.iter().find(looks_so))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use serde_json::json;

    fn client(field: &str, cell: serde_json::Value) -> Client {
        let mut row =
            testing::row(&json!({clients::CLIENT_ID: "Guy-Wilson", clients::STATUS: "Active",
            clients::SERVICE_LEVEL: "1-Lead scoring", clients::BASE_ID: "appX8s1pPiBf5rqTz"}));
        row.fields.insert(field.to_owned(), cell);
        Client::read(&row)
    }

    #[test]
    fn a_client_whose_row_cannot_be_read_is_not_served_whatever_the_cell_would_say() {
        for field in DECISIVE {
            let client = client(field, json!({"error": "#ERROR!"}));
            let refused = client.served_base(Kind::Profile).unwrap_err();
            let says = format!("the field {field:?} of record rec00000000000001 holds an error");
            assert!(refused.contains(&says), "{refused}");
            assert!(!client.is_active());
        }
        assert!(client(clients::CLIENT_NAME, json!(["x"])).served_base(Kind::Profile).is_ok());
    }

    #[test]
    fn under_a_limit_that_nobody_can_read_nothing_may_be_used() {
        let client = client(clients::POST_TOKEN_LIMIT, json!({"specialValue": "NaN"}));
        assert_eq!(client.token_limit(Kind::Post), Some(0));
        assert_eq!(client.token_limit(Kind::Profile), None, "that one is empty");
        let notes = client.notes(Kind::Post);
        for words in ["\"Guy-Wilson\"", "\"Post Scoring Token Limit\"", "NaN"] {
            assert!(notes[0].contains(words), "{words} is not in {notes:?}");
        }
        assert_eq!(client.notes(Kind::Profile), [""; 0]);
    }

    #[test]
    fn white_space_around_a_client_id_is_dropped_with_a_warning() {
        for id in ["Mara-Lindqvist ", "\u{a0}Mara-Lindqvist", "Mara-Lindqvist\u{200b}"] {
            let client = client(clients::CLIENT_ID, json!(id));
            assert_eq!(
                (client.id.as_str(), client.warnings.len()),
                ("Mara-Lindqvist", 1),
                "{id:?}"
            );
        }
        let nfd = client(clients::CLIENT_ID, json!("Jose\u{301}"));
        assert_eq!(nfd.warnings, [""; 0]);
        assert_eq!(nfd.asked_as(&"José".parse().unwrap()).warnings.len(), 1);
    }
}
