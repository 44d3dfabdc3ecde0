//! Types that several files of this folder share.

use super::model::Level;
use serde::{Deserialize, Serialize};

/// Which of the two APIs a call uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface {
    /// The Developer API, with an API key.
    Studio,
    /// Vertex AI, with a token.
    Vertex,
}

/// The tier that serves a call, as a call requests it and as its usage names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServedTier {
    /// List price.
    #[default]
    #[serde(alias = "unspecified")]
    Standard,
    /// About half of the list price; may be refused.
    Flex,
    /// More than the list price.
    Priority,
}

/// How much to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    Level(Level),
    /// At most this many tokens.
    Budget(u64),
}
