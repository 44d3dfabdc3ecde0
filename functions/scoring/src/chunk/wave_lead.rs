//! A lead of a wave, with the row that was read.

use super::decision::Decision;
use crate::lead::cells::Cells;
use jiff::Timestamp;
use shared::core::ids::PostKey;
use shared::messages::ChunkLead;
use shared::services::airtable::Row;
use std::sync::Arc;

/// A lead of a wave, with the decision made before any model call.
pub(crate) struct WaveLead<'a> {
    pub(crate) lead: &'a ChunkLead,
    /// When its row was requested.
    pub(crate) read_at: Timestamp,
    pub(crate) row: Arc<Row>,
    pub(crate) cells: Cells,
    pub(crate) decision: Decision,
    /// Harvested posts that do not fit in its cell.
    pub(crate) left_out: Vec<PostKey>,
}
