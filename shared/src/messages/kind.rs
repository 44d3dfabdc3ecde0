//! The two kinds of scoring.

use serde::{Deserialize, Serialize};

/// What is scored: posts or profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The leads' posts.
    Post,
    /// The leads' profiles.
    Profile,
}

impl Kind {
    /// The word in logs, notes and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Profile => "profile",
        }
    }
}
