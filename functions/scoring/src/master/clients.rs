//! The clients, as the master base lists them.

use super::rows::MasterBase;
use shared::core::ids::{BaseId, ClientId};
use shared::messages::Kind;
use shared::ports::Transport;
use shared::schema::clients;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{AirtableError, Row};

/// A client, as its row describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The cell `Client ID`; not checked.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The cell `Status`.
    pub status: String,
    /// The id of its base; not checked.
    pub base: String,
    service_level: String,
    post_tokens: Option<u64>,
    profile_tokens: Option<u64>,
}

impl Client {
    /// Reads a client's row, which needs all its fields.
    pub fn read(row: &Row) -> Self {
        Self {
            id: row.text(clients::CLIENT_ID),
            name: row.text(clients::CLIENT_NAME),
            status: row.text(clients::STATUS),
            base: row.text(clients::BASE_ID),
            service_level: row.text(clients::SERVICE_LEVEL),
            post_tokens: row.whole(clients::POST_TOKEN_LIMIT),
            profile_tokens: row.whole(clients::PROFILE_TOKEN_LIMIT),
        }
    }

    /// Whether anything of it is scored.
    pub fn is_active(&self) -> bool {
        self.status == clients::ACTIVE
    }

    /// Whether its service level includes this kind of scoring. Level 1 is lead scoring, level 2
    /// lead and post scoring.
    pub fn has_scoring(&self, kind: Kind) -> bool {
        match kind {
            Kind::Post => !self.service_level.starts_with('1'),
            Kind::Profile => true,
        }
    }

    pub(crate) fn served_base(&self, kind: Kind) -> Result<BaseId, String> {
        let id = &self.id;
        if !self.is_active() {
            return Err(format!(
                "client {id:?} has the status {:?} and is not served: set {:?} to {:?} and post the webhook again",
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

    /// Most tokens that one run may use; `None` for no limit.
    pub(crate) fn token_limit(&self, kind: Kind) -> Option<u64> {
        match kind {
            Kind::Post => self.post_tokens,
            Kind::Profile => self.profile_tokens,
        }
    }
}

impl<T: Transport> MasterBase<'_, T> {
    pub(crate) async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, AirtableError> {
        let formula = Formula::equals(clients::CLIENT_ID, id.as_str());
        let rows = self.list(clients::TABLE, &[], formula).await?;
        Ok(rows.first().map(Client::read))
    }

    pub(crate) async fn served_clients(&self, kind: Kind) -> Result<Vec<ClientId>, AirtableError> {
        let formula = Formula::equals(clients::STATUS, clients::ACTIVE);
        let rows = self.list(clients::TABLE, &[], formula).await?;
        let mut ids: Vec<ClientId> = Vec::new();
        for client in rows.iter().map(Client::read) {
            if !client.is_active() || !client.has_scoring(kind) {
                continue;
            }
            match client.id.parse() {
                Ok(id) => ids.push(id),
                Err(error) => tracing::error!(%error, "client is left out"),
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}
