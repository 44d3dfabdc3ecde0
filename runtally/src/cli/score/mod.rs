//! `runtally score`: scores the leads that wait, after it has shown the price.

mod price;

use super::clients::list_clients;
use super::operator::{Operator, Place};
use super::output::{agrees, print_json};
use crate::result::{CommandResult, Fault, Hinted};
use crate::system::pricer_alone;
use price::{Priced, show};
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::core::ids::{ClientId, RecordId, RunId, RunStamp};
use shared::messages::{ClientScope, Kind, ScoreWaiting, routes};
use shared::ports::QueueName;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Options of `runtally score`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Whose leads are scored
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    client: Option<ClientId>,
    /// The leads of every client that is served
    #[arg(long)]
    all: bool,
    /// What is scored: post or profile
    #[arg(long, default_value = "post", value_parser = kind)]
    kind: Kind,
    /// At most this many leads of each client
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=25_000))]
    limit: Option<u32>,
    /// Only this lead, by its record's id; can be repeated
    #[arg(long = "lead", value_name = "RECORD_ID", conflicts_with = "all")]
    leads: Vec<RecordId>,
    /// Show the plan and its price, and score nothing
    #[arg(long)]
    dry_run: bool,
    /// Score without asking
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Where the system is, and how to answer.
    #[command(flatten)]
    pub place: Place,
}

fn kind(text: &str) -> Result<Kind, String> {
    match text {
        "post" | "posts" => Ok(Kind::Post),
        "profile" | "profiles" => Ok(Kind::Profile),
        _ => Err("it needs post or profile".to_owned()),
    }
}

/// Shows the price. Scores with `--yes`, or if a person agrees.
///
/// # Errors
/// When Airtable cannot be read, the client is not served, or the queue cannot be reached.
pub async fn run(options: &Options) -> CommandResult {
    let task = task(options);
    if options.dry_run || !options.yes {
        let priced = priced(options, &task).await?;
        let leads: usize = priced.iter().filter_map(Priced::to_score).sum();
        let ends_here = options.dry_run || leads == 0;
        if options.place.json && ends_here {
            print_json(&price::as_json(&priced, options.dry_run))?;
        } else if !options.place.json {
            show(&priced)?;
        }
        if ends_here {
            let is_known = priced.iter().all(|priced| priced.price.is_ok());
            return Ok(if is_known { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        if !is_wanted(options)? {
            return Ok(ExitCode::SUCCESS);
        }
    }
    let operator = Operator::open(&options.place)?;
    let stamp = task.run()?;
    let message = routes::score_waiting(task, &stamp);
    operator.deployment.send(QueueName::Scoring, message).await?;
    told(options, &stamp)?;
    Ok(ExitCode::SUCCESS)
}

/// Asks a person who has seen the price.
fn is_wanted(options: &Options) -> Result<bool, Fault> {
    if options.place.json || !std::io::stdin().is_terminal() {
        let hint = "use --yes to score them, or --dry-run to see only the price";
        return Err(Hinted::new("there is no terminal to confirm the price", hint));
    }
    Ok(agrees("Score them?")?)
}

fn task(options: &Options) -> ScoreWaiting {
    ScoreWaiting {
        clients: options.client.clone().map_or(ClientScope::All, ClientScope::One),
        kind: options.kind,
        run_stamp: None,
        requested_at: Some(Clock::system().now()),
        limit: options.limit,
        lead_ids: options.leads.clone(),
        dry_run: false,
        token_share: None,
        client_row: None,
        cursor: None,
    }
}

/// The price for the client, or for each served client.
async fn priced(options: &Options, task: &ScoreWaiting) -> Result<Vec<Priced>, Fault> {
    let variables = options.place.variables()?;
    let pricer = pricer_alone(&variables)?;
    let one = |client: ClientId| {
        let scope = ClientScope::One(client.clone());
        pricer(ScoreWaiting { clients: scope, ..task.clone() }, client)
    };
    if let Some(client) = &options.client {
        let price = one(client.clone()).await.map_err(|reason| {
            Hinted::new(reason, "`runtally doctor` checks the clients, their bases and rubrics")
        })?;
        return Ok(vec![Priced { client: client.clone(), price: Ok(price) }]);
    }
    let (airtable, master) = super::operator::airtable_of(&variables)?;
    let clients = list_clients(&airtable, &master).await?;
    let mut all: Vec<Priced> = Vec::new();
    for client in &clients {
        let is_served = client.is_active() && client.has_scoring(options.kind);
        let (odd, Some(id)) = (client.unreadable(), client.named()) else { continue };
        // Of several rows of one client only one counts.
        if all.iter().any(|known| known.client == id) || !is_served && odd.is_none() {
            continue;
        }
        let price = match odd {
            Some(odd) => Err(format!("it is not served: {odd}")),
            None => one(id.clone()).await,
        };
        all.push(Priced { price, client: id });
    }
    Ok(all)
}

fn told(options: &Options, stamp: &RunStamp) -> Result<(), Fault> {
    let run = options.client.as_ref().map(|client| RunId::new(stamp, client));
    if options.place.json {
        let run = run.map_or(Value::Null, |run| json!(run));
        return print_json(&json!({"queued": true, "run": run, "run_stamp": stamp}));
    }
    let run = run.map_or_else(|| format!("{stamp} with each client's id"), |run| run.to_string());
    Ok(writeln!(std::io::stdout(), "What waits is being planned; the run is {run}.")?)
}
