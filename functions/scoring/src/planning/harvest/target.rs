//! What a harvest was requested for.

use shared::core::linkedin::ProfileKey;
use std::fmt;

/// A target. It is the same however its URL was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TargetKey {
    Profile(ProfileKey),
    /// A company, a single post, or a target that cannot be read.
    Other(String),
    /// An entry of the actor's input that nobody can read, by its keys.
    Unreadable(String),
}

/// The kind that the actor assumes for a target, by the list it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetKind {
    /// A person, unless the URL says otherwise.
    Person,
    Company,
}

impl TargetKey {
    /// The target that `text` names. It is a URL or an identifier.
    pub(super) fn of(text: &str, kind: TargetKind) -> Self {
        let profile = match kind {
            TargetKind::Person => ProfileKey::of_identifier(text),
            TargetKind::Company => None,
        };
        profile.map_or_else(|| Self::Other(text.trim().to_lowercase()), Self::Profile)
    }

    pub(super) fn profile(&self) -> Option<&ProfileKey> {
        match self {
            Self::Profile(profile) => Some(profile),
            Self::Other(_) | Self::Unreadable(_) => None,
        }
    }
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(profile) => write!(f, "{profile}"),
            Self::Other(text) | Self::Unreadable(text) => f.write_str(text),
        }
    }
}
