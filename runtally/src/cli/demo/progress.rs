//! Follows the demo's runs to their end.

use super::Dispatched;
use crate::cli::demo::proof::field;
use crate::invented::World;
use crate::system::{Services, System};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shared::schema::run_record;
use std::error::Error;
use std::time::{Duration, Instant};

/// Without any sign of work for this long the demo gives up and shows what there is.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits until every run's record is at its end and nothing is left to be done. Whether that
/// came to be; the other case is that nothing moved any more.
pub(super) async fn follow(
    services: &Services,
    system: &System,
    world: &World,
    dispatched: &[Dispatched<'_>],
    show: bool,
) -> Result<bool, Box<dyn Error + Send + Sync>> {
    let leads: u64 = dispatched.iter().map(|run| run.expected.leads_asked).sum();
    let bar = ProgressBar::new(leads).with_style(
        ProgressStyle::with_template("{elapsed} {wide_bar} {pos} of {len} leads scored, {msg}")
            .expect("the template is a constant"),
    );
    bar.set_draw_target(if show {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    });
    let mut last_sign = Instant::now();
    let mut signs = 0;
    loop {
        let answers = services.gemini.service().billed_totals().answers;
        bar.set_position(answers.min(leads));
        let rows = services
            .airtable
            .service()
            .rows(world.master_base.as_str(), run_record::TABLE)
            .map_err(|error| error.to_string())?;
        let ended = dispatched
            .iter()
            .filter(|run| {
                rows.iter().any(|row| {
                    field(&row.fields, run_record::RUN_ID) == run.run.as_str()
                        && !["Running", "Stalled", ""]
                            .contains(&field(&row.fields, run_record::STATUS))
                })
            })
            .count();
        bar.set_message(format!("{ended} of {} runs ended", dispatched.len()));
        if ended == dispatched.len() {
            system.queue.idle().await?;
            bar.finish_and_clear();
            return Ok(true);
        }
        let requests: u64 = services.airtable.requests().iter().map(|count| count.count).sum();
        if answers + requests > signs {
            signs = answers + requests;
            last_sign = Instant::now();
        } else if last_sign.elapsed() > PATIENCE {
            bar.abandon();
            return Ok(false);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
