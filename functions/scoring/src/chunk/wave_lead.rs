//! A lead of a wave, as its row was read.

use super::decision::Decision;
use crate::lead::cells::Cells;
use jiff::Timestamp;
use shared::core::ids::PostKey;
use shared::messages::ChunkLead;
use shared::services::airtable::Row;
use std::sync::Arc;

/// A lead of a wave, and what was decided about it before the model is asked.
pub(crate) struct WaveLead<'a> {
    pub(crate) lead: &'a ChunkLead,
    /// When its row was asked for.
    pub(crate) read_at: Timestamp,
    pub(crate) row: Arc<Row>,
    pub(crate) cells: Cells,
    pub(crate) decision: Decision,
    /// Harvested posts that its cell has no room for.
    pub(crate) left_out: Vec<PostKey>,
}
