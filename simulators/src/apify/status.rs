//! The status of a run.

use serde::{Deserialize, Serialize};

/// The status of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum RunStatus {
    /// Waiting for a machine.
    Ready,
    /// Working.
    Running,
    /// Ended successfully.
    #[default]
    Succeeded,
    /// Ended with an error.
    Failed,
    /// About to end because of its time limit.
    TimingOut,
    /// Ended because of its time limit. Its items are usable and paid for.
    TimedOut,
    /// About to end because somebody stopped it.
    Aborting,
    /// Ended because somebody stopped it; its items are usable and paid for.
    Aborted,
}

impl RunStatus {
    /// Whether nothing more will happen to the run.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::TimedOut | Self::Aborted => true,
            Self::Ready | Self::Running | Self::TimingOut | Self::Aborting => false,
        }
    }
}
