//! The run records, for an operator's command that also works without them.

use super::operator::Place;
use crate::result::Fault;
use shared::adapters::http::HttpTransport;
use shared::config::{AirtableConfig, Vars};
use shared::core::ids::BaseId;
use shared::services::airtable::{Airtable, AirtableError, Limiters, Rate};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for Airtable. After that the command answers without it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether Airtable is left out.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AirtableOption {
    /// Answer from the event log alone, at once
    #[arg(long)]
    no_airtable: bool,
}

/// The run records, or why they are not read.
pub(super) enum Records {
    There(Box<Airtable<HttpTransport>>, BaseId),
    LeftOut(String),
}

/// What was read from the records, or why nothing was.
pub(super) type Read<T> = Result<T, String>;

impl Records {
    pub(super) fn open(place: &Place, option: &AirtableOption) -> Result<Self, Fault> {
        if option.no_airtable {
            return Ok(Self::LeftOut("--no-airtable is given".to_owned()));
        }
        let variables = place.variables()?;
        let config = match AirtableConfig::read(&Vars::new(&variables)) {
            Ok(config) => config,
            Err(error) => return Ok(Self::LeftOut(error.to_string())),
        };
        let limiters = Arc::new(Limiters::of_one_process(Rate::OPERATOR));
        let master = config.master_base.clone();
        let airtable = Airtable::new(HttpTransport::new()?, config.url, config.token, limiters);
        Ok(Self::There(Box::new(airtable.impatient()), master))
    }

    /// Reads from Airtable once, and not for long.
    pub(super) async fn ask<'a, T, F: Future<Output = Result<T, AirtableError>>>(
        &'a self,
        question: impl FnOnce(&'a Airtable<HttpTransport>, &'a BaseId) -> F,
    ) -> Read<T> {
        let (airtable, master) = match self {
            Self::There(airtable, master) => (airtable, master),
            Self::LeftOut(reason) => return Err(reason.clone()),
        };
        match tokio::time::timeout(PATIENCE, question(airtable, master)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_elapsed) => {
                Err(format!("Airtable did not answer within {} s", PATIENCE.as_secs()))
            }
        }
    }
}
