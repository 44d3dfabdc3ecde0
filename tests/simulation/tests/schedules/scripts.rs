//! Causes that schedules from seeds once found, each as a script. Each test fails without the line
//! that guards against its cause.

use crate::in_words;
use shared::schema::run_record;
use simulation::{Fault, Script, play};
use std::time::Duration;

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

/// Plays a script. It must keep every promise.
fn plays(script: Script) {
    plays_from(7, script);
}

/// Plays a script with this seed for everything that it leaves open.
fn plays_from(seed: u64, script: Script) {
    let report = play(script, seed);
    let broken: Vec<String> = report.violations.iter().map(in_words).collect();
    let path = std::env::temp_dir().join(format!("runtally-script-{}.txt", std::process::id()));
    if !broken.is_empty() {
        std::fs::write(&path, report.trace.join("\n")).expect("a place for the trace");
    }
    assert!(broken.is_empty(), "{}\ntrace: {}", broken.join("\n"), path.display());
}

/// Planning of waiting leads dies after a chunk is queued and before it reports that. When it
/// begins again, the chunk's leads are scored and no longer wait.
#[test]
fn a_chunk_whose_planning_died_reports_its_plan_itself() {
    let script = Script::default().request("post", minutes(1));
    plays(script.strike(Fault::CrashAfter, &["send", "\"type\":\"chunk\""], 1));
}

/// A run called the model about a lead's waiting post. Then a harvest of the same run stores
/// another post, and no tokens are left for it. So the row has a score of this run, and a post that
/// was in no call.
#[test]
fn posts_that_a_run_stored_and_did_not_ask_about_do_not_count_as_examined() {
    let script = Script::default().limit(2_000);
    let script = script.harvest(true, minutes(5)).request("post", minutes(1));
    plays(script.strike(Fault::DeliveredAgain, &["delete", "\"type\":\"chunk\"", "harvest"], 4));
}

/// The day's usage is read from the runs' records, whose token field has another name.
#[test]
fn a_run_is_planned_while_a_token_field_has_another_name() {
    let script = Script::default().limit(2_000).harvest(false, minutes(5));
    plays(script.rename(run_record::POST_TOKENS, minutes(1)..minutes(40)));
}

/// Every invocation gets a new process, so the one that takes over a lane does not know the
/// requests that its predecessor made within the same second.
#[test]
fn a_process_that_takes_over_a_lane_keeps_to_the_limit_with_the_one_before() {
    // Whether the requests of both lanes fall into one second depends on the seed.
    for seed in 0..24 {
        let script = Script::default().harvest(true, minutes(5)).harvest(true, minutes(5));
        plays_from(seed, script.request("post", minutes(5)).request("profile", minutes(5)).cold());
    }
}

/// Two workers read one harvest. The one that read it while its cost was preliminary is slow: it
/// reports after the other, and dies before it reads again.
#[test]
fn a_cost_that_was_read_early_and_reported_late_is_not_believed() {
    let script = Script::default().harvest(true, minutes(5));
    let script = script.strike(Fault::VisibilityLapsed, &["receive", "\"type\":\"ingest\""], 1);
    let script = script.slow(&["apify", "/items"], 1, minutes(2));
    let late = Duration::from_secs(400)..minutes(9);
    let harvested = &["send", "\"type\":\"harvested\""];
    plays(script.strike_during(Fault::CrashAfter, harvested, 1, late));
}

/// Airtable loses its place in the listing of a chunk's rows more often than one call restarts a
/// listing.
#[test]
fn a_listing_that_is_lost_again_and_again_is_begun_again_in_another_attempt() {
    let script = Script::default().harvest(true, minutes(5));
    plays(script.strike(Fault::StaleIterator, &["airtable", "listRecords", "Leads"], 8));
}

/// A field of the run records has another name while the run ends, and gets its old name back when
/// nothing else happens any more.
#[test]
fn a_field_that_comes_back_late_is_written_by_a_tick() {
    let script = Script::default().harvest(true, minutes(5));
    plays(script.rename(run_record::END_TIME, minutes(1)..minutes(120)));
}

/// The outcomes of leads are held back for longer than the event that their chunk is done.
#[test]
fn a_run_waits_for_what_became_of_its_leads_though_their_chunk_is_done() {
    let script = Script::default().harvest(true, minutes(5));
    plays(script.strike(Fault::DelayedHours, &["entry", "\"type\":\"settled\""], 1));
}

fn seconds(minutes: u64, seconds: u64) -> Duration {
    Duration::from_secs(60 * minutes + seconds)
}

const ANNOUNCED: &[&str] = &["entry", "\"type\":\"announced\""];
const BILLED: &[&str] = &["entry", "\"type\":\"billed\""];
const SETTLED: &[&str] = &["entry", "\"type\":\"settled\""];
const CHUNK_DONE: &[&str] = &["entry", "\"type\":\"chunk_done\""];

/// The model refuses the first calls. Their announcement comes right after the run's end, and their
/// bill after that.
#[test]
fn an_announcement_and_a_bill_that_come_after_the_end_are_shown_at_once() {
    let script = Script::default().harvest(true, minutes(5));
    let script = script.strike(Fault::GeminiNotReached, &["gemini"], 5);
    let script = script.hold(CHUNK_DONE, u32::MAX, seconds(12, 0));
    let script = script.hold(ANNOUNCED, 1, seconds(12, 10)).hold(BILLED, 1, seconds(12, 25));
    let script = script.says(seconds(12, 9), run_record::STATUS, "Completed");
    let script = script.says(seconds(12, 9), run_record::BALANCE, "balanced");
    let script = script.says(seconds(12, 24), run_record::BALANCE, "unobserved");
    plays_from(9, script.says(seconds(12, 39), run_record::BALANCE, "balanced"));
}

/// The same for a stalled run.
#[test]
fn an_announcement_that_comes_after_a_stall_is_shown_at_once() {
    let script = Script::default().harvest(true, minutes(5));
    let script = script.hold(CHUNK_DONE, u32::MAX, seconds(45, 0));
    let script = script.hold(ANNOUNCED, 1, seconds(40, 8)).hold(BILLED, 1, seconds(40, 16));
    let script = script.says(seconds(40, 7), run_record::STATUS, "Stalled");
    plays(script.says(seconds(40, 14), run_record::BALANCE, "unobserved"));
}

/// All chunks are done, and the record shows it. The outcomes of the last leads end the run.
#[test]
fn a_run_ends_at_once_when_it_is_known_what_became_of_its_last_leads() {
    let script = Script::default().harvest(true, minutes(5));
    let script = script.hold(CHUNK_DONE, u32::MAX, seconds(12, 0));
    let script = script.hold(SETTLED, 1, seconds(12, 5));
    let script = script.says(seconds(12, 4), run_record::STATUS, "Running");
    plays_from(9, script.says(seconds(12, 9), run_record::STATUS, "Completed"));
}

/// All chunks are done, but the record was written too recently to show it.
#[test]
fn a_run_ends_at_once_though_its_record_does_not_show_yet_that_its_chunks_are_done() {
    let script = Script::default().harvest(true, minutes(5));
    let script = script.hold(BILLED, 1, seconds(11, 56));
    let script = script.hold(CHUNK_DONE, u32::MAX, seconds(12, 0));
    let script = script.hold(SETTLED, 1, seconds(12, 4));
    let script = script.says(seconds(12, 3), run_record::STATUS, "Running");
    // If it were put off, it would be written 15 seconds after the last write.
    plays(script.says(seconds(12, 11), run_record::STATUS, "Completed"));
}

/// A queue accepts some of planning's reports but not those about the plan's chunks. Planning dies.
/// When it begins again, the first plan has used tokens, and the rest of the limit makes another
/// plan.
#[test]
fn a_run_ends_though_the_queue_took_a_part_of_what_planning_reported() {
    let script = Script::default().limit(6_000).harvest(true, minutes(5));
    let script = script.strike(Fault::SendPartial, &["entry", "\"type\":\"planned_chunk\""], 1);
    plays(script.strike(Fault::CrashAfter, &["send", "\"type\":\"planned_chunk\""], 1));
}

/// Two workers get one chunk, and the first calls the model late. Before it writes, the other has
/// scored the leads, and another harvest's posts about them are stored.
#[test]
fn a_slow_worker_does_not_write_over_posts_that_were_stored_while_it_asked() {
    let chunk = &["receive", "\"type\":\"chunk\""];
    let script = Script::default().harvest(true, minutes(5)).harvest(true, seconds(5, 20));
    let script = script.strike(Fault::VisibilityLapsed, chunk, 1);
    plays(script.slow(&["send", "\"type\":\"announced\""], 1, seconds(1, 40)));
}

/// Apify becomes unavailable just when its final figures are read. By then the plan is queued and
/// reported.
#[test]
fn a_harvest_is_planned_once_though_its_final_figures_cannot_be_read() {
    let script = Script::default().harvest(true, minutes(5));
    let run = &["apify", "/actor-runs/"];
    plays(script.strike_during(Fault::ApifyNotReached, run, u32::MAX, seconds(5, 9)..minutes(8)));
}
