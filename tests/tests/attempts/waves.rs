//! The waves of a chunk overlap: the order of events, and what keeps the next wave from beginning.

use super::script::{MODEL_TAKES, Script, play, play_and_stop};
use serde_json::json;
use std::time::Duration;

/// The log has the steps of each wave in this order.
const STEPS: [&str; 3] = ["announced", "billed", "settled"];

#[tokio::test(start_paused = true)]
async fn waves_overlap_and_each_keeps_its_order() {
    let played = play(Script::default()).await;
    assert!(played.at("announced 1") < played.at("billed 0"), "{:#?}", played.log);
    for wave in 0..6 {
        let steps = STEPS.map(|step| played.at(&format!("{step} {wave}")));
        assert!(steps.is_sorted(), "{steps:?}");
    }
    assert_eq!((played.count("called"), played.count("wrote 10")), (12, 6), "as without overlap");
    assert!(played.at("chunk_done") > played.at("settled 5"));
    assert!(played.waits.is_none());
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_in_flight_than_may_be() {
    let played = play(Script::default()).await;
    assert_eq!((played.most_calls(0), played.most_waves()), (4, 2));
    let one = play(Script { calls_at_once: "1", leads: 20, ..Script::default() }).await;
    assert_eq!((one.most_calls(0), one.most_waves()), (1, 1));
    assert_eq!(one.count("called"), 4);
}

/// A block of rows is read while the waves of the previous block are open.
#[tokio::test(start_paused = true)]
async fn the_models_latency_is_waited_for_once_per_slot_and_not_once_per_block() {
    let script = || Script { leads: 250, ..Script::default() };
    let played = play(Script { calls_at_once: "40", ..script() }).await;
    assert!(played.took < 4 * MODEL_TAKES, "{:?}", played.took);
    let played = play(script()).await;
    assert!(played.took < 14 * MODEL_TAKES, "{:?}", played.took);
}

#[tokio::test(start_paused = true)]
async fn the_next_rows_are_read_as_soon_as_a_wave_has_its_answers() {
    let writing_takes = Duration::from_secs(1);
    let takes = |call| MODEL_TAKES + Duration::from_millis(20) * u32::try_from(call).unwrap();
    let script =
        Script { leads: 120, calls_at_once: "20", writing_takes, takes, ..Script::default() };
    let played = play(script).await;
    let mut reads = (0..played.log.len()).filter(|at| played.log[*at] == "read");
    let second = reads.nth(1).unwrap();
    assert!(second > played.at("billed 0"), "not earlier: they would be out of date");
    assert!(second < played.at("settled 0"), "{:#?}", played.log);
    assert!(
        played.at("announced 10") > played.at("settled 0"),
        "it is not known before that rows can be written"
    );
}

#[tokio::test(start_paused = true)]
async fn under_a_token_limit_the_next_wave_begins_when_it_is_known_what_this_one_used() {
    let played = play(Script { token_share: Some(1_000_000), ..Script::default() }).await;
    assert_eq!((played.most_waves(), played.count("announced")), (1, 6));
    // Each wave uses more than expected, so the share is used up after two waves.
    let played = play(Script { token_share: Some(4_000), ..Script::default() }).await;
    assert_eq!((played.most_waves(), played.count("announced")), (1, 2), "{:#?}", played.log);
}

#[tokio::test(start_paused = true)]
async fn after_a_halt_no_further_wave_begins() {
    let played = play(Script { refusal: |call| (call == 0).then_some(402), ..Script::default() });
    let played = played.await;
    assert_eq!(played.count("announced"), 2, "{:#?}", played.log);
    assert!(played.reason().starts_with("waits for a person: NO_CREDIT"), "{}", played.reason());
    assert_eq!(played.waits.as_ref().unwrap()["tried"]["halt"]["category"], "NO_CREDIT");
    assert_eq!(played.count("settled 1"), 1, "what was answered is written and settled");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_away_costs_the_waves_that_are_open() {
    let played = play(Script { refusal: |_| Some(503), ..Script::default() }).await;
    let waves = |wave: usize| played.count(&format!("announced {wave}"));
    assert_eq!([0, 1, 2].map(waves), [3, 3, 0], "three rounds each: {:#?}", played.log);
    assert!(played.reason().contains("leads have no result yet"), "{}", played.reason());
}

#[tokio::test(start_paused = true)]
async fn after_a_call_that_was_limited_fewer_are_in_flight() {
    let takes = |call| if call == 3 { MODEL_TAKES / 2 } else { MODEL_TAKES };
    let limited = |call| (call == 3).then_some(429);
    let played = play(Script { refusal: limited, takes, leads: 100, ..Script::default() }).await;
    for (wave, before) in [(2, 1), (3, 2)] {
        let (next, before) = (format!("announced {wave}"), format!("settled {before}"));
        assert!(played.at(&next) > played.at(&before), "{:#?}", played.log);
    }
    assert_eq!(played.most_calls(played.at("announced 4")), 4, "the model answers again");
    assert_eq!(played.count("settled"), 10);
}

#[tokio::test(start_paused = true)]
async fn rows_that_others_changed_stop_the_waves_that_have_not_begun() {
    let takes = |_| Duration::from_secs(12);
    let is_changed = |row, reads| row == 3 && reads > 0;
    let played = play(Script { takes, is_changed, ..Script::default() }).await;
    assert_eq!(played.count("announced"), 2, "{:#?}", played.log);
    assert!(played.reason().contains("others changed the row"), "{}", played.reason());
}

/// A call takes up to 60 s, and writing a wave's rows and reporting takes 20. The rows of the two
/// waves before take two requests each, at two a second.
#[tokio::test(start_paused = true)]
async fn a_wave_begins_only_if_there_is_time_to_write_the_waves_before_it_too() {
    let deadline = Duration::from_secs(82);
    let played = play(Script { deadline, calls_at_once: "40", ..Script::default() }).await;
    assert_eq!(played.count("announced"), 3, "{:#?}", played.log);
    assert_eq!(played.count("settled"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stops_ends_its_open_waves_and_begins_no_other() {
    let played = play_and_stop(Script::default(), Some(Duration::from_secs(1))).await;
    assert_eq!((played.count("announced"), played.count("settled")), (2, 2), "{:#?}", played.log);
    assert_eq!(played.count("message"), 1, "the rest goes back to its queue");
}

#[tokio::test(start_paused = true)]
async fn no_call_begins_while_the_queue_takes_no_report_of_paid_ones() {
    // The call of the second wave is answered while the report of the first is repeated.
    let takes = |call| Duration::from_secs(if call < 2 { 5 } else { 7 });
    let is_deaf = |fact: &str, since| fact == "billed 0" && since < Duration::from_secs(20);
    let played = play(Script { takes, is_deaf, ..Script::default() }).await;
    assert!(played.at("announced 2") > played.at("billed 0"), "{:#?}", played.log);
    assert!(played.at("settled 1") < played.at("billed 0"), "the other wave is settled");
    assert_eq!(played.count("settled"), 6);
}

/// The report of the first wave is kept until a wave reports outcomes. The second wave does so
/// first.
#[tokio::test(start_paused = true)]
async fn a_report_that_was_kept_goes_with_the_outcomes_of_whichever_wave_can_tell_them() {
    let is_deaf = |fact: &str, since| fact == "billed 0" && since < Duration::from_secs(60);
    let deadline = Duration::from_secs(90);
    let takes = |call| Duration::from_secs(if call < 2 { 5 } else { 62 });
    let played = play(Script { is_deaf, deadline, takes, leads: 20, ..Script::default() }).await;
    assert_eq!(played.count("billed 0"), 1, "{:#?}", played.log);
    assert_eq!((played.count("settled 0"), played.count("settled 1")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_wave_that_fails_takes_no_other_down_and_no_other_begins() {
    // The writes of the first wave's rows fail as often as the client tries.
    let takes = |call| Duration::from_secs(if call < 2 { 5 } else { 40 });
    let unwritten = |write| (write < 5).then_some(500);
    let played = play(Script { takes, unwritten, ..Script::default() }).await;
    let waves = |step: &str| [0, 1, 2].map(|wave| played.count(&format!("{step} {wave}")));
    assert_eq!((waves("announced"), waves("settled")), ([1, 1, 0], [0, 1, 0]));
    assert!(played.waits.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_announcement_that_the_queue_does_not_take_stops_its_wave_alone() {
    let is_deaf = |fact: &str, _| fact == "announced 1";
    let played = play(Script { is_deaf, ..Script::default() }).await;
    assert_eq!((played.count("called"), played.count("settled 0")), (2, 1), "{:#?}", played.log);
    assert_eq!(played.count("announced"), 1);
    assert!(played.waits.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_later_attempt_tries_to_write_once_before_the_first_call() {
    let played = play(Script { attempt: 2, ..Script::default() }).await;
    assert_eq!(played.count("tried to write"), 1);
    assert!(played.at("tried to write") < played.at("called"));
    let denied = play(Script { attempt: 2, unwritten: |_| Some(401), ..Script::default() }).await;
    assert_eq!((denied.count("called"), denied.count("announced")), (0, 0), "{:#?}", denied.log);
}

/// All waves have their answers at the same time, and their rows were read twelve seconds ago.
#[tokio::test(start_paused = true)]
async fn few_other_waves_come_between_a_look_at_the_rows_and_their_writing() {
    let takes = |_| Duration::from_secs(12);
    let played = play(Script { leads: 100, calls_at_once: "40", takes, ..Script::default() }).await;
    let mut looked = 0_usize;
    for said in &played.log[played.at("answered")..] {
        match said.as_str() {
            "read" => looked += 1,
            "wrote 10" => looked -= 1,
            _ => {}
        }
        assert!(looked <= 4, "{:#?}", played.log);
    }
    assert_eq!((played.count("read"), played.count("wrote 10")), (1 + 10, 10));
}

/// The queue accepts no report while there is time for one, and then the rows cannot be written.
#[tokio::test(start_paused = true)]
async fn a_report_that_was_kept_is_told_though_no_wave_tells_outcomes() {
    let is_deaf = |fact: &str, since| fact == "billed 0" && since < Duration::from_secs(71);
    let deadline = Duration::from_secs(90);
    let script = Script { is_deaf, deadline, leads: 10, ..Script::default() };
    let played = play(Script { unwritten: |_| Some(500), ..script }).await;
    assert_eq!((played.count("billed 0"), played.count("settled")), (1, 0), "{:#?}", played.log);
    assert!(played.waits.is_some());
}

/// The model answers about the first two waves, and then becomes unavailable.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_settled_leads_says_which_and_counts_towards_no_end() {
    let played = play(Script { refusal: |call| (call > 3).then_some(503), ..Script::default() });
    let waits = played.await.waits.expect("it waits for another attempt");
    let settled = waits["tried"]["settled"].as_array().map_or(0, Vec::len);
    assert_eq!((settled, &waits["attempt"], &waits["progressed"]), (20, &json!(2), &json!(1)));
    let played = play(Script { refusal: |_| Some(503), ..Script::default() }).await;
    let waits = played.waits.expect("it waits for another attempt");
    assert_eq!((&waits["attempt"], waits.get("progressed")), (&json!(2), None), "{waits}");
}

#[tokio::test(start_paused = true)]
async fn leads_that_an_earlier_attempt_settled_are_neither_read_nor_asked_about_nor_written() {
    let script =
        Script { attempt: 2, leads: 250, settled: 240, is_harvest: true, ..Script::default() };
    let played = play(script).await;
    let counts = ["read", "called", "wrote 10"].map(|what| played.count(what));
    assert_eq!(counts, [1, 3, 1], "{:#?}", played.log);
    assert_eq!(played.count("chunk_done"), 1);
    let done = Script { attempt: 2, settled: 60, is_harvest: true, ..Script::default() };
    let played = play(done).await;
    assert_eq!(played.log, ["chunk_done"]);
}

#[tokio::test(start_paused = true)]
async fn rows_whose_formula_is_too_long_are_read_in_parts() {
    let says = "The formula for filtering records is invalid: Invalid formula. Please check your formula text.";
    let played =
        play(Script { most_named: 20, says, calls_at_once: "40", ..Script::default() }).await;
    let counts = ["refused", "read", "wrote 10", "chunk_done"].map(|what| played.count(what));
    assert_eq!(counts, [3, 4, 6, 1], "{:#?}", played.log);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_gone_is_asked_for_once() {
    let says =
        "The formula for filtering records is invalid: Unknown field names: linkedin profile url";
    let played = play(Script { most_named: 20, says, ..Script::default() }).await;
    assert_eq!(
        (played.count("refused"), played.count("chunk_failed")),
        (1, 1),
        "{:#?}",
        played.log
    );
}
