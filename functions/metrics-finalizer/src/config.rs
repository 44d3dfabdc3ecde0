//! The function's configuration.

use jiff::SignedDuration;
use shared::config::{AirtableConfig, ApifyConfig, ConfigError, QueueUrls, Vars};
use shared::ports::QueueName;
use std::collections::BTreeMap;

/// More than the 365 days for which records can be checked (`VERIFY_DAYS` in the template).
const SHORTEST_RETENTION_DAYS: u32 = 400;
/// Upper bounds of the times. Thousands of years back would be before the earliest representable
/// time, at each tick.
const LONGEST_PROJECT_SECONDS: u32 = 86_400;
const LONGEST_STALL_MINUTES: u32 = 525_600;
const LONGEST_DAYS: u32 = 36_500;

/// The settings that the metrics finalizer reads at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// How to reach Airtable, and which base holds the run records.
    pub airtable: AirtableConfig,
    /// `PROJECT_SECONDS`: minimum time between two writes of a record while its run is not over.
    pub project_every: SignedDuration,
    /// `STALL_MINUTES`: an open run without a sign of work for this long is Stalled.
    pub stall_after: SignedDuration,
    /// `VERIFY_DAYS`: how long after its last write a finished run's record is checked by every
    /// tick; with 0, only records of open runs are checked.
    pub verify_for: SignedDuration,
    /// Where to look for harvests whose webhook was missed; `None` to look nowhere.
    pub missed: Option<Missed>,
}

/// Where to look for harvests.
#[derive(Debug, Clone)]
pub struct Missed {
    /// How to reach Apify.
    pub apify: ApifyConfig,
    /// `APIFY_ACTORS`: ids or `username~name`, separated by commas.
    pub actors: Vec<String>,
}

impl Missed {
    fn read(
        vars: &Vars<impl Fn(&'static str) -> Option<String>>,
    ) -> Result<Option<Self>, ConfigError> {
        let Some(actors) = vars.text("APIFY_ACTORS") else { return Ok(None) };
        let actors = actors.split(',').map(|actor| actor.trim().replace('/', "~"));
        let actors: Vec<String> = actors.filter(|actor| !actor.is_empty()).collect();
        if actors.is_empty() {
            return Ok(None);
        }
        if !actors.iter().all(|actor| is_actor(actor)) {
            let rule = "it needs ids or `username~name` of actors, separated by commas".to_owned();
            return Err(ConfigError::Invalid { name: "APIFY_ACTORS", rule });
        }
        Ok(Some(Self { apify: ApifyConfig::read(vars)?, actors }))
    }
}

/// Whether Apify could have an actor with this name. For any other name, every tick would fail.
fn is_actor(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    name.bytes().all(is_plain) && name.matches('~').count() <= 1
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
            project_every: SignedDuration::from_secs(
                vars.within("PROJECT_SECONDS", 15, 0..=LONGEST_PROJECT_SECONDS)?.into(),
            ),
            stall_after: SignedDuration::from_mins(
                vars.within("STALL_MINUTES", 30, 0..=LONGEST_STALL_MINUTES)?.into(),
            ),
            verify_for: verify_for(&vars)?,
            missed: Missed::read(&vars)?,
        })
    }
}

/// Reads `VERIFY_DAYS`; see [`Config::verify_for`].
///
/// # Errors
/// [`ConfigError`] names the variable and the rule.
pub fn verify_for(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<SignedDuration, ConfigError> {
    let days: u32 = vars.within("VERIFY_DAYS", 7, 0..=LONGEST_DAYS)?;
    Ok(SignedDuration::from_hours(24 * i64::from(days)))
}

/// The URLs of the queues that the metrics finalizer uses on AWS.
///
/// # Errors
/// [`ConfigError`] names the variable.
pub fn queue_urls(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<BTreeMap<QueueName, QueueUrls>, ConfigError> {
    let metrics = QueueUrls::received_from(vars, QueueName::Metrics)?;
    let scoring = QueueUrls::sent_to(vars, QueueName::Scoring)?;
    let retry = QueueUrls::sent_to(vars, QueueName::Retry)?;
    let all =
        [(QueueName::Metrics, metrics), (QueueName::Scoring, scoring), (QueueName::Retry, retry)];
    Ok(all.into())
}

/// `EVENT_LOG_TABLE`: the event log's table on AWS.
///
/// # Errors
/// [`ConfigError`] if it is not set.
pub fn event_log_table(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<String, ConfigError> {
    vars.required("EVENT_LOG_TABLE", "the name of the event log's table")
}

/// `EVENT_LOG_DAYS`: how long the event log on AWS keeps an event; `None` for 0, which means
/// forever.
///
/// # Errors
/// [`ConfigError`] for a time in which records are still checked: without its events, a record
/// cannot be restored.
pub fn event_log_retention(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<Option<SignedDuration>, ConfigError> {
    let (name, days) = ("EVENT_LOG_DAYS", vars.within("EVENT_LOG_DAYS", 0, 0..=LONGEST_DAYS)?);
    match days {
        0 => Ok(None),
        SHORTEST_RETENTION_DAYS.. => Ok(Some(SignedDuration::from_hours(24 * i64::from(days)))),
        _ => {
            let rule = format!(
                "it needs 0, which keeps events forever, or at least {SHORTEST_RETENTION_DAYS} days"
            );
            Err(ConfigError::Invalid { name, rule })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The configuration with this variable, or what is wrong with it.
    fn read(name: &str, value: &str) -> Result<Config, String> {
        let all = [
            (name, value),
            ("AIRTABLE_TOKEN", "t"),
            ("MASTER_BASE_ID", "appAAAAAAAAAAAAAA"),
            ("APIFY_TOKEN", "t"),
        ];
        let find = |name| all.iter().find(|(known, _)| *known == name);
        Config::read(|name| find(name).map(|(_, value)| (*value).to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_longest_time_that_can_be_configured_can_be_counted_back_from_now() {
        let config = read("VERIFY_DAYS", "36500").unwrap();
        let now: jiff::Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        assert!(now.checked_sub(config.verify_for).is_ok());
        for (name, most) in
            [("VERIFY_DAYS", 36_500), ("STALL_MINUTES", 525_600), ("PROJECT_SECONDS", 86_400)]
        {
            let error = read(name, "4294967295").unwrap_err();
            let rule = format!("{name} is wrong: it needs a whole number from 0 to {most}");
            assert_eq!(error, rule);
        }
    }

    #[test]
    fn an_actor_that_apify_cannot_have_is_wrong_at_start() {
        let actors = |text| read("APIFY_ACTORS", text).map(|it| it.missed.map(|it| it.actors));
        let taken = vec!["harvestapi~posts".to_owned(), "moJRLRc85AitArpNN".to_owned()];
        assert_eq!(actors("harvestapi/posts, moJRLRc85AitArpNN,"), Ok(Some(taken)));
        assert_eq!(actors(" , "), Ok(None));
        for wrong in ["\"harvestapi~posts\"", "https://apify.com/a/b", "a~b;c~d", "[\"a~b\"]"] {
            assert_eq!(
                actors(wrong).unwrap_err(),
                "APIFY_ACTORS is wrong: it needs ids or `username~name` of actors, separated by commas"
            );
        }
    }
}
