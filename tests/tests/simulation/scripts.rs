//! What schedules drawn from seeds once broke, each told as a script of its own cause. Each fails
//! when the line that guards against it is gone.

use crate::in_words;
use shared::schema::run_record;
use std::time::Duration;
use tests::simulation::{Fault, Script, play};

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

/// Plays a script, which must keep every promise.
fn plays(script: Script) {
    let report = play(script);
    let broken: Vec<String> = report.violations.iter().map(in_words).collect();
    let path = std::env::temp_dir().join(format!("runtally-script-{}.txt", std::process::id()));
    if !broken.is_empty() {
        std::fs::write(&path, report.trace.join("\n")).expect("a place for the trace");
    }
    assert!(broken.is_empty(), "{}\ntrace: {}", broken.join("\n"), path.display());
}

/// Planning of waiting leads dies once a chunk is queued, before it says so. When it begins anew
/// the chunk's leads are scored and wait no longer.
#[test]
fn a_chunk_whose_planning_died_reports_its_plan_itself() {
    let script = Script::default().request("post", minutes(1));
    plays(script.strike(Fault::CrashAfter, &["send", "\"type\":\"chunk\""], 1));
}

/// A run asked about a lead's waiting post. Then a harvest of the same run stores another post, and
/// the model is away: the row holds a score of this run, and a post that nobody asked about.
#[test]
fn posts_stored_after_a_run_asked_about_a_lead_are_asked_about_too() {
    let script = Script::default().harvest(true, minutes(5)).request("post", minutes(1));
    let away = minutes(4)..minutes(12);
    plays(script.strike_during(Fault::GeminiNotReached, &["gemini"], u32::MAX, away));
}

/// What the day's runs used is read from their records, whose token field has another name.
#[test]
fn a_run_is_planned_while_a_token_field_has_another_name() {
    let script = Script::default().limit(2_000).harvest(false, minutes(5));
    plays(script.rename(run_record::POST_TOKENS, minutes(1)..minutes(40)));
}

/// No process is used twice: the one that takes over a lane knows nothing of the requests that the
/// one before made within the same second.
#[test]
fn a_process_that_takes_over_a_lane_keeps_to_the_limit_with_the_one_before() {
    plays(Script::default().harvest(true, minutes(5)).request("post", minutes(5)).cold());
}

/// Two workers read one harvest. The one that read it while its cost was preliminary is slow, and
/// reports after the other.
#[test]
fn a_cost_that_was_read_early_and_reported_late_is_not_believed() {
    let script = Script::default().harvest(true, minutes(5));
    let script = script.strike(Fault::VisibilityLapsed, &["receive", "\"type\":\"ingest\""], 1);
    plays(script.slow(&["apify", "/items"], minutes(2)));
}

/// Airtable forgets where the listing of a chunk's rows was, more often than a listing is begun
/// again within one call.
#[test]
fn a_listing_that_is_lost_again_and_again_is_begun_again_in_another_attempt() {
    let script = Script::default().harvest(true, minutes(5));
    plays(script.strike(Fault::StaleIterator, &["airtable", "listRecords", "Leads"], 8));
}

/// A field of the run records has another name while the run ends, and gets its own back when
/// nothing else happens any more.
#[test]
fn a_field_that_comes_back_late_is_written_by_a_tick() {
    let script = Script::default().harvest(true, minutes(5));
    plays(script.rename(run_record::END_TIME, minutes(1)..minutes(120)));
}

/// What became of leads is held back for longer than the word that their chunk is done.
#[test]
fn a_run_waits_for_what_became_of_its_leads_though_their_chunk_is_done() {
    let script = Script::default().harvest(true, minutes(5));
    plays(script.strike(Fault::DelayedHours, &["entry", "\"type\":\"settled\""], 1));
}

/// A queue takes a plan and not what is in its chunks; planning dies, and begins anew with another
/// plan, because a lead is gone.
#[test]
fn a_plan_is_reported_only_after_what_is_in_its_chunks() {
    let script = Script::default().request("post", minutes(1)).delete_lead(minutes(5));
    let chunk = &["entry", "\"type\":\"planned_chunk\""];
    let script = script.strike(Fault::SendPartial, chunk, 1);
    plays(script.strike_during(
        Fault::CrashBefore,
        &["send", "\"type\":\"planned_chunk\""],
        1,
        minutes(1)..minutes(4),
    ));
}
