//! The function's configuration.

use jiff::SignedDuration;
use shared::config::{AirtableConfig, ConfigError, Vars};

/// What the metrics finalizer reads at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// How Airtable is reached, and which base holds the run records.
    pub airtable: AirtableConfig,
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
            project_every: SignedDuration::from_secs(vars.or("PROJECT_SECONDS", 15_u32)?.into()),
            stall_after: SignedDuration::from_mins(vars.or("STALL_MINUTES", 30_u32)?.into()),
        })
    }
}
