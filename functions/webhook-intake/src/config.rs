//! The function's configuration.

use secrecy::{ExposeSecret, SecretString};
use shared::config::{ConfigError, QueueUrls, Vars};
use shared::ports::QueueName;
use std::collections::BTreeMap;

/// Fewest characters of a token: 64 bits, if it consists of random hexadecimal digits.
const SHORTEST_TOKEN: usize = 16;

/// The settings that webhook intake reads at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The accepted bearer tokens: `WEBHOOK_TOKEN`, and also `WEBHOOK_TOKEN_PREVIOUS` while the
    /// token is being replaced.
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
        let (current, previous) = ("WEBHOOK_TOKEN", "WEBHOOK_TOKEN_PREVIOUS");
        let token = vars.secret(current, "the bearer token that Apify's webhooks carry")?;
        let mut tokens = vec![long_enough(current, token)?];
        if let Some(token) = vars.optional_secret(previous)? {
            tokens.push(long_enough(previous, token)?);
        }
        Ok(Self { tokens })
    }
}

fn long_enough(name: &'static str, token: SecretString) -> Result<SecretString, ConfigError> {
    if token.expose_secret().len() < SHORTEST_TOKEN {
        let rule = format!(
            "it needs at least {SHORTEST_TOKEN} characters; a shorter token can be guessed"
        );
        return Err(ConfigError::Invalid { name, rule });
    }
    Ok(token)
}

/// The URLs of the queues that webhook intake uses on AWS.
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
        let both = Config::read(|name| Some(format!("invented {name}").replace(' ', "-")));
        assert_eq!(both.unwrap().tokens.len(), 2);
        let token = "invented-webhook-token".to_owned();
        let one = Config::read(|name| (name == "WEBHOOK_TOKEN").then(|| token.clone()));
        assert_eq!(one.unwrap().tokens.len(), 1);
    }

    #[test]
    fn a_token_that_can_be_guessed_is_refused() {
        let read = |name| (name == "WEBHOOK_TOKEN").then(|| "fifteen-letters".to_owned());
        assert_eq!(
            Config::read(read).unwrap_err().to_string(),
            "WEBHOOK_TOKEN is wrong: it needs at least 16 characters; a shorter token can be guessed"
        );
    }
}
