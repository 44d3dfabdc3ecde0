//! The function's configuration.

use secrecy::SecretString;
use shared::config::{ConfigError, QueueUrls, Vars};
use shared::ports::QueueName;
use std::collections::BTreeMap;

/// What webhook intake reads at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The accepted bearer tokens: `WEBHOOK_TOKEN`, and `WEBHOOK_TOKEN_PREVIOUS` while one
    /// replaces the other.
    pub tokens: Vec<SecretString>,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable and the rule. Without a token the function does not
    /// start: there is no default.
    pub fn read(read: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let vars = Vars::new(read);
        let current =
            vars.secret("WEBHOOK_TOKEN", "the bearer token that Apify's webhooks carry")?;
        let previous = vars.optional_secret("WEBHOOK_TOKEN_PREVIOUS")?;
        Ok(Self { tokens: std::iter::once(current).chain(previous).collect() })
    }
}

/// The queues that webhook intake uses on AWS.
///
/// # Errors
/// [`ConfigError`] names the variable.
pub fn queue_urls(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<BTreeMap<QueueName, QueueUrls>, ConfigError> {
    let scoring = QueueUrls::sent_to(vars, QueueName::Scoring)?;
    let metrics = QueueUrls::sent_to(vars, QueueName::Metrics)?;
    Ok([(QueueName::Scoring, scoring), (QueueName::Metrics, metrics)].into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_token_the_function_refuses_to_start() {
        let error = Config::read(|_| None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "WEBHOOK_TOKEN is not set: the bearer token that Apify's webhooks carry"
        );
    }

    #[test]
    fn two_tokens_are_accepted_while_one_replaces_the_other() {
        assert_eq!(Config::read(|name| Some(name.to_owned())).unwrap().tokens.len(), 2);
        let one = Config::read(|name| (name == "WEBHOOK_TOKEN").then(|| "a".to_owned()));
        assert_eq!(one.unwrap().tokens.len(), 1);
    }
}
