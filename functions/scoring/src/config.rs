//! The function's configuration.

use crate::gemini::ModelSettings;
use shared::config::{AirtableConfig, ApifyConfig, ConfigError, QueueUrls, Vars};
use shared::ports::QueueName;
use shared::services::airtable::MAX_CHUNK_LANES;
use std::collections::BTreeMap;

/// Default number of leads per call: the cheapest, measured with the demo. With more leads, each
/// call saves less of the rubric than it costs when a call has to be split.
const DEFAULT_LEADS_PER_CALL: usize = 5;
/// Most leads per call: the leads of a wave.
const MOST_LEADS_PER_CALL: usize = 10;
/// The largest number with 15 digits, the most that the template accepts.
const MOST_DAILY_TOKENS: u64 = 999_999_999_999_999;

/// The settings that the function reads at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// How to reach Airtable, and which base lists the clients.
    pub airtable: AirtableConfig,
    /// `LANES`: how many chunks of one base may be scored at the same time.
    pub lanes: u32,
    /// `LEADS_PER_CALL`: how many leads one call asks about.
    pub leads_per_call: usize,
    /// `DAILY_TOKEN_LIMIT`: most tokens of all clients' runs in one day; `None` for no limit.
    pub daily_token_limit: Option<u64>,
    pub(crate) apify: ApifyConfig,
    /// `SIMULATED_SERVICES`: the services that are simulated although the records are real, such as
    /// `Gemini`. Each run's record shows it. `runtally serve` sets it.
    pub simulated: Option<String>,
    /// Which model is used, and how.
    pub model: ModelSettings,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable and the rule.
    pub fn read(read: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let vars = Vars::new(read);
        Ok(Self {
            airtable: AirtableConfig::read(&vars)?,
            lanes: vars.within("LANES", 2, 1..=MAX_CHUNK_LANES)?,
            leads_per_call: vars.within(
                "LEADS_PER_CALL",
                DEFAULT_LEADS_PER_CALL,
                1..=MOST_LEADS_PER_CALL,
            )?,
            daily_token_limit: daily_token_limit(&vars)?,
            apify: ApifyConfig::read(&vars)?,
            simulated: vars.text("SIMULATED_SERVICES"),
            model: ModelSettings::read(&vars)?,
        })
    }
}

fn daily_token_limit(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<Option<u64>, ConfigError> {
    const NAME: &str = "DAILY_TOKEN_LIMIT";
    let limit = vars.within(NAME, 0, 0..=MOST_DAILY_TOKENS)?;
    Ok(vars.text(NAME).map(|_| limit))
}

/// The URLs of the queues that scoring uses on AWS.
///
/// # Errors
/// [`ConfigError`] names the variable.
pub fn queue_urls(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<BTreeMap<QueueName, QueueUrls>, ConfigError> {
    let scoring = QueueUrls::received_from(vars, QueueName::Scoring)?;
    let metrics = QueueUrls::sent_to(vars, QueueName::Metrics)?;
    let retry = QueueUrls::received_from(vars, QueueName::Retry)?;
    let all =
        [(QueueName::Scoring, scoring), (QueueName::Metrics, metrics), (QueueName::Retry, retry)];
    Ok(all.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::{DEFAULT_MODEL, ThinkingLevel, TierChoice};
    use std::time::Duration;

    /// The configuration with these variables, or what is wrong with it.
    fn read(variables: &[(&str, &str)]) -> Result<Config, String> {
        let needed = [
            ("AIRTABLE_TOKEN", "t"),
            ("MASTER_BASE_ID", "appAAAAAAAAAAAAAA"),
            ("APIFY_TOKEN", "t"),
            ("GEMINI_API_KEY", "k"),
        ];
        let all = [variables, &needed].concat();
        let find = |name| all.iter().find(|(known, _)| *known == name);
        Config::read(|name| find(name).map(|(_, value)| (*value).to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_level_that_the_model_does_not_take_is_wrong_at_start() {
        let level = |model: &str, level: &str| {
            read(&[("GEMINI_MODEL", model), ("GEMINI_THINKING", level)]).map(|it| it.model.thinking)
        };
        assert_eq!(level(DEFAULT_MODEL, "minimal"), Ok(Some(ThinkingLevel::Minimal)));
        assert_eq!(level("gemini-3.5-flash", "MINIMAL"), Ok(Some(ThinkingLevel::Minimal)));
        assert_eq!(level("gemini-4-hydrogen", "XHIGH"), Ok(Some(ThinkingLevel::XHigh)));
        assert_eq!(level("gemini-9-newer", "High"), Ok(Some(ThinkingLevel::High)));
        assert_eq!(read(&[]).unwrap().model.thinking, None);
        for (model, name, rule) in [
            (DEFAULT_MODEL, "MAX", "it needs one of MINIMAL, LOW, MEDIUM, HIGH, XHIGH"),
            ("gemini-3.8-flash", "minimal", "{} does not take MINIMAL; it takes LOW, MEDIUM, HIGH"),
            ("gemini-4-argon", "minimal", "{} does not take MINIMAL; it takes LOW, MEDIUM, HIGH"),
            (
                "gemini-4-neon",
                "minimal",
                "{} does not take MINIMAL; it takes LOW, MEDIUM, HIGH, XHIGH",
            ),
            ("gemini-3.8-flash", "xhigh", "{} does not take XHIGH; it takes LOW, MEDIUM, HIGH"),
            ("gemini-2.5-flash", "low", "{} does not take a thinking level; leave it out"),
        ] {
            let rule = rule.replace("{}", model);
            assert_eq!(level(model, name), Err(format!("GEMINI_THINKING is wrong: {rule}")));
        }
    }

    #[test]
    fn a_model_is_named_itself() {
        assert_eq!(read(&[]).unwrap().model.id, "gemini-3.5-flash-lite");
        for (name, rule) in [
            (
                "gemini-flash-latest",
                "an alias moves to another model without notice; name the model itself",
            ),
            ("models/x", "a model id has only letters, digits, '-', '.' and '_'"),
        ] {
            let error = read(&[("GEMINI_MODEL", name)]).unwrap_err();
            assert_eq!(error, format!("GEMINI_MODEL is wrong: {rule}"));
        }
    }

    #[test]
    fn a_days_tokens_are_a_whole_number_or_not_limited() {
        let limit = |text| read(&[("DAILY_TOKEN_LIMIT", text)]).map(|it| it.daily_token_limit);
        assert_eq!((limit(""), limit("0"), limit("5000")), (Ok(None), Ok(Some(0)), Ok(Some(5000))));
        assert!(limit("1,000,000").unwrap_err().contains("a whole number from 0 to"));
    }

    #[test]
    fn a_call_has_time_to_be_answered() {
        let error = read(&[("GEMINI_TIMEOUT_SECONDS", "0")]).unwrap_err();
        assert_eq!(
            error,
            "GEMINI_TIMEOUT_SECONDS is wrong: it needs a whole number from 1 to 3600"
        );
    }

    #[test]
    fn calls_are_standard_unless_flex_is_chosen() {
        let tier = |variables: &[_]| read(variables).map(|config| config.model.tier);
        let flex = |seconds| TierChoice::Flex { wait: Duration::from_secs(seconds) };
        assert_eq!(tier(&[]), Ok(TierChoice::Standard));
        assert_eq!(tier(&[("GEMINI_TIER", "Flex")]), Ok(flex(60)));
        let wait = |seconds| [("GEMINI_TIER", "flex"), ("GEMINI_FLEX_WAIT_SECONDS", seconds)];
        assert_eq!(tier(&wait("10")), Ok(flex(10)));
        let error =
            "GEMINI_FLEX_WAIT_SECONDS is wrong: it needs a whole number from 10 to 3600".to_owned();
        assert_eq!(tier(&wait("9")), Err(error));
        let error = "GEMINI_TIER is wrong: it needs standard or flex".to_owned();
        assert_eq!(tier(&[("GEMINI_TIER", "batch")]), Err(error));
    }
}
