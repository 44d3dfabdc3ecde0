//! `runtally ingest`: brings in a harvest by its Apify run, if Apify cannot reach the webhook. The
//! harvest is then handled as after a webhook.

use super::operator::{Operator, Place};
use super::output::print_json;
use crate::result::{CommandResult, Fault, Hinted};
use serde_json::json;
use shared::adapters::http::HttpTransport;
use shared::config::{ApifyConfig, Vars};
use shared::core::clock::Clock;
use shared::core::ids::{ApifyRunId, ClientId, RunId, RunStamp};
use shared::messages::{HarvestStatus, Hints, Ingest, routes};
use shared::ports::QueueName;
use shared::services::airtable::Rate;
use shared::services::apify::{Apify, ApifyRun};
use std::io::Write;
use std::process::ExitCode;

/// Options of `runtally ingest`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Apify's id of the run of the actor, such as HG7ML7M8z78YcAPEB
    #[arg(value_name = "APIFY_RUN_ID")]
    apify_run: ApifyRunId,
    /// The client whose leads were harvested
    #[arg(long)]
    client: ClientId,
    /// The run to add it to, such as 251014-153000 (default: the one named by the harvest's start)
    #[arg(long, value_parser = run_stamp)]
    run: Option<RunStamp>,
    /// Where the system is, and how to answer.
    #[command(flatten)]
    pub place: Place,
}

fn run_stamp(text: &str) -> Result<RunStamp, String> {
    RunStamp::in_front_of(text)
        .ok_or_else(|| "it needs YYMMDD-HHMMSS, with or without a client id".to_owned())
}

/// Queues the harvest as its webhook would.
///
/// # Errors
/// When Apify does not know the run, the run has not ended, nothing of it would be scored, or the
/// queue cannot be reached.
pub async fn run(options: &Options) -> CommandResult {
    let operator = Operator::open(&options.place)?;
    let (apify_run, status) = ended_run(options).await?;
    let task = Ingest {
        apify_run_id: options.apify_run.clone(),
        // Apify's own name, so that the queue recognises the webhook's copy as the same message.
        event_type: format!("ACTOR.RUN.{}", status.as_str().replace('-', "_")),
        hints: Hints {
            run_stamp: options.run.clone(),
            client: Some(options.client.clone()),
            ..Hints::default()
        },
        received_at: Clock::system().now(),
        finished_at: apify_run.finished_at,
        dispatch_id: None,
        done: None,
    };
    let master = (&operator.airtable, &operator.master);
    let (run, refusal) = scoring::run_of_harvest(master, &task, &apify_run).await?;
    if let Some(reason) = refusal {
        let hint = "correct --client or its row in the table Clients, then run this again";
        return Err(Hinted::new(reason, hint));
    }
    // After this pause, our requests to the master base no longer count against the system's limit.
    tokio::time::sleep(Rate::OPERATOR.per).await;
    let (ingest, heard) = routes::harvest_ended(task);
    operator.deployment.send(QueueName::Scoring, ingest).await?;
    operator.deployment.send(QueueName::Metrics, heard).await?;
    told(options, &run)?;
    Ok(ExitCode::SUCCESS)
}

/// The Apify run, and how it ended.
async fn ended_run(options: &Options) -> Result<(ApifyRun, HarvestStatus), Fault> {
    let variables = options.place.variables()?;
    let config = ApifyConfig::read(&Vars::new(&variables))?;
    let (id, url) = (&options.apify_run, config.url.clone());
    let apify = Apify::new(HttpTransport::new()?, config.url, config.token);
    let run = apify.run(id).await?.ok_or_else(|| {
        let hint =
            format!("check the id, and that APIFY_TOKEN is of the account that ran it ({url})");
        Hinted::new(format!("Apify does not know run {id}"), hint)
    })?;
    let status = run.status.ok_or_else(|| {
        let hint = "wait until it has ended, then run this again";
        Hinted::new(format!("Apify run {id} is still running"), hint)
    })?;
    Ok((run, status))
}

fn told(options: &Options, run: &RunId) -> Result<(), Fault> {
    let apify_run = &options.apify_run;
    if options.place.json {
        return print_json(&json!({"run": run, "apify_run": apify_run, "client": run.client()}));
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "Harvest {apify_run} is queued. Its run is {run}.")?;
    Ok(writeln!(out, "Watch it with `runtally runs --watch`.")?)
}
