//! The function's configuration.

use crate::gemini::{
    self, Endpoint, SHORTEST_FLEX, ServiceAccount, ThinkingLevel, TierChoice, TierName, VertexAuth,
};
use secrecy::{ExposeSecret, SecretString};
use shared::config::{AirtableConfig, ApifyConfig, ConfigError, QueueUrls, Vars};
use shared::ports::QueueName;
use shared::services::airtable::MAX_CHUNK_LANES;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// The model that is asked when none is configured: made to read much and answer little, and the
/// cheapest that is not about to end.
pub const DEFAULT_MODEL: &str = "gemini-3.5-flash-lite";

/// Leads of one call when none are configured: measured with the demo it costs least. More save
/// less of the rubric than they add where a call has to be split.
const DEFAULT_LEADS_PER_CALL: usize = 5;
/// Most leads of one call: a wave's, which are written in one request.
const MOST_LEADS_PER_CALL: usize = 10;

/// What the scoring function reads at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// How Airtable is reached, and which base lists the clients.
    pub airtable: AirtableConfig,
    /// `LANES`: how many chunks of one base are worked on at the same time.
    pub lanes: u32,
    /// `LEADS_PER_CALL`: how many leads the model is asked about at once.
    pub leads_per_call: usize,
    /// `DAILY_TOKEN_LIMIT`: most tokens of all clients' runs of one day; no limit without it.
    pub daily_token_limit: Option<u64>,
    /// How Apify is reached.
    pub apify: ApifyConfig,
    /// Where the model is.
    pub model_endpoint: ModelEndpoint,
    /// `GEMINI_MODEL`: the model's id.
    pub model: String,
    /// `GEMINI_THINKING`: its thinking level; the model's own default without it.
    pub thinking: Option<ThinkingLevel>,
    /// `GEMINI_TIER` and `GEMINI_FLEX_WAIT_SECONDS`: the tier its calls are made at.
    pub tier: TierChoice,
    /// `GEMINI_TIMEOUT_SECONDS`: the longest time one call takes.
    pub model_timeout: Duration,
}

/// Where the model is: the Gemini Developer API or Vertex AI.
#[derive(Debug, Clone)]
pub enum ModelEndpoint {
    /// `GEMINI_API_URL` and `GEMINI_API_KEY`.
    Developer {
        /// The root of the API.
        url: Url,
        /// The API key.
        key: SecretString,
    },
    /// `VERTEX_SERVICE_ACCOUNT`, `VERTEX_LOCATION`, and `VERTEX_API_URL` in place of Google's.
    Vertex {
        /// The root of the publisher's models.
        url: Url,
        /// The JSON of the service account's key.
        service_account: SecretString,
    },
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable and the rule.
    pub fn read(read: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let vars = Vars::new(read);
        let lanes: u32 = vars.or("LANES", 2)?;
        if !(1..=MAX_CHUNK_LANES).contains(&lanes) {
            let rule = format!("it needs a number from 1 to {MAX_CHUNK_LANES}");
            return Err(ConfigError::Invalid { name: "LANES", rule });
        }
        let leads_per_call: usize = vars.or("LEADS_PER_CALL", DEFAULT_LEADS_PER_CALL)?;
        if !(1..=MOST_LEADS_PER_CALL).contains(&leads_per_call) {
            let rule = format!("it needs a number from 1 to {MOST_LEADS_PER_CALL}");
            return Err(ConfigError::Invalid { name: "LEADS_PER_CALL", rule });
        }
        let model = vars.text("GEMINI_MODEL").unwrap_or_else(|| DEFAULT_MODEL.to_owned());
        gemini::check(&model).map_err(|error| wrong("GEMINI_MODEL", &error))?;
        Ok(Self {
            airtable: AirtableConfig::read(&vars)?,
            lanes,
            leads_per_call,
            daily_token_limit: vars.optional("DAILY_TOKEN_LIMIT")?,
            apify: ApifyConfig::read(&vars)?,
            model_endpoint: ModelEndpoint::read(&vars)?,
            thinking: thinking(&vars, &model)?,
            model,
            tier: tier(&vars)?,
            model_timeout: Duration::from_secs(vars.or("GEMINI_TIMEOUT_SECONDS", 60)?),
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
    gemini::check_level(model, level).map_err(|error| wrong(NAME, &error))?;
    Ok(Some(level))
}

fn tier(vars: &Vars<impl Fn(&'static str) -> Option<String>>) -> Result<TierChoice, ConfigError> {
    const WAIT: &str = "GEMINI_FLEX_WAIT_SECONDS";
    let wait = Duration::from_secs(vars.or(WAIT, 60)?);
    if wait < SHORTEST_FLEX {
        let rule = format!("it needs at least {} seconds", SHORTEST_FLEX.as_secs());
        return Err(ConfigError::Invalid { name: WAIT, rule });
    }
    Ok(match vars.or("GEMINI_TIER", TierName::Standard)? {
        TierName::Standard => TierChoice::Standard,
        TierName::Flex => TierChoice::Flex { wait },
    })
}

impl ModelEndpoint {
    fn read(vars: &Vars<impl Fn(&'static str) -> Option<String>>) -> Result<Self, ConfigError> {
        const ACCOUNT: &str = "VERTEX_SERVICE_ACCOUNT";
        let Some(service_account) = vars.text(ACCOUNT) else {
            return Ok(Self::Developer {
                url: vars.api("GEMINI_API_URL", "https://generativelanguage.googleapis.com")?,
                key: vars.secret(
                    "GEMINI_API_KEY",
                    "the API key for Gemini (or set VERTEX_SERVICE_ACCOUNT to use Vertex AI)",
                )?,
            });
        };
        let account = ServiceAccount::read(&service_account)
            .map_err(|error| ConfigError::Invalid { name: ACCOUNT, rule: error.to_string() })?;
        let location = vars.text("VERTEX_LOCATION").unwrap_or_else(|| "global".to_owned());
        let host = match location.as_str() {
            "global" => "https://aiplatform.googleapis.com".to_owned(),
            "us" | "eu" => format!("https://aiplatform.{location}.rep.googleapis.com"),
            region => format!("https://{region}-aiplatform.googleapis.com"),
        };
        let path =
            format!("v1/projects/{}/locations/{location}/publishers/google/", account.project());
        let url = vars.api("VERTEX_API_URL", &host)?.join(&path).map_err(|error| {
            ConfigError::Invalid { name: "VERTEX_LOCATION", rule: error.to_string() }
        })?;
        Ok(Self::Vertex { url, service_account: SecretString::from(service_account) })
    }

    /// The endpoint as the client uses it.
    pub(crate) fn connect(&self) -> Endpoint {
        match self {
            Self::Developer { url, key } => {
                Endpoint::Developer { url: url.clone(), key: key.clone() }
            }
            Self::Vertex { url, service_account } => {
                let account = ServiceAccount::read(service_account.expose_secret())
                    .expect("reading the configuration checked the key");
                Endpoint::Vertex { url: url.clone(), auth: Box::new(VertexAuth::new(account)) }
            }
        }
    }
}

/// Where the queues are that scoring uses on AWS.
///
/// # Errors
/// [`ConfigError`] names the variable.
pub fn queue_urls(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<BTreeMap<QueueName, QueueUrls>, ConfigError> {
    let scoring = QueueUrls::received_from(vars, QueueName::Scoring)?;
    let metrics = QueueUrls::sent_to(vars, QueueName::Metrics)?;
    Ok([(QueueName::Scoring, scoring), (QueueName::Metrics, metrics)].into())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            read(&[("GEMINI_MODEL", model), ("GEMINI_THINKING", level)]).map(|it| it.thinking)
        };
        assert_eq!(level(DEFAULT_MODEL, "minimal"), Ok(Some(ThinkingLevel::Minimal)));
        assert_eq!(level("gemini-3.5-flash", "MINIMAL"), Ok(Some(ThinkingLevel::Minimal)));
        assert_eq!(level("gemini-9-newer", "High"), Ok(Some(ThinkingLevel::High)));
        assert_eq!(read(&[]).unwrap().thinking, None);
        for (model, name, rule) in [
            (DEFAULT_MODEL, "MAX", "it needs one of MINIMAL, LOW, MEDIUM, HIGH"),
            (
                "gemini-3.8-flash",
                "minimal",
                "gemini-3.8-flash does not take MINIMAL; it takes LOW, MEDIUM, HIGH",
            ),
            (
                "gemini-4-argon",
                "minimal",
                "gemini-4-argon does not take MINIMAL; it takes LOW, MEDIUM, HIGH",
            ),
            ("gemini-2.5-flash", "low", "gemini-2.5-flash takes no thinking level; leave it out"),
        ] {
            assert_eq!(level(model, name), Err(format!("GEMINI_THINKING is wrong: {rule}")));
        }
    }

    #[test]
    fn a_model_is_named_itself() {
        assert_eq!(read(&[]).unwrap().model, "gemini-3.5-flash-lite");
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
    fn calls_are_standard_unless_flex_is_chosen() {
        let tier = |variables: &[_]| read(variables).map(|config| config.tier);
        let flex = |seconds| TierChoice::Flex { wait: Duration::from_secs(seconds) };
        assert_eq!(tier(&[]), Ok(TierChoice::Standard));
        assert_eq!(tier(&[("GEMINI_TIER", "Flex")]), Ok(flex(60)));
        let wait = |seconds| [("GEMINI_TIER", "flex"), ("GEMINI_FLEX_WAIT_SECONDS", seconds)];
        assert_eq!(tier(&wait("10")), Ok(flex(10)));
        let error = "GEMINI_FLEX_WAIT_SECONDS is wrong: it needs at least 10 seconds".to_owned();
        assert_eq!(tier(&wait("9")), Err(error));
        let error = "GEMINI_TIER is wrong: it needs standard or flex".to_owned();
        assert_eq!(tier(&[("GEMINI_TIER", "batch")]), Err(error));
    }
}
