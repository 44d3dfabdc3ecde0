//! The `runtally` command.

use clap::{Parser, Subcommand};
use runtally::cli::{
    demo, doctor, explain, health, ingest, output, redrive, replay, reproject, runs, score, serve,
    setup, simulate, trigger, ui,
};
use runtally::result::CommandResult;
use shared::config::Vars;
use std::process::ExitCode;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Score LinkedIn leads' posts, with run records whose numbers are exact
#[derive(Parser)]
#[command(version, arg_required_else_help = false)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole pipeline on invented data and prove the run records (the default)
    Demo(demo::Options),
    /// Run the system: receive webhooks and score, over one SQLite file
    Serve(serve::Options),
    /// Show the page over a system that runs elsewhere
    Ui(ui::Options),
    /// Run only the simulated Airtable, Apify and Gemini, on fixed ports
    Simulate(simulate::Options),
    /// Ask whether the server on this machine answers
    Health(health::Options),
    /// Let a simulated Apify finish a harvest or send a webhook, as something to watch
    Trigger(trigger::Options),
    /// Bring in a harvest by its Apify run, where Apify cannot reach the webhook
    Ingest(ingest::Options),
    /// Score the leads that wait; with --dry-run only show the plan and its price
    Score(score::Options),
    /// Check tokens, bases, fields, queues, model and webhook, and say what to do
    Doctor(doctor::Options),
    /// Show the tables and fields that the bases lack, and create them with --apply
    Setup(setup::Options),
    /// List open, stalled, failed and recent runs
    Runs(runs::Options),
    /// Show a run's events, what they add up to, and how its record differs
    Explain(explain::Options),
    /// Show dead letters with their reasons and put them back on their queues
    Redrive(redrive::Options),
    /// Score again what failed or is missing in a run
    Replay(replay::Options),
    /// Rewrite records from the event log
    Reproject(reproject::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let command = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli.command,
        Err(error) => {
            let json = arguments.iter().any(|argument| argument == "--json");
            return output::refuse_usage(&error, json);
        }
    };
    let command = command.unwrap_or_else(|| Command::Demo(demo::Options::parse_from(["demo"])));
    init_logs(&command);
    run(&command).await.unwrap_or_else(|error| output::fail(&error, command.answers_json()))
}

async fn run(command: &Command) -> CommandResult {
    match command {
        Command::Demo(options) => demo::run(options).await,
        Command::Serve(options) => serve::run(options).await,
        Command::Ui(options) => ui::run(options).await,
        Command::Simulate(options) => simulate::run(options).await,
        Command::Health(options) => health::run(options).await,
        Command::Trigger(options) => trigger::run(options).await,
        Command::Ingest(options) => ingest::run(options).await,
        Command::Score(options) => score::run(options).await,
        Command::Doctor(options) => doctor::run(options).await,
        Command::Setup(options) => setup::run(options).await,
        Command::Runs(options) => runs::run(options).await,
        Command::Explain(options) => explain::run(options).await,
        Command::Redrive(options) => redrive::run(options).await,
        Command::Replay(options) => replay::run(options).await,
        Command::Reproject(options) => reproject::run(options).await,
    }
}

impl Command {
    /// Whether a program reads the answer.
    fn answers_json(&self) -> bool {
        match self {
            Self::Demo(options) => options.answers_json(),
            Self::Serve(_) | Self::Ui(_) | Self::Simulate(_) | Self::Health(_) => false,
            Self::Trigger(options) => options.answers_json(),
            Self::Ingest(options) => options.place.json,
            Self::Score(options) => options.place.json,
            Self::Doctor(options) => options.place.json,
            Self::Setup(options) => options.place.json,
            Self::Runs(options) => options.place.json,
            Self::Explain(options) => options.place.json,
            Self::Redrive(options) => options.place.json,
            Self::Replay(options) => options.place.json,
            Self::Reproject(options) => options.place.json,
        }
    }

    /// The log level unless `RUST_LOG` is set. A command's answer or error already says what was
    /// odd, and the demo provokes errors on purpose.
    fn log_level(&self) -> &'static str {
        match self {
            Self::Serve(_) | Self::Simulate(_) => "info",
            Self::Demo(options) if !options.chaos() => "off,runtally=error",
            Self::Ui(_) => "error",
            Self::Demo(_)
            | Self::Health(_)
            | Self::Trigger(_)
            | Self::Ingest(_)
            | Self::Score(_)
            | Self::Doctor(_)
            | Self::Setup(_)
            | Self::Runs(_)
            | Self::Explain(_)
            | Self::Redrive(_)
            | Self::Replay(_)
            | Self::Reproject(_) => "off",
        }
    }
}

/// Logs go to standard error, because standard output is the command's answer.
fn init_logs(command: &Command) {
    let vars = Vars::new(|name| std::env::var(name).ok());
    let (levels, misread) = shared::telemetry::logs::levels(&vars, command.log_level());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(levels).init();
    if let Some(error) = misread {
        output::warn(&error.to_string());
    }
}
