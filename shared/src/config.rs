//! Configuration: read once at start and fully typed. No other code reads variables.
#![expect(missing_docs, reason = "a field whose name says all has no comment")]

use crate::core::ids::BaseId;
use crate::ports::QueueName;
use secrecy::SecretString;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use url::{Host, Url};

/// Where configuration is read from: the environment, or a test's closure.
pub struct Vars<F>(F);

/// A variable that is missing or wrong. Never shows the value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("{name} is not set: {purpose}")]
    Missing { name: &'static str, purpose: &'static str },
    #[error("{name} is wrong: {rule}")]
    Invalid { name: &'static str, rule: String },
}

impl<F: Fn(&'static str) -> Option<String>> Vars<F> {
    /// Reads variables with `read`. An empty variable counts as not set.
    pub fn new(read: F) -> Self {
        Self(read)
    }

    /// The variable as a string, if it is set.
    pub fn text(&self, name: &'static str) -> Option<String> {
        (self.0)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The variable as a string, if it is set. Quotes around it are an error: a shell removes them,
    /// but other readers of variable files, such as Docker, keep them.
    fn unquoted(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let text = self.text(name);
        let is_within = |text: &str, quote: char| {
            text.strip_prefix(quote).is_some_and(|rest| rest.ends_with(quote))
        };
        if text.as_ref().is_some_and(|text| is_within(text, '"') || is_within(text, '\'')) {
            let rule = "it is in quotes: set it without them".to_owned();
            return Err(ConfigError::Invalid { name, rule });
        }
        Ok(text)
    }

    /// The variable as `T`, if it is set.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for a value that is not a `T`.
    pub fn optional<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        self.unquoted(name)?
            .map(|text| text.parse())
            .transpose()
            .map_err(|error: T::Err| ConfigError::Invalid { name, rule: error.to_string() })
    }

    /// The variable as a whole number within `range`; `default` if it is not set.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for anything else.
    pub fn within<N: FromStr + PartialOrd + Display>(
        &self,
        name: &'static str,
        default: N,
        range: RangeInclusive<N>,
    ) -> Result<N, ConfigError> {
        let Some(text) = self.unquoted(name)? else { return Ok(default) };
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let rule = format!("it needs a whole number from {} to {}", range.start(), range.end());
            ConfigError::Invalid { name, rule }
        })
    }

    /// The variable as `T`.
    ///
    /// # Errors
    /// [`ConfigError`] if the variable is not set or is not a `T`.
    pub fn required<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
        purpose: &'static str,
    ) -> Result<T, ConfigError> {
        self.optional(name)?.ok_or(ConfigError::Missing { name, purpose })
    }

    /// The variable as a secret that is sent in a header, if it is set.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for a value that a header cannot contain.
    pub fn optional_secret(&self, name: &'static str) -> Result<Option<SecretString>, ConfigError> {
        let Some(secret) = self.unquoted(name)? else { return Ok(None) };
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            let rule = "a secret is plain ASCII without spaces".to_owned();
            return Err(ConfigError::Invalid { name, rule });
        }
        Ok(Some(SecretString::from(secret)))
    }

    /// The variable as a secret. It must be set.
    pub fn secret(
        &self,
        name: &'static str,
        purpose: &'static str,
    ) -> Result<SecretString, ConfigError> {
        self.optional_secret(name)?.ok_or(ConfigError::Missing { name, purpose })
    }

    /// The variable as the root of an API: an https URL that ends with `/`. Plain http is allowed
    /// only for private machines: loopback and private addresses, and names that no public host
    /// has.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for anything else, such as a URL with a query.
    pub fn api(&self, name: &'static str, default: &str) -> Result<Url, ConfigError> {
        let text = self.unquoted(name)?.unwrap_or_else(|| default.to_owned());
        let invalid = |rule: String| ConfigError::Invalid { name, rule };
        let is_root = |url: &Url| matches!(url.scheme(), "http" | "https") && url.query().is_none();
        let url = Url::parse(&format!("{}/", text.trim_end_matches('/'))).ok().filter(is_root);
        let url = url.ok_or_else(|| {
            invalid("it needs a whole http or https URL without a query".to_owned())
        })?;
        if url.scheme() == "http" && !is_private(&url) {
            return Err(invalid("plain http would show the token to others: use https".to_owned()));
        }
        Ok(url)
    }
}

/// Where an API's version is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// At the end of the root.
    OfRoot(&'static str),
    /// At the start of each request's path.
    OfPaths(&'static str),
}

impl Version {
    /// Checks that the root `url` in the variable `name` contains the version, or does not contain
    /// it. In the wrong case every request would be answered with 404.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] says what to add or to remove.
    pub fn check(self, name: &'static str, url: Url) -> Result<Url, ConfigError> {
        let last = url.path().trim_end_matches('/').rsplit('/').next();
        let rule = match self {
            Self::OfRoot(version) if last != Some(version) => {
                format!("it needs /{version} at its end")
            }
            Self::OfPaths(version) if last == Some(version) => {
                format!("leave out the /{version} at its end: each request adds it")
            }
            Self::OfRoot(_) | Self::OfPaths(_) => return Ok(url),
        };
        Err(ConfigError::Invalid { name, rule })
    }
}

/// Whether a URL's host is this machine. False for a string that is not a URL.
pub fn is_on_this_machine(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn is_private(url: &Url) -> bool {
    let is_private = match url.host() {
        Some(Host::Ipv4(address)) => address.is_private() || address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_unique_local() || address.is_unicast_link_local(),
        // A container's name, or a name reserved for private networks (RFC 6762, ICANN) or never
        // used (RFC 2606).
        Some(Host::Domain(name)) => {
            !name.contains('.')
                || [".internal", ".local", ".invalid"].iter().any(|end| name.ends_with(end))
        }
        None => false,
    };
    is_private || is_loopback(url)
}

/// The SQS URLs of one queue, as CloudFormation passes them to a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    pub url: String,
    /// Its dead-letter queue; `None` in a function that does not dead-letter messages.
    pub dead_letters: Option<String>,
}

impl QueueUrls {
    /// The URLs of a queue whose messages the function receives: `SCORING_QUEUE_URL` and
    /// `SCORING_DEAD_LETTERS_URL`, or the same variables for another queue.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] if one of the two is not set.
    pub fn received_from(
        vars: &Vars<impl Fn(&'static str) -> Option<String>>,
        queue: QueueName,
    ) -> Result<Self, ConfigError> {
        let name = match queue {
            QueueName::Scoring => "SCORING_DEAD_LETTERS_URL",
            QueueName::Metrics => "METRICS_DEAD_LETTERS_URL",
            QueueName::Retry => "RETRY_DEAD_LETTERS_URL",
        };
        let dead_letters = vars.required(name, "the URL of the queue's dead-letter queue")?;
        Ok(Self { dead_letters: Some(dead_letters), ..Self::sent_to(vars, queue)? })
    }

    /// The URL of a queue to which the function only sends: `SCORING_QUEUE_URL`,
    /// `METRICS_QUEUE_URL` or `RETRY_QUEUE_URL`.
    pub fn sent_to(
        vars: &Vars<impl Fn(&'static str) -> Option<String>>,
        queue: QueueName,
    ) -> Result<Self, ConfigError> {
        let name = match queue {
            QueueName::Scoring => "SCORING_QUEUE_URL",
            QueueName::Metrics => "METRICS_QUEUE_URL",
            QueueName::Retry => "RETRY_QUEUE_URL",
        };
        Ok(Self { url: vars.required(name, "the URL of the queue")?, dead_letters: None })
    }
}

/// The Airtable API, its token, and the master base.
#[derive(Debug, Clone)]
pub struct AirtableConfig {
    /// `AIRTABLE_API_URL`: the root of the API.
    pub url: Url,
    /// `AIRTABLE_TOKEN`: a personal access token.
    pub token: SecretString,
    /// `MASTER_BASE_ID`: the base with the clients and the run records.
    pub master_base: BaseId,
}

impl AirtableConfig {
    pub fn read(vars: &Vars<impl Fn(&'static str) -> Option<String>>) -> Result<Self, ConfigError> {
        Ok(Self {
            url: Version::OfPaths("v0").check(
                "AIRTABLE_API_URL",
                vars.api("AIRTABLE_API_URL", "https://api.airtable.com")?,
            )?,
            token: vars.secret("AIRTABLE_TOKEN", "the personal access token for Airtable")?,
            master_base: vars.required(
                "MASTER_BASE_ID",
                "the id of the base with the tables Clients and Client Run Results",
            )?,
        })
    }
}

/// The Apify API and its token.
#[derive(Debug, Clone)]
pub struct ApifyConfig {
    /// `APIFY_API_URL`: the root of the API.
    pub url: Url,
    /// `APIFY_TOKEN`: a token that can read runs, inputs and datasets.
    pub token: SecretString,
}

impl ApifyConfig {
    pub fn read(vars: &Vars<impl Fn(&'static str) -> Option<String>>) -> Result<Self, ConfigError> {
        Ok(Self {
            url: Version::OfRoot("v2")
                .check("APIFY_API_URL", vars.api("APIFY_API_URL", "https://api.apify.com/v2")?)?,
            token: vars.secret("APIFY_TOKEN", "the API token for Apify")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(value: Option<&str>) -> Vars<impl Fn(&'static str) -> Option<String>> {
        Vars::new(move |_| value.map(str::to_owned))
    }

    #[test]
    fn a_wrong_variable_is_named_without_its_value() {
        let error = vars(Some("appWRONG")).required::<BaseId>("MASTER_BASE_ID", "").unwrap_err();
        assert!(error.to_string().starts_with("MASTER_BASE_ID is wrong: "));
        let error = vars(Some("s3cr\u{e9}t")).secret("AIRTABLE_TOKEN", "").unwrap_err();
        assert_eq!(
            error.to_string(),
            "AIRTABLE_TOKEN is wrong: a secret is plain ASCII without spaces"
        );
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let error = vars(Some("  ")).secret("AIRTABLE_TOKEN", "the token").unwrap_err();
        assert_eq!(error.to_string(), "AIRTABLE_TOKEN is not set: the token");
    }

    #[test]
    fn a_variable_that_kept_the_quotes_of_a_file_is_wrong() {
        let wrong = "X is wrong: it is in quotes: set it without them";
        for quoted in ["\"5\"", "'5'"] {
            let said = [
                vars(Some(quoted)).within("X", 1, 1..=9).map(|_| ()),
                vars(Some(quoted)).optional::<String>("X").map(|_| ()),
                vars(Some(quoted)).optional_secret("X").map(|_| ()),
                vars(Some(quoted)).api("X", "").map(|_| ()),
            ];
            for said in said {
                assert_eq!(said.unwrap_err().to_string(), wrong);
            }
        }
        assert!(vars(Some("\"")).optional_secret("X").is_ok(), "one sign is no pair");
    }

    #[test]
    fn a_number_that_is_none_is_answered_with_the_rule() {
        for wrong in ["5s", "-1", "0", "10", "1,000", "5.0", "five", "99999999999999999999"] {
            assert_eq!(
                vars(Some(wrong)).within("X", 1, 1..=9).unwrap_err().to_string(),
                "X is wrong: it needs a whole number from 1 to 9",
                "{wrong}"
            );
        }
        assert_eq!(vars(Some(" 9 ")).within("X", 1, 1..=9), Ok(9));
        assert_eq!(vars(Some(" ")).within("X", 1, 1..=9), Ok(1));
    }

    #[test]
    fn a_root_that_is_no_whole_url_is_answered_with_the_rule() {
        for wrong in ["api.airtable.com", "localhost:9101", "https://", "ftp://x", "https://x?a=1"]
        {
            assert_eq!(
                vars(Some(wrong)).api("X", "").unwrap_err().to_string(),
                "X is wrong: it needs a whole http or https URL without a query",
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_root_with_the_version_at_the_wrong_place_is_answered_with_what_to_do() {
        let read = |name: &'static str, url: &str| {
            let url = url.to_owned();
            let vars = Vars::new(move |known| match known {
                "MASTER_BASE_ID" => Some("appAAAAAAAAAAAAAA".to_owned()),
                known if known == name => Some(url.clone()),
                _ => Some("token".to_owned()).filter(|_| known.ends_with("TOKEN")),
            });
            match name {
                "APIFY_API_URL" => ApifyConfig::read(&vars).map(|it| it.url.to_string()),
                _ => AirtableConfig::read(&vars).map(|it| it.url.to_string()),
            }
            .map_err(|error| error.to_string())
        };
        let apify = "APIFY_API_URL is wrong: it needs /v2 at its end";
        assert_eq!(read("APIFY_API_URL", "https://api.apify.com"), Err(apify.to_owned()));
        let taken = read("APIFY_API_URL", "https://apify.example/proxy/v2/");
        assert_eq!(taken.unwrap(), "https://apify.example/proxy/v2/");
        let airtable =
            "AIRTABLE_API_URL is wrong: leave out the /v0 at its end: each request adds it";
        for root in ["https://api.airtable.com/v0", "https://api.airtable.com/v0/"] {
            assert_eq!(read("AIRTABLE_API_URL", root), Err(airtable.to_owned()));
        }
        assert!(read("AIRTABLE_API_URL", "https://airtable.example/proxy").is_ok());
    }

    #[test]
    fn an_api_root_keeps_its_path() {
        let url = vars(Some("http://127.0.0.1:9001/v2")).api("APIFY_API_URL", "").unwrap();
        assert_eq!(
            url.join("actor-runs/x").unwrap().as_str(),
            "http://127.0.0.1:9001/v2/actor-runs/x"
        );
    }

    #[test]
    fn a_token_is_sent_over_plain_http_to_machines_of_ones_own_only() {
        let is_taken = |url: &str| vars(Some(url)).api("AIRTABLE_API_URL", "").is_ok();
        for own in [
            "localhost:1",
            "127.0.0.1:1",
            "[::1]:1",
            "10.0.0.7",
            "192.168.1.2",
            "emulator:4566",
            "host.docker.internal:1",
        ] {
            assert!(is_taken(&format!("http://{own}")), "{own}");
        }
        for other in ["api.airtable.com", "8.8.8.8", "[2001:db8::1]", "172.32.0.1"] {
            assert!(!is_taken(&format!("http://{other}")), "{other}");
            assert!(is_taken(&format!("https://{other}")), "{other}");
        }
    }
}
