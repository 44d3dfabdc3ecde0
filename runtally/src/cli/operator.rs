//! What the operator's commands share: options, configuration and output.

use crate::result::Fault;
use crate::system::{Deployment, Served, Variables};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;
use shared::adapters::http::HttpTransport;
use shared::config::{AirtableConfig, Vars};
use shared::core::ids::{BaseId, RunId};
use shared::ports::RunLog;
use shared::services::airtable::{Airtable, Limiters, Rate};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Width of tables in characters. The terminal's width may be unknown.
const WIDTH: u16 = 110;

/// Where the system's data is, and how to answer.
#[derive(Debug, Clone, clap::Args)]
pub struct Place {
    /// Data folder of `runtally serve`; ignored when SCORING_QUEUE_URL or a similar variable says
    /// that the data is on AWS
    #[arg(long, default_value = ".runtally")]
    pub data: PathBuf,
    /// Answer with one JSON object
    #[arg(long)]
    pub json: bool,
}

impl Place {
    /// Variables as the functions read them: from the environment, and for services that
    /// `runtally serve` simulates from the file it left.
    pub(super) fn variables(&self) -> Result<impl Variables, Fault> {
        let served = Served::read(&self.data)
            .map_err(|error| format!("what `runtally serve` left cannot be read: {error}"))?;
        Ok(move |name| served.variable(name))
    }
}

/// The system as an operator's command reaches it.
pub(super) struct Operator {
    pub(super) deployment: Deployment,
    pub(super) airtable: Airtable<HttpTransport>,
    pub(super) master: BaseId,
}

impl Operator {
    pub(super) fn open(place: &Place) -> Result<Self, Fault> {
        let variables = place.variables()?;
        let deployment = Deployment::open(&variables, &place.data)?;
        let config = AirtableConfig::read(&Vars::new(&variables))?;
        let transport = HttpTransport::new()?;
        let master = config.master_base.clone();
        Ok(Self { deployment, airtable: airtable(config, transport), master })
    }

    /// The run's log; an error that says what to do when it is empty.
    pub(super) async fn log_of(&self, run: &RunId) -> Result<RunLog, Fault> {
        let log = self.deployment.read(run).await?;
        if log.events.is_empty() {
            let place = self.deployment.place();
            return Err(format!(
                "the event log in {place} has no run {run}; `runtally runs` lists the runs"
            )
            .into());
        }
        Ok(log)
    }
}

/// The Airtable client with the operator's share of the request limits.
pub(super) fn airtable(
    config: AirtableConfig,
    transport: HttpTransport,
) -> Airtable<HttpTransport> {
    let limiters = Arc::new(Limiters::of_one_process(Rate::OPERATOR));
    Airtable::new(transport, config.url, config.token, limiters)
}

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

/// A cell as text.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
