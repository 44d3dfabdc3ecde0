//! The `runtally` command.

use clap::{Parser, Subcommand};
use runtally::cli::{
    demo, doctor, explain, redrive, replay, reproject, runs, serve, setup, simulate,
};
use shared::config::Vars;
use std::process::ExitCode;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Scores LinkedIn leads' posts and keeps run records whose numbers are exactly right.
#[derive(Parser)]
#[command(version, arg_required_else_help = false)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the whole pipeline on invented data, in this process, and shows the run records with
    /// their proof (the default).
    Demo(demo::Options),
    /// Keeps running: takes webhooks and scores, over one SQLite file.
    Serve(serve::Options),
    /// Only the simulated Airtable, Apify and Gemini, on fixed ports.
    Simulate(simulate::Options),
    /// Checks tokens, bases, fields, queues, model and webhook, and says what to do.
    Doctor(doctor::Options),
    /// Makes the tables and fields that the bases lack; shows them first.
    Setup(setup::Options),
    /// Lists open, stalled, failed and recent runs.
    Runs(runs::Options),
    /// Shows a run's events, what they add up to, and how its record differs.
    Explain(explain::Options),
    /// Shows dead letters with their reasons and puts them back on their queues.
    Redrive(redrive::Options),
    /// Scores again what failed or is missing of a run.
    Replay(replay::Options),
    /// Has records written anew from the event log.
    Reproject(reproject::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_else(|| Command::Demo(demo::Options::default()));
    init_logs(&command);
    let result = match command {
        Command::Demo(options) => demo::run(&options).await,
        Command::Serve(options) => serve::run(&options).await,
        Command::Simulate(options) => simulate::run(&options).await,
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

/// Logs go to standard error, so that standard output is the command's answer. The demo provokes
/// the warnings it would show; a command for the operator says itself what there is to say.
fn init_logs(command: &Command) {
    let default = match command {
        Command::Demo(_) => "off,runtally=error",
        Command::Serve(_) | Command::Simulate(_) => "info",
        Command::Doctor(_)
        | Command::Setup(_)
        | Command::Runs(_)
        | Command::Explain(_)
        | Command::Redrive(_)
        | Command::Replay(_)
        | Command::Reproject(_) => "error",
    };
    let vars = Vars::new(|name| std::env::var(name).ok());
    let (levels, misread) = shared::telemetry::logs::levels(&vars, default);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(levels).init();
    if let Some(error) = misread {
        tracing::error!("{error}");
    }
}
