//! The function's configuration.

use crate::gemini::{Endpoint, ServiceAccount, VertexAuth};
use secrecy::{ExposeSecret, SecretString};
use shared::airtable::Rate;
use shared::config::{AirtableConfig, ConfigError, QueueUrls, Vars};
use shared::seams::QueueName;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// The model that is asked when none is configured.
pub const DEFAULT_MODEL: &str = "gemini-3.5-flash-lite";

/// What the scoring function reads at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// How Airtable is reached, and which base lists the clients.
    pub airtable: AirtableConfig,
    /// The share of a base's request limit that this process keeps to.
    pub airtable_rate: Rate,
    /// `LANES`: how many chunks of one base are worked on at the same time.
    pub lanes: u32,
    /// `APIFY_API_URL`: the root of Apify's API.
    pub apify_url: Url,
    /// `APIFY_TOKEN`: reads runs, inputs and datasets.
    pub apify_token: SecretString,
    /// Where the model is.
    pub model_endpoint: ModelEndpoint,
    /// `GEMINI_MODEL`: the model's id.
    pub model: String,
    /// `GEMINI_THINKING`: its thinking level; the model's own default without it.
    pub thinking: Option<String>,
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
        if !(1..=10).contains(&lanes) {
            let rule = "it needs a number from 1 to 10".to_owned();
            return Err(ConfigError::Invalid { name: "LANES", rule });
        }
        let model = vars.text("GEMINI_MODEL").unwrap_or_else(|| DEFAULT_MODEL.to_owned());
        if !model.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')) {
            let rule = "a model id has only letters, digits, '-', '.' and '_'".to_owned();
            return Err(ConfigError::Invalid { name: "GEMINI_MODEL", rule });
        }
        Ok(Self {
            airtable: AirtableConfig::read(&vars)?,
            airtable_rate: Rate::shared_by(lanes as usize),
            lanes,
            apify_url: vars.api("APIFY_API_URL", "https://api.apify.com/v2")?,
            apify_token: vars.secret("APIFY_TOKEN", "the API token for Apify")?,
            model_endpoint: ModelEndpoint::read(&vars)?,
            model,
            thinking: vars.text("GEMINI_THINKING").map(|level| level.to_uppercase()),
            model_timeout: Duration::from_secs(vars.or("GEMINI_TIMEOUT_SECONDS", 60)?),
        })
    }
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
