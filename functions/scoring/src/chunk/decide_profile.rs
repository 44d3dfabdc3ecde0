//! Decides about a lead's profile. Pure: it takes the lead's row and decides.

use super::decision::{Decision, Verdict, profile_keys};
use crate::lead::breakdown_cell::{failed_in, is_of_run};
use crate::lead::cells::Cells;
use crate::prompt::profile::profile_material;
use crate::prompt::subject::Subject;
use shared::core::ids::{LeadKey, PlanId, RunId};
use shared::messages::{ErrorCategory, Outcome, SkipReason};
use shared::schema::leads as schema;
use shared::services::airtable::Row;

/// What the chunk says of each of its leads.
#[derive(Clone, Copy)]
pub(crate) struct ProfilesChunk<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) plan: &'a PlanId,
    pub(crate) is_replay: bool,
}

/// Decides about a lead's profile. One that waits is asked about; in a replay, every one without a
/// score.
pub(crate) fn decide_profile(
    chunk: ProfilesChunk<'_>,
    lead: &LeadKey,
    row: &Row,
    cells: &mut Cells,
) -> Decision {
    let ProfilesChunk { run, plan, is_replay } = chunk;
    let skipped = |reason| Decision::Settle(Verdict::skipped(reason));
    let failed = |category| {
        let detail = "an earlier attempt of this run could not score it".to_owned();
        Decision::Settle(Verdict::failed(category, detail, profile_keys(lead)))
    };
    // A replay asks again about what another plan could not score, and pays once for it.
    let breakdown = row.text(schema::AI_BREAKDOWN);
    let has_failed =
        failed_in(&breakdown, run).is_some_and(|other| !is_replay || other == plan.as_str());
    match row.text(schema::SCORING_STATUS).as_str() {
        // An earlier attempt scored it and died before it could report that.
        schema::SCORED if is_of_run(&breakdown, run) => Decision::Settle(Verdict {
            outcome: Outcome::Scored,
            examined: profile_keys(lead),
            scored: profile_keys(lead),
        }),
        schema::SCORED => skipped(SkipReason::AlreadyScoredInRun),
        schema::API_ERROR if has_failed => failed(ErrorCategory::SafetyBlock),
        schema::PARSE_ERROR if has_failed => failed(ErrorCategory::AiResponseFormat),
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

    /// Decides about a profile in a chunk of the plan `own`; the decision in words.
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

    fn failed_in(run: &str, by: &str) -> String {
        failed_cell("A", &run.parse().unwrap(), &plan(by))
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
