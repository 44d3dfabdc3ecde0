//! The cell `AI Attribute Breakdown`: its last line names the run that wrote it.

use crate::posts::stored::{CELL_MAX, cell_len};
use shared::core::ids::{PlanId, RunId};

/// Start of the line that says where a profile could not be scored.
const FAILED: &str = "Failed in run ";

/// The breakdown, and in its last line the run that made it, so that the row alone shows what a run
/// did to it.
pub(crate) fn breakdown_cell(breakdown: &str, run: &RunId) -> String {
    with_last_line(breakdown, &run_line(run))
}

/// The cell of a profile that could not be scored: the breakdown that it had, and in its last line
/// the run and the plan that failed. A replay sees by it whether an earlier attempt of its own asked
/// about the profile, or the plan that it replaces.
pub(crate) fn failed_cell(before: &str, run: &RunId, plan: &PlanId) -> String {
    let mut kept: Vec<&str> = before.trim_end().lines().collect();
    kept.pop_if(|last| last.starts_with(FAILED));
    let line = format!("{}{plan}", failed_line(run));
    with_last_line(kept.join("\n").trim_end(), &line)
}

/// The plan of `run` that last failed to score the profile, if one did.
pub(crate) fn failed_in<'a>(breakdown: &'a str, run: &RunId) -> Option<&'a str> {
    breakdown.trim_end().lines().next_back()?.strip_prefix(&failed_line(run))
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

/// The line about a plan that failed, without the plan.
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
    fn a_failed_attempt_keeps_the_breakdown_and_names_its_plan() {
        let run = run_id();
        let plan = |name: &str| shared::core::digest::id_of(&[name]).parse::<PlanId>().unwrap();
        let (first, second) = (plan("first"), plan("second"));
        let once = failed_cell("Earlier.", &run, &first);
        assert_eq!(once, format!("Earlier.\n\nFailed in run {run}, plan {first}"));
        let twice = failed_cell(&once, &run, &second);
        assert_eq!(twice, format!("Earlier.\n\nFailed in run {run}, plan {second}"));
        assert_eq!(failed_in(&twice, &run), Some(second.as_str()));
        assert_eq!(failed_in(&twice, &"261124-100000-Guy-Wilson".parse().unwrap()), None);
        assert_eq!(failed_in("Earlier.", &run), None);
        assert!(failed_cell("", &run, &first).starts_with("Failed in run "));
        let full = failed_cell(&"b".repeat(CELL_MAX), &run, &first);
        assert!(cell_len(&full) <= CELL_MAX && failed_in(&full, &run) == Some(first.as_str()));
    }
}
