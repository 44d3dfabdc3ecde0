//! Datasets, key-value stores, and the records in a store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The kind of a storage.
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
    /// The run that created it; `None` if a caller did.
    #[serde(skip)]
    pub(super) maker: Option<Maker>,
}

/// What a storage shows about the run that created it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Maker {
    pub(super) run_id: String,
    pub(super) actor_id: String,
    /// Whether the dataset returns the first page for every request.
    pub(super) ignores_offset: bool,
}

/// A record of a key-value store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}
