//! The `runtally` command.

use clap::{Parser, Subcommand};
use local::commands::{demo, serve, simulate};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

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
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_else(|| Command::Demo(demo::Options::default()));
    init_logs(matches!(command, Command::Demo(_)));
    let result = match command {
        Command::Demo(options) => demo::run(&options).await,
        Command::Serve(options) => serve::run(&options).await,
        Command::Simulate(options) => simulate::run(&options).await,
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
/// the warnings it would show.
fn init_logs(is_demo: bool) {
    let default = if is_demo { "off,runtally=error,local::commands=error" } else { "info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
