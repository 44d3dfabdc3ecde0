//! The function's configuration.

use jiff::SignedDuration;
use shared::config::{AirtableConfig, ApifyConfig, ConfigError, QueueUrls, Vars};
use shared::ports::QueueName;
use std::collections::BTreeMap;

/// More than the 365 days for which a record can be looked after (`VERIFY_DAYS` of the template).
const SHORTEST_RETENTION_DAYS: u32 = 400;

/// What the metrics finalizer reads at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// How to reach Airtable, and which base holds the run records.
    pub airtable: AirtableConfig,
    /// `PROJECT_SECONDS`: the least time between two writes of a record while its run goes on.
    pub project_every: SignedDuration,
    /// `STALL_MINUTES`: an open run without a sign of work for this long is Stalled.
    pub stall_after: SignedDuration,
    /// `VERIFY_DAYS`: for so long after its last write, every tick checks the record of a finished
    /// run; 0: only those of open runs.
    pub verify_for: SignedDuration,
    /// Where to look for harvests whose webhook was missed; `None`: nowhere.
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
        Ok(Some(Self { apify: ApifyConfig::read(vars)?, actors }))
    }
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
            project_every: SignedDuration::from_secs(vars.or("PROJECT_SECONDS", 15_u32)?.into()),
            stall_after: SignedDuration::from_mins(vars.or("STALL_MINUTES", 30_u32)?.into()),
            verify_for: SignedDuration::from_hours(24 * i64::from(vars.or("VERIFY_DAYS", 7_u32)?)),
            missed: Missed::read(&vars)?,
        })
    }
}

/// The queues that the metrics finalizer uses on AWS.
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
/// [`ConfigError`] when it is not set.
pub fn event_log_table(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<String, ConfigError> {
    vars.required("EVENT_LOG_TABLE", "the name of the event log's table")
}

/// `EVENT_LOG_DAYS`: how long the event log on AWS keeps an event; `None`, as for 0: for ever.
///
/// # Errors
/// [`ConfigError`] for a time in which records are still looked after: without its events, no record
/// can be restored.
pub fn event_log_retention(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<Option<SignedDuration>, ConfigError> {
    let (name, days) = ("EVENT_LOG_DAYS", vars.or("EVENT_LOG_DAYS", 0_u32)?);
    match days {
        0 => Ok(None),
        SHORTEST_RETENTION_DAYS.. => Ok(Some(SignedDuration::from_hours(24 * i64::from(days)))),
        _ => {
            let rule = format!("0 for ever, or at least {SHORTEST_RETENTION_DAYS} days");
            Err(ConfigError::Invalid { name, rule })
        }
    }
}
