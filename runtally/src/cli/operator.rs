//! What the operator's commands have in common: their options, their configuration, and how they
//! answer.

use super::Fault;
use crate::system::{Deployment, Served, Variables};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;
use shared::adapters::http::HttpTransport;
use shared::config::{AirtableConfig, Vars};
use shared::core::ids::{BaseId, RunId};
use shared::messages::{Message, MetricsEvent, MetricsMessage};
use shared::ports::RunLog;
use shared::services::airtable::{Airtable, Limiters, Rate};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Widest table, for a terminal whose width is not known.
const WIDTH: u16 = 110;

/// Where the system's data is, and how to answer.
#[derive(Debug, Clone, clap::Args)]
pub struct Place {
    /// Folder of the data of `runtally serve`; not looked at when SCORING_QUEUE_URL and the like
    /// say that it is on AWS
    #[arg(long, default_value = ".runtally")]
    pub data: PathBuf,
    /// Answer with one JSON object
    #[arg(long)]
    pub json: bool,
}

impl Place {
    /// Reads variables as the functions do: from the environment, and for what `runtally serve`
    /// simulates from the word it left.
    pub(super) fn variables(&self) -> Result<impl Variables, Fault> {
        let served = Served::read(&self.data)
            .map_err(|error| format!("what `runtally serve` left cannot be read: {error}"))?;
        Ok(move |name| served.variable(name))
    }
}

/// A command's way to the system.
pub(super) struct Operator {
    pub(super) deployment: Deployment,
    pub(super) airtable: Airtable<Arc<HttpTransport>>,
    /// The base of the run records.
    pub(super) master: BaseId,
}

impl Operator {
    pub(super) fn open(place: &Place) -> Result<Self, Fault> {
        let variables = place.variables()?;
        let deployment = Deployment::open(&variables, &place.data)?;
        let config = AirtableConfig::read(&Vars::new(&variables))?;
        let transport = Arc::new(HttpTransport::new()?);
        let master = config.master_base.clone();
        Ok(Self { deployment, airtable: airtable(config, transport), master })
    }

    /// The run's log; an error that says what to do when it holds nothing.
    pub(super) async fn log_of(&self, run: &RunId) -> Result<RunLog, Fault> {
        let log = self.deployment.read(run).await?;
        if log.events.is_empty() {
            let place = self.deployment.place();
            return Err(format!(
                "the event log in {place} has no run {run}; `runtally runs` lists those there are"
            )
            .into());
        }
        Ok(log)
    }
}

/// The client of Airtable, with an operator's part of its limits.
pub(super) fn airtable(
    config: AirtableConfig,
    transport: Arc<HttpTransport>,
) -> Airtable<Arc<HttpTransport>> {
    let limiters = Arc::new(Limiters::of_one_process(Rate::OPERATOR));
    Airtable::new(transport, config.url, config.token, limiters)
}

/// The events of a log in the order they happened. Those that another release wrote are left out,
/// and counted.
pub(super) fn events_of(log: &RunLog) -> (Vec<MetricsEvent>, usize) {
    let mut events: Vec<MetricsEvent> = log
        .events
        .iter()
        .filter_map(|body| match MetricsMessage::decode(body) {
            Ok(MetricsMessage::Event(event)) => Some(*event),
            Ok(MetricsMessage::Heard(_) | MetricsMessage::Tick) | Err(_) => None,
        })
        .collect();
    events.sort_by_key(|event| event.at);
    let unreadable = log.events.len() - events.len();
    (events, unreadable)
}

/// Prints one JSON object.
pub(super) fn print_json(answer: &Value) -> Result<(), Fault> {
    Ok(writeln!(std::io::stdout().lock(), "{answer:#}")?)
}

/// A table as all commands draw it.
pub(super) fn table() -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    table
}
