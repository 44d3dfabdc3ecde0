//! `runtally redrive`: shows dead letters with their reasons, and puts them back on their queues.

use super::operator::Place;
use super::output::{Cell, Listing, agrees, print_json};
use crate::result::{CommandResult, Fault};
use crate::system::Deployment;
use crate::view::Letter;
use serde_json::json;
use shared::core::counted::counted;
use shared::core::ids::RunId;
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

const MAX_SHOWN: usize = 50;

/// Options of `runtally redrive`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where the system is, and how to answer.
    #[command(flatten)]
    pub place: Place,
    /// Only the messages of this run
    #[arg(long)]
    run: Option<RunId>,
    /// Put them back without asking
    #[arg(long)]
    yes: bool,
}

/// Shows the dead letters. Puts them back with `--yes` or if a person agrees.
///
/// # Errors
/// When the queues cannot be reached. No dead letter is lost.
pub async fn run(options: &Options) -> CommandResult {
    let deployment = Deployment::open(options.place.variables()?, &options.place.data)?;
    let mut letters = Vec::new();
    // SQS shows only the first ten of a group, but counts all.
    let mut dead_in_all = 0;
    for queue in deployment.queues() {
        dead_in_all += deployment.state(queue).await?.dead;
        let dead = deployment.dead_letters(queue).await?;
        letters.extend(dead.into_iter().map(|letter| Letter::of(queue, &letter)));
    }
    let all = letters.len();
    let hidden = usize::try_from(dead_in_all)?.saturating_sub(all);
    letters.retain(|letter| options.run.is_none() || letter.run == options.run);
    if !options.place.json {
        print(&letters, all - letters.len(), hidden)?;
    }
    let agreed = options.yes || (!options.place.json && ask(letters.len())?);
    let mut redriven = 0;
    for queue in deployment.queues().into_iter().filter(|_| agreed) {
        let of_queue = letters.iter().filter(|letter| letter.queue == queue.as_str());
        let ids: BTreeSet<String> = of_queue.map(|letter| letter.message_id.clone()).collect();
        if !ids.is_empty() {
            redriven += deployment.redrive(queue, &ids).await?;
        }
    }
    if options.place.json {
        let shown = &letters[..letters.len().min(MAX_SHOWN)];
        let left_out = hidden + letters.len() - shown.len();
        print_json(&json!({"dead_letters": shown, "count": letters.len(), "left_out": left_out,
            "redriven": redriven}))?;
    } else if agreed {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{redriven} of {} put back on their queues.", letters.len())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(letters: &[Letter], others: usize, hidden: usize) -> Result<(), Fault> {
    let mut out = std::io::stdout().lock();
    if letters.is_empty() {
        writeln!(out, "There are no dead letters.")?;
    } else {
        let mut rows = Listing::new(["message", "queue", "run", "died (UTC)", "reason"]);
        for letter in letters.iter().take(MAX_SHOWN) {
            rows.add([
                letter.what.as_str().into(),
                letter.queue.into(),
                Cell::id(letter.run.as_ref().map_or("", RunId::as_str)),
                Cell::id(&letter.died_at.strftime("%Y-%m-%d %H:%M").to_string()),
                letter.reason.as_str().into(),
            ]);
        }
        write!(out, "{rows}")?;
        let more = letters.len().saturating_sub(MAX_SHOWN);
        if more > 0 {
            writeln!(out, "{more} more like these")?;
        }
    }
    if hidden > 0 {
        writeln!(
            out,
            "{hidden} more wait behind these in their groups: run the command again after these."
        )?;
    }
    if others > 0 {
        writeln!(out, "{others} of other or unknown runs stay where they are.")?;
    }
    Ok(())
}

/// Asks a person on a terminal. Without a terminal, the answer is no.
fn ask(count: usize) -> Result<bool, Fault> {
    if count == 0 {
        return Ok(false);
    }
    if !std::io::stdin().is_terminal() {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}; use --yes to put them back.", counted(count, "dead letter"))?;
        return Ok(false);
    }
    Ok(agrees(&format!("Put {} back on their queues?", counted(count, "dead letter")))?)
}
