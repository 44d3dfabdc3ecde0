//! The settings of a simulated Airtable.

use super::error::ApiError;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The settings of a simulated Airtable.
#[derive(Debug, Clone)]
pub struct AirtableOptions {
    /// Whether the limits of 5 requests a second per base and 50 per token apply.
    pub rate_limit: bool,
    /// How long an answer takes. The work is done when the request arrives, so a request may have
    /// an effect even if the caller gives up early.
    pub latency: Duration,
    /// The accepted tokens. All others are refused.
    pub tokens: Vec<Token>,
    /// Most rows of one page, however many are requested.
    pub page_rows: usize,
}

/// An access token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The token after `Bearer` in the header.
    pub secret: String,
    /// What the token may do.
    pub scopes: Vec<Scope>,
    /// The bases that the token can access; `None` means all.
    pub bases: Option<Vec<String>>,
}

/// A permission of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// List and get records.
    #[serde(rename = "data.records:read")]
    ReadRecords,
    /// Create, update and delete records.
    #[serde(rename = "data.records:write")]
    WriteRecords,
    /// List bases, read their schema.
    #[serde(rename = "schema.bases:read")]
    ReadSchema,
    /// Create tables, create and rename fields.
    #[serde(rename = "schema.bases:write")]
    WriteSchema,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] =
        [Self::ReadRecords, Self::WriteRecords, Self::ReadSchema, Self::WriteSchema];
}

impl Token {
    /// A token with all permissions on all bases.
    pub fn full(secret: &str) -> Self {
        Self { secret: secret.to_owned(), scopes: Scope::ALL.to_vec(), bases: None }
    }

    pub(crate) fn permit(&self, scope: Option<Scope>, base: Option<&str>) -> Result<(), ApiError> {
        let in_scope = scope.is_none_or(|scope| self.scopes.contains(&scope));
        let in_base = base.is_none_or(|base| self.reaches(base));
        if in_scope && in_base { Ok(()) } else { Err(ApiError::Forbidden) }
    }

    pub(crate) fn reaches(&self, base: &str) -> bool {
        self.bases.as_ref().is_none_or(|bases| bases.iter().any(|known| known == base))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { secret: _, scopes, bases } = self;
        f.debug_struct("Token").field("scopes", scopes).field("bases", bases).finish()
    }
}

impl Default for AirtableOptions {
    /// The defaults: rate limits on, no latency, no token, pages of 100 rows.
    fn default() -> Self {
        Self { rate_limit: true, latency: Duration::ZERO, tokens: Vec::new(), page_rows: 100 }
    }
}

impl AirtableOptions {
    /// The defaults, and one token with all permissions.
    pub fn with_token(secret: &str) -> Self {
        Self { tokens: vec![Token::full(secret)], ..Self::default() }
    }
}
