//! `runtally demo`: the whole pipeline in one process, on invented data, with its proof.

mod bill;
mod cells;
mod chaos;
mod options;
mod progress;
mod proof;
mod show;
mod stage;

pub use options::Options;

use crate::result::{CommandResult, Fault, Hinted};
use chaos::Chaos;
use proof::{Comparison, Ended, Proof};
use stage::Stage;
use std::process::ExitCode;
use std::time::Instant;

/// Runs the demo. Succeeds only if the proof holds.
///
/// # Errors
/// When the system cannot start on this machine, or `options` has more profiles than leads.
pub async fn run(options: &Options) -> CommandResult {
    if options.profiles > options.leads {
        let (profiles, leads) = (options.profiles, options.leads);
        let message = format!("{profiles} profiles need as many leads; there are {leads}");
        return Err(Hinted::new(
            message,
            format!("use --profiles {leads} or fewer, or more --leads"),
        ));
    }
    let proof = run_once(options).await?;
    let comparison = if options.compare { Some(compare(options).await?) } else { None };
    if options.json {
        show::json(&proof, comparison.as_ref())?;
    } else {
        show::report(&proof, options)?;
        comparison.as_ref().map_or(Ok(()), show::comparison)?;
    }
    let holds = proof.holds() && comparison.is_none_or(|comparison| comparison.holds);
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Scores the same posts twice.
async fn compare(options: &Options) -> Result<Comparison, Fault> {
    let options = Options { profiles: 0, json: true, ..options.clone() };
    let several = run_once(&options).await?;
    let one = run_once(&Options { leads_per_call: Some(1), ..options }).await?;
    Ok(Comparison {
        several: several.cost_per_scored_lead(),
        one: one.cost_per_scored_lead(),
        holds: several.holds() && one.holds(),
    })
}

/// Runs the whole pipeline once, on a new world.
async fn run_once(options: &Options) -> Result<Proof, Fault> {
    let mut stage = Stage::set(options).await?;
    let started = Instant::now();
    let runs = stage.dispatch();
    for run in runs.iter().filter(|run| run.profiles.waiting > 0) {
        stage.score_profiles(run).await?;
    }
    let mut chaos = options.chaos.then(|| Chaos::new(options.seed));
    let mut finished = progress::follow(&mut stage, &runs, chaos.as_mut(), !options.json).await?;
    if let Some(chaos) = &mut chaos {
        chaos.last_strike(&mut stage, &runs).await?;
        finished &= progress::follow(&mut stage, &runs, None, !options.json).await?;
    }
    let done = chaos.map(|chaos| chaos.done);
    Proof::of(&stage, &runs, Ended { elapsed: started.elapsed(), finished, chaos: done }).await
}
