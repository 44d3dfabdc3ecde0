//! Checks whether the model answers, with the smallest call that really generates.

use super::client::Gemini;
use super::reply::{Call, Reply};
use super::settings::ModelSettings;
use shared::core::clock::Clock;
use shared::messages::{CallOutcome, ErrorCategory};
use shared::ports::Transport;

/// Why the model would not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", category.as_str())]
pub struct ModelProblem {
    /// The kind of problem, as on the record of a lead that could not be scored.
    pub category: ErrorCategory,
    pub(crate) detail: String,
}

/// Lets the configured model generate one token. This needs the same key, model, route and credit
/// as scoring. Counting tokens or listing models would not be enough, because both work without
/// credit. It costs a few tokens.
///
/// # Errors
/// [`ModelProblem`] as scoring would get it.
pub async fn probe_model(
    model: &ModelSettings,
    transport: impl Transport,
) -> Result<(), ModelProblem> {
    let gemini = Gemini::new(transport, model.clone(), Clock::system());
    let Call { billing, reply } = gemini.probe().await;
    match (billing, reply) {
        (CallOutcome::Answered { .. }, _) | (_, Reply::Text { .. }) => Ok(()),
        (_, Reply::Unusable { category, detail } | Reply::TryLater { category, detail, .. }) => {
            Err(ModelProblem { category, detail })
        }
        (_, Reply::Halted(halt)) => {
            Err(ModelProblem { category: halt.category, detail: halt.detail })
        }
        (_, Reply::Refused { detail, is_lasting }) => {
            let category =
                if is_lasting { ErrorCategory::ModelConfig } else { ErrorCategory::Unknown };
            Err(ModelProblem { category, detail })
        }
    }
}
