//! A dataset or key-value store, and what a store holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a storage holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StorageKind {
    Dataset,
    KeyValueStore,
}

/// A dataset or key-value store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Storage {
    pub(super) kind: StorageKind,
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Timestamp,
    /// The run that made it; a caller did without one.
    #[serde(skip)]
    pub(super) maker: Option<Maker>,
}

/// What a storage shows of the run that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Maker {
    pub(super) run_id: String,
    pub(super) actor_id: String,
    /// Whether the dataset gives the same first page whatever page is asked for.
    pub(super) ignores_offset: bool,
}

/// A record of a key-value store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}
