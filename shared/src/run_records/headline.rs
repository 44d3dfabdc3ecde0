//! The first lines of System Notes: the status, the result, and what the run waits for.

use super::lines::in_utc;
use super::reason::Reason;
use super::words::{missing_in_words, progress_in_words, result_in_words, sentence};
use crate::core::ids::ClientId;
use crate::core::text::bounded;
use crate::fold::{Status, Summary};

/// Longest quoted message in a line, in UTF-16 units.
const MAX_SAID: usize = 300;

/// The status with the result. Further lines say why the run waits or what is missing.
pub(super) fn headline(summary: &Summary) -> Vec<String> {
    let mut lines = vec![format!("{}.", first_line(summary))];
    if let Some((_, halt)) = &summary.halt {
        let halted = Reason::Halted(halt.category);
        let detail = bounded(&halt.detail, MAX_SAID);
        let until = halted.waits_until();
        lines[0] += &format!(" It waits until {until}. The model says: {}", sentence(&detail));
    } else if let Some(wait) = &summary.wait {
        let why = bounded(&wait.why, MAX_SAID);
        lines.push(sentence(&format!("it has waited since {}: {why}", in_utc(wait.since))));
    }
    if summary.status == Status::Stalled {
        lines.push(format!("Still missing: {}.", missing_in_words(summary)));
    }
    lines
}

fn first_line(summary: &Summary) -> String {
    let result = result(summary);
    let on = summary.ended_at.map(|at| format!(" on {}", in_utc(at))).unwrap_or_default();
    match summary.status {
        Status::Running => match result {
            Some(result) => format!("Running: {result}"),
            None => "Running: no leads are planned yet".to_owned(),
        },
        Status::Stalled => {
            let since = in_utc(summary.last_progress);
            let so_far = result.map(|result| format!("; {result}")).unwrap_or_default();
            format!("Stalled: nothing has moved since {since}{so_far}")
        }
        Status::Completed => {
            format!("Completed{on}: {}", result.unwrap_or("there was nothing to score".to_owned()))
        }
        Status::CompletedWithErrors => {
            let result = result.unwrap_or("there was nothing to score".to_owned());
            format!("Completed with Errors{on}: {result}")
        }
        Status::Failed => format!("Failed{on}: {}", result.unwrap_or(why_nothing(summary))),
    }
}

/// What became of the leads; `None` if none is planned.
fn result(summary: &Summary) -> Option<String> {
    let kinds = [("lead", &summary.posts.leads), ("profile", &summary.profiles.leads)];
    let results: Vec<String> = kinds
        .into_iter()
        .filter(|(_, leads)| leads.planned > 0)
        .map(|(noun, leads)| match summary.status.is_end() {
            true => result_in_words(noun, leads),
            false => progress_in_words(noun, leads),
        })
        .collect();
    (!results.is_empty()).then(|| results.join("; "))
}

fn why_nothing(summary: &Summary) -> String {
    let why = if summary.header.client == ClientId::unattributed() {
        Reason::NotAttributed
    } else if summary.failures.is_empty() {
        return "the harvest brought nothing to score".to_owned();
    } else {
        Reason::NotPlanned
    };
    format!("{}, so nothing was scored", why.in_words())
}
