//! The `runtally` command.

use clap::{Parser, Subcommand};
use runtally::cli::{
    demo, doctor, explain, health, redrive, replay, reproject, runs, serve, setup, simulate, ui,
};
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
    let command =
        Cli::parse().command.unwrap_or_else(|| Command::Demo(demo::Options::parse_from(["demo"])));
    init_logs(&command);
    let result = match command {
        Command::Demo(options) => demo::run(&options).await,
        Command::Serve(options) => serve::run(&options).await,
        Command::Ui(options) => ui::run(&options).await,
        Command::Simulate(options) => simulate::run(&options).await,
        Command::Health(options) => health::run(&options).await,
        Command::Doctor(options) => doctor::run(&options).await,
        Command::Setup(options) => setup::run(&options).await,
        Command::Runs(options) => runs::run(&options).await,
        Command::Explain(options) => explain::run(&options).await,
        Command::Redrive(options) => redrive::run(&options).await,
        Command::Replay(options) => replay::run(&options).await,
        Command::Reproject(options) => reproject::run(&options).await,
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Logs go to standard error, because standard output is the command's answer. The demo provokes
/// warnings on purpose, with chaos errors too, and operators' commands report problems in their answer.
fn init_logs(command: &Command) {
    let default = if matches!(command, Command::Demo(options) if options.chaos()) {
        "off"
    } else if matches!(command, Command::Demo(_)) {
        "off,runtally=error"
    } else if matches!(command, Command::Serve(_) | Command::Simulate(_)) {
        "info"
    } else {
        "error"
    };
    let vars = Vars::new(|name| std::env::var(name).ok());
    let (levels, misread) = shared::telemetry::logs::levels(&vars, default);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(levels).init();
    if let Some(error) = misread {
        tracing::error!("{error}");
    }
}
