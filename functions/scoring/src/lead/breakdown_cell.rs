//! The cell `AI Attribute Breakdown`: its last line names the run that wrote it.

use crate::posts::stored::{CELL_MAX, cell_len};
use serde_json::json;
use shared::core::ids::RunId;
use shared::core::text::bounded;
use shared::messages::ErrorCategory;

/// The start of the line that says in which run a profile could not be scored.
const FAILED: &str = "Failed in run ";
/// Follows the plan's id if every call about the profile was refused.
const UNEXAMINED: &str = ", not examined";
/// Longest reason, in UTF-16 units.
const MAX_DETAIL: usize = 500;

/// The breakdown, with a last line that names the run that made it. So the row alone shows what a
/// run did to it.
pub(crate) fn breakdown_cell(breakdown: &str, run: &RunId) -> String {
    with_last_line(breakdown, &run_line(run))
}

/// How a plan failed to score a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedProfile {
    pub(crate) plan: String,
    /// The category and the message; `None` in rows from earlier releases, where only the status
    /// shows it.
    pub(crate) said: Option<(ErrorCategory, String)>,
    /// Whether the model accepted a call about it. It may have refused every call.
    pub(crate) examined: bool,
}

/// The cell of a profile that could not be scored: its earlier breakdown, with a last line that
/// names the run, the plan and the reason. It shows a later attempt which plan asked about the
/// profile before: its own or another one.
pub(crate) fn failed_cell(before: &str, run: &RunId, failed: &FailedProfile) -> String {
    let mut kept: Vec<&str> = before.trim_end().lines().collect();
    kept.pop_if(|last| last.starts_with(FAILED));
    let mut line = format!("{}{}", failed_line(run), failed.plan);
    if !failed.examined {
        line.push_str(UNEXAMINED);
    }
    if let Some((category, detail)) = &failed.said {
        let detail = detail.replace(['\n', '\r'], " ");
        line = format!("{line}: {}: {}", category.as_str(), bounded(&detail, MAX_DETAIL));
    }
    with_last_line(kept.join("\n").trim_end(), &line)
}

/// How `run` last failed to score the profile, if it did.
pub(crate) fn failed_in(breakdown: &str, run: &RunId) -> Option<FailedProfile> {
    let last = breakdown.trim_end().lines().next_back()?;
    let told = last.strip_prefix(&failed_line(run))?;
    let (plan, said) =
        told.split_once(": ").map_or((told, None), |(plan, said)| (plan, Some(said)));
    let said = said.and_then(|said| {
        let (category, detail) = said.split_once(": ").unwrap_or((said, ""));
        let category = serde_json::from_value(json!(category)).ok()?;
        Some((category, detail.to_owned()))
    });
    let unexamined = plan.strip_suffix(UNEXAMINED);
    let (plan, examined) = (unexamined.unwrap_or(plan).to_owned(), unexamined.is_none());
    Some(FailedProfile { plan, said, examined })
}

fn with_last_line(text: &str, line: &str) -> String {
    if text.is_empty() {
        return line.to_owned();
    }
    let end = format!("\n\n{line}");
    let mut cell = text.to_owned();
    while cell_len(&cell) + cell_len(&end) > CELL_MAX {
        cell.pop();
    }
    cell + &end
}

pub(crate) fn is_of_run(breakdown: &str, run: &RunId) -> bool {
    breakdown.trim_end().lines().next_back() == Some(&run_line(run))
}

fn run_line(run: &RunId) -> String {
    format!("Run: {run}")
}

/// The start of the line about a failed plan, up to the plan's id.
fn failed_line(run: &RunId) -> String {
    format!("{FAILED}{run}, plan ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_id;

    #[test]
    fn a_breakdown_names_its_run_and_fits_its_cell() {
        let run = run_id();
        let cell = breakdown_cell(&"b".repeat(CELL_MAX), &run);
        assert!(cell_len(&cell) <= CELL_MAX && is_of_run(&cell, &run));
        assert!(!is_of_run(&cell, &"261124-100000-Guy-Wilson".parse().unwrap()));
        assert!(!is_of_run("", &run));
    }

    #[test]
    fn a_failed_attempt_keeps_the_breakdown_and_says_how_its_plan_failed() {
        let run = run_id();
        let by = |plan: &str, said: Option<(ErrorCategory, &str)>, examined| FailedProfile {
            plan: plan.to_owned(),
            said: said.map(|(category, detail)| (category, detail.to_owned())),
            examined,
        };
        let first = by("first", Some((ErrorCategory::SafetyBlock, "SAFETY: no")), true);
        let once = failed_cell("Earlier.", &run, &first);
        let line = format!("Failed in run {run}, plan first: SAFETY_BLOCK: SAFETY: no");
        assert_eq!(once, format!("Earlier.\n\n{line}"));
        assert_eq!(failed_in(&once, &run), Some(first));
        let second = by("second", Some((ErrorCategory::ModelRefused, "400")), false);
        let twice = failed_cell(&once, &run, &second);
        let line = format!("Failed in run {run}, plan second, not examined: MODEL_REFUSED: 400");
        assert_eq!(twice, format!("Earlier.\n\n{line}"));
        assert_eq!(failed_in(&twice, &run), Some(second));
        assert_eq!(failed_in(&twice, &"261122-100000-Guy-Wilson".parse().unwrap()), None);
        assert_eq!(failed_in("Earlier.", &run), None);
        let of_earlier_release = format!("Failed in run {run}, plan old");
        assert_eq!(failed_in(&of_earlier_release, &run), Some(by("old", None, true)));
        let lines = by("long", Some((ErrorCategory::SafetyBlock, "a\nb")), true);
        let full = failed_cell(&"b".repeat(CELL_MAX), &run, &lines);
        assert!(cell_len(&full) <= CELL_MAX, "{}", cell_len(&full));
        assert_eq!(failed_in(&full, &run).unwrap().said.unwrap().1, "a b");
    }
}
