//! What the operator's commands share: options, configuration and output.

use crate::result::{Fault, Hinted};
use crate::system::{Deployment, Served, Variables};
use serde_json::Value;
use shared::adapters::http::HttpTransport;
use shared::config::{AirtableConfig, Vars};
use shared::core::ids::{BaseId, RunId};
use shared::ports::RunLog;
use shared::services::airtable::{Airtable, Limiters, Rate};
use std::path::PathBuf;
use std::sync::Arc;

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
    /// `runtally serve` simulates, from the file that it left.
    pub(super) fn variables(&self) -> Result<impl Variables, Fault> {
        let served = self.served()?;
        Ok(move |name| served.variable(name))
    }

    /// What `runtally serve` left in its folder; empty if it never ran there.
    pub(super) fn served(&self) -> Result<Served, Fault> {
        Served::read(&self.data).map_err(|error| {
            let folder = self.data.display();
            let hint =
                format!("start `runtally serve --data {folder}` again, which writes it anew");
            Hinted::new(format!("what `runtally serve` left cannot be read: {error}"), hint)
        })
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
        let (airtable, master) = airtable_of(&variables)?;
        Ok(Self { deployment, airtable, master })
    }

    /// The run's log; an error that says what to do when it is empty.
    pub(super) async fn log_of(&self, run: &RunId) -> Result<RunLog, Fault> {
        log_of(&self.deployment, run).await
    }
}

/// The run's log; an error that says what to do when it is empty.
pub(super) async fn log_of(deployment: &Deployment, run: &RunId) -> Result<RunLog, Fault> {
    let log = deployment.read(run).await?;
    if log.events.is_empty() {
        let message = format!("the event log in {} has no run {run}", deployment.place());
        return Err(Hinted::new(message, "`runtally runs` lists the runs"));
    }
    Ok(log)
}

/// An error about a run whose events cannot be read.
pub(super) fn of_another_release(run: &RunId) -> Fault {
    let message = format!("no event of {run} can be read by this release");
    Hinted::new(message, "use the release that wrote the log, or a newer one")
}

/// The Airtable client that the variables name, and the master base.
pub(super) fn airtable_of(
    variables: &impl Variables,
) -> Result<(Airtable<HttpTransport>, BaseId), Fault> {
    let config = AirtableConfig::read(&Vars::new(variables))?;
    let master = config.master_base.clone();
    Ok((airtable(config, HttpTransport::new()?), master))
}

/// The Airtable client with the operator's share of the request limits.
pub(super) fn airtable(
    config: AirtableConfig,
    transport: HttpTransport,
) -> Airtable<HttpTransport> {
    let limiters = Arc::new(Limiters::of_one_process(Rate::OPERATOR));
    Airtable::new(transport, config.url, config.token, limiters)
}

/// A cell as text.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
