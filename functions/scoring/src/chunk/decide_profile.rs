//! Decides what to do about a lead's profile. Pure: it only uses the lead's row and the chunk.

use super::decision::{Decision, Verdict, profile_keys};
use crate::lead::breakdown_cell::{FailedProfile, failed_in, is_of_run};
use crate::lead::cells::Cells;
use crate::prompt::profile::profile_material;
use crate::prompt::subject::Subject;
use shared::core::ids::{LeadKey, PlanId, RunId};
use shared::messages::{ErrorCategory, Outcome, SkipReason};
use shared::schema::leads as schema;
use shared::services::airtable::Row;

/// What the chunk says about each of its leads.
#[derive(Clone, Copy)]
pub(crate) struct ProfilesChunk<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) plan: &'a PlanId,
    pub(crate) is_replay: bool,
}

/// Decides what to do about a lead's profile. The model is asked about waiting profiles and, in a
/// replay, about every profile without a score.
pub(crate) fn decide_profile(
    chunk: ProfilesChunk<'_>,
    lead: &LeadKey,
    row: &Row,
    cells: &mut Cells,
) -> Decision {
    let ProfilesChunk { run, plan, is_replay } = chunk;
    let skipped = |reason| Decision::Settle(Verdict::skipped(reason));
    let breakdown = row.text(schema::AI_BREAKDOWN);
    let before = failed_in(&breakdown, run);
    let is_of_plan = before.as_ref().is_some_and(|before| before.plan == plan.as_str());
    // A replay asks again about profiles that another plan could not score, and pays for them once.
    let has_failed = before.is_some() && (!is_replay || is_of_plan);
    let failed = |by_status| {
        let FailedProfile { said, examined, .. } = before.clone().expect("it has failed");
        let unsaid = || (by_status, "an earlier attempt of this run could not score it".to_owned());
        let (category, detail) = said.unwrap_or_else(unsaid);
        let examined = if examined { profile_keys(lead) } else { Vec::new() };
        Decision::Settle(Verdict::failed(category, detail, examined))
    };
    // The profile keeps waiting: the next run asks again.
    let has_failed_waiting = is_of_plan && before.as_ref().is_some_and(leaves_waiting);
    match row.text(schema::SCORING_STATUS).as_str() {
        // An earlier attempt scored it, and died before it could report that.
        schema::SCORED if is_of_run(&breakdown, run) => Decision::Settle(Verdict {
            outcome: Outcome::Scored,
            examined: profile_keys(lead),
            scored: profile_keys(lead),
        }),
        schema::SCORED => skipped(SkipReason::AlreadyScoredInRun),
        schema::API_ERROR if has_failed => failed(ErrorCategory::SafetyBlock),
        schema::PARSE_ERROR if has_failed => failed(ErrorCategory::AiResponseFormat),
        _ if has_failed_waiting => failed(ErrorCategory::ModelRefused),
        status if status == schema::TO_BE_SCORED || is_replay => match profile_material(row) {
            Some(profile) => Decision::Ask(Subject::Profile(profile)),
            None => {
                cells.profile_too_thin();
                skipped(SkipReason::ProfileTooThin)
            }
        },
        schema::PROFILE_TOO_THIN => skipped(SkipReason::ProfileTooThin),
        _ => skipped(SkipReason::AlreadyScoredInRun),
    }
}

/// Whether a failure left the profile waiting for the next run.
fn leaves_waiting(failed: &FailedProfile) -> bool {
    let category = failed.said.as_ref().map(|(category, _)| *category);
    matches!(category, Some(ErrorCategory::ModelRefused | ErrorCategory::ModelNoAnswer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::decision::describe;
    use crate::lead::breakdown_cell::{breakdown_cell, failed_cell};
    use crate::testing::{self, run_id};
    use serde_json::json;
    use shared::core::linkedin::ProfileKey;

    fn plan(name: &str) -> PlanId {
        shared::core::digest::id_of(&[name]).try_into().unwrap()
    }

    /// Decides about a profile in a chunk of the plan `own`. Returns the decision in words.
    fn profile_decided(status: &str, about: &str, breakdown: &str, is_replay: bool) -> String {
        let lead = ProfileKey::of("linkedin.com/in/janedoe").unwrap().lead_key();
        let row = testing::row(&json!({
            schema::SCORING_STATUS: status,
            schema::RAW_PROFILE: json!({"about": about}).to_string(),
            schema::AI_BREAKDOWN: breakdown,
        }));
        let run = run_id();
        let mut cells = Cells::new(run.clone(), "2026-11-23T10:00:00Z".parse().unwrap());
        let chunk = ProfilesChunk { run: &run, plan: &plan("own"), is_replay };
        describe(&decide_profile(chunk, &lead, &row, &mut cells))
    }

    const ABOUT: &str = "Runs operations at a company of eighty people.";

    /// The row of a profile that a plan of an earlier release failed to score.
    fn failed_in(run: &str, by: &str) -> String {
        let failed = FailedProfile { plan: plan(by).to_string(), said: None, examined: true };
        failed_cell("A", &run.parse().unwrap(), &failed)
    }

    /// The row of a profile for which plan `by` got this failure from the model.
    fn told(by: &str, category: ErrorCategory, examined: bool) -> String {
        let said = Some((category, "its reason".to_owned()));
        let failed = FailedProfile { plan: plan(by).to_string(), said, examined };
        failed_cell("A", &run_id(), &failed)
    }

    #[test]
    fn a_profile_that_the_model_refused_counts_alike_in_every_attempt_of_the_plan() {
        for category in [ErrorCategory::ModelRefused, ErrorCategory::ModelNoAnswer] {
            for (examined, posts) in [(true, 1), (false, 0)] {
                let decided = |by, is_replay| {
                    let cell = told(by, category, examined);
                    profile_decided(schema::TO_BE_SCORED, ABOUT, &cell, is_replay)
                };
                let words = format!("{} {posts}", category.as_str());
                assert_eq!(decided("own", false), words);
                assert_eq!(decided("own", true), words);
                assert_eq!(decided("another", false), "ask about 1");
                assert_eq!(decided("another", true), "ask about 1");
            }
        }
        let blocked = told("own", ErrorCategory::SafetyBlock, false);
        assert_eq!(profile_decided(schema::API_ERROR, ABOUT, &blocked, false), "SAFETY_BLOCK 0");
    }

    #[test]
    fn a_profile_is_asked_about_once() {
        let decided = |status, breakdown: &str| profile_decided(status, ABOUT, breakdown, false);
        let mine = breakdown_cell("A", &run_id());
        assert_eq!(decided(schema::TO_BE_SCORED, ""), "ask about 1");
        assert_eq!(profile_decided(schema::TO_BE_SCORED, "Hello!", "", false), "PROFILE_TOO_THIN");
        assert_eq!(decided(schema::PROFILE_TOO_THIN, ""), "PROFILE_TOO_THIN");
        assert_eq!(decided(schema::SCORED, &mine), "scored 1 of 1");
        assert_eq!(decided(schema::SCORED, ""), "ALREADY_SCORED_IN_RUN");
        for by in ["own", "another"] {
            let failed = failed_in(run_id().as_str(), by);
            assert_eq!(decided(schema::PARSE_ERROR, &failed), "AI_RESPONSE_FORMAT 1");
            assert_eq!(decided(schema::API_ERROR, &failed), "SAFETY_BLOCK 1");
            assert_eq!(
                decided(schema::TO_BE_SCORED, &failed),
                "ask about 1",
                "somebody set it back"
            );
        }
        let elsewhere = failed_in("261122-100000-Guy-Wilson", "own");
        for status in [schema::PARSE_ERROR, schema::API_ERROR, "On Hold"] {
            assert_eq!(decided(status, &elsewhere), "ALREADY_SCORED_IN_RUN");
        }
    }

    #[test]
    fn a_replay_asks_once_about_every_profile_that_nobody_has_scored() {
        let decided = |status, breakdown: &str| profile_decided(status, ABOUT, breakdown, true);
        let failed = failed_in(run_id().as_str(), "the plan it takes over");
        let all = [schema::TO_BE_SCORED, schema::PARSE_ERROR, schema::API_ERROR, "On Hold", ""];
        for status in all {
            assert_eq!(decided(status, &failed), "ask about 1", "{status}");
        }
        assert_eq!(
            decided(schema::PROFILE_TOO_THIN, ""),
            "ask about 1",
            "somebody has filled it in"
        );
        assert_eq!(profile_decided(schema::API_ERROR, "Hello!", "", true), "PROFILE_TOO_THIN");
        let again = failed_in(run_id().as_str(), "own");
        assert_eq!(decided(schema::PARSE_ERROR, &again), "AI_RESPONSE_FORMAT 1");
        assert_eq!(decided(schema::API_ERROR, &again), "SAFETY_BLOCK 1");
        let mine = breakdown_cell("A", &run_id());
        assert_eq!(decided(schema::SCORED, &mine), "scored 1 of 1");
        assert_eq!(decided(schema::SCORED, ""), "ALREADY_SCORED_IN_RUN");
    }
}
