//! Which model is used, and how.

use super::endpoint::ModelEndpoint;
use super::model::{ThinkingLevel, check_level, check_model};
use super::tier::{SHORTEST_FLEX, TierChoice};
use shared::config::{ConfigError, Vars};
use shared::core::tokens::Surface;
use std::time::Duration;

/// The default model: made for much input and little output, and the cheapest that will not be
/// retired soon.
pub(crate) const DEFAULT_MODEL: &str = "gemini-3.5-flash-lite";

/// Default number of calls that a chunk has in flight. With two lanes and a model that takes five
/// seconds, this is about what keeps Airtable's limit of five requests a second busy.
const DEFAULT_CALLS_AT_ONCE: usize = 20;
/// Largest value: if the process dies, every call in flight is paid for and lost.
const MOST_CALLS_AT_ONCE: usize = 40;
/// Largest value for the time of a call or for the wait for flex: after an hour nothing is
/// answered.
const LONGEST_SECONDS: u64 = 3600;

/// Which model is used, and how.
#[derive(Debug, Clone)]
pub struct ModelSettings {
    pub(crate) endpoint: ModelEndpoint,
    /// `GEMINI_MODEL`: the model's id.
    pub id: String,
    /// `GEMINI_THINKING`: its thinking level; `None` for the model's default.
    pub(crate) thinking: Option<ThinkingLevel>,
    /// `GEMINI_TIER` and `GEMINI_FLEX_WAIT_SECONDS`: the tier of the calls.
    pub(crate) tier: TierChoice,
    /// `GEMINI_TIMEOUT_SECONDS`: longest time for a call at the standard tier.
    pub(crate) timeout: Duration,
    /// `CALLS_AT_ONCE`: most calls that a chunk may have in flight.
    pub(crate) calls_at_once: usize,
}

impl ModelSettings {
    /// The API that is used.
    pub fn surface(&self) -> Surface {
        self.endpoint.surface()
    }

    pub(crate) fn read(
        vars: &Vars<impl Fn(&'static str) -> Option<String>>,
    ) -> Result<Self, ConfigError> {
        let id = vars.text("GEMINI_MODEL").unwrap_or_else(|| DEFAULT_MODEL.to_owned());
        check_model(&id).map_err(|error| wrong("GEMINI_MODEL", &error))?;
        let endpoint = ModelEndpoint::read(vars)?;
        let mut tier = tier(vars)?;
        if tier != TierChoice::Standard && !endpoint.offers_flex() {
            tracing::warn!("Vertex AI has flex at the location global only; asking standard");
            tier = TierChoice::Standard;
        }
        Ok(Self {
            endpoint,
            thinking: thinking(vars, &id)?,
            id,
            tier,
            timeout: Duration::from_secs(vars.within(
                "GEMINI_TIMEOUT_SECONDS",
                60,
                1..=LONGEST_SECONDS,
            )?),
            calls_at_once: vars.within(
                "CALLS_AT_ONCE",
                DEFAULT_CALLS_AT_ONCE,
                1..=MOST_CALLS_AT_ONCE,
            )?,
        })
    }
}

fn wrong(name: &'static str, error: &impl ToString) -> ConfigError {
    ConfigError::Invalid { name, rule: error.to_string() }
}

fn thinking(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
    model: &str,
) -> Result<Option<ThinkingLevel>, ConfigError> {
    const NAME: &str = "GEMINI_THINKING";
    let Some(text) = vars.text(NAME) else { return Ok(None) };
    let level = ThinkingLevel::read(&text).map_err(|error| wrong(NAME, &error))?;
    check_level(model, level).map_err(|error| wrong(NAME, &error))?;
    Ok(Some(level))
}

fn tier(vars: &Vars<impl Fn(&'static str) -> Option<String>>) -> Result<TierChoice, ConfigError> {
    const WAIT: &str = "GEMINI_FLEX_WAIT_SECONDS";
    let bounds = SHORTEST_FLEX.as_secs()..=LONGEST_SECONDS;
    let wait = Duration::from_secs(vars.within(WAIT, 60, bounds)?);
    match vars.text("GEMINI_TIER").map(|tier| tier.to_ascii_lowercase()).as_deref() {
        None | Some("standard") => Ok(TierChoice::Standard),
        Some("flex") => Ok(TierChoice::Flex { wait }),
        Some(_) => Err(wrong("GEMINI_TIER", &"it needs standard or flex")),
    }
}
