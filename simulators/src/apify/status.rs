//! Where a run stands.

use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum RunStatus {
    /// Waiting for a machine.
    Ready,
    /// At work.
    Running,
    /// Ended well.
    #[default]
    Succeeded,
    /// Ended badly.
    Failed,
    /// About to end because its time is up.
    TimingOut,
    /// Ended because its time was up; its items are usable and paid for.
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
