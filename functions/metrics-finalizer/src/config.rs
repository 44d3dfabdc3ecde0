//! The function's configuration.

use jiff::SignedDuration;
use shared::airtable::Rate;
use shared::config::{AirtableConfig, ConfigError, QueueUrls, Vars};
use shared::seams::QueueName;
use std::collections::BTreeMap;

/// What the metrics finalizer reads at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// How Airtable is reached, and which base holds the run records.
    pub airtable: AirtableConfig,
    /// The share of the master base's request limit that this function keeps to.
    pub airtable_rate: Rate,
    /// `PROJECT_SECONDS`: while a run is going on its record is written at most this often.
    pub project_every: SignedDuration,
    /// `STALL_MINUTES`: an open run without a sign of work for this long is Stalled.
    pub stall_after: SignedDuration,
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
            airtable_rate: Rate::shared_by(2),
            project_every: SignedDuration::from_secs(vars.or("PROJECT_SECONDS", 15_u32)?.into()),
            stall_after: SignedDuration::from_mins(vars.or("STALL_MINUTES", 30_u32)?.into()),
        })
    }
}

/// Where the queues are that the metrics finalizer uses on AWS.
///
/// # Errors
/// [`ConfigError`] names the variable.
pub fn queue_urls(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
) -> Result<BTreeMap<QueueName, QueueUrls>, ConfigError> {
    let metrics = QueueUrls::received_from(vars, QueueName::Metrics)?;
    Ok([(QueueName::Metrics, metrics)].into())
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
