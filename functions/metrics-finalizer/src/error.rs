//! Why a part of a tick failed.

use shared::ports::{LogError, QueueError};
use shared::services::airtable::AirtableError;

/// What a tick could not do. The next tick tries again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TickError {
    #[error(transparent)]
    Airtable(#[from] AirtableError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}
