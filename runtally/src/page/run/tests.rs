//! How a run's page shows its events.

use super::gaps::{Gap, gaps};
use super::waves::{ChunkLine, chunk_lines};
use crate::view::event_of;
use serde_json::{Value, json};
use shared::messages::{Fact, MetricsEvent};

const PLAN: &str = "eCXNmNMGp3jrM5OOVRsjPA";
const LEAD: &str = "PJ1ZEEW8iHY";

/// An event `second` seconds after ten o'clock.
fn event(second: u32, fact: Value) -> MetricsEvent {
    let at = format!("2026-11-23T10:{:02}:{:02}Z", second / 60, second % 60);
    let run = json!({"base_run": "261123-094519", "client": "Guy-Wilson", "client_name": "Guy Wilson",
        "run_type": "standalone", "opened_at": "2026-11-23T10:00:00Z"});
    let event = json!({"version": 1, "type": "event", "run": run, "at": at, "fact": fact});
    event_of(&event.to_string()).unwrap()
}

fn attempt() -> Value {
    json!({"plan": PLAN, "chunk": 0, "started_at": "2026-11-23T10:00:05Z", "attempt": "3jrM5OOVRsjPAeCXNmNMGp"})
}

fn planned(second: u32) -> MetricsEvent {
    let leads = [json!({"lead": LEAD, "posts": 2})];
    event(
        second,
        json!({"type": "planned_chunk", "plan": PLAN, "kind": "post", "chunk": 0, "leads": leads}),
    )
}

fn announced(second: u32, wave: u32) -> MetricsEvent {
    event(
        second,
        json!({"type": "announced", "attempt": attempt(), "kind": "post", "wave": wave,
        "round": 0, "calls": 2}),
    )
}

fn billed(second: u32, wave: u32, outcomes: [&str; 2]) -> MetricsEvent {
    let calls = outcomes.iter().zip(0..).map(|(outcome, call)| {
        let usage = json!({"prompt": 90, "output": 10, "total": 100});
        json!({"call": call, "outcome": outcome, "usage": usage, "model": "gemini-3.5-flash-lite"})
    });
    let calls: Vec<Value> = calls.collect();
    event(
        second,
        json!({"type": "billed", "attempt": attempt(), "kind": "post", "wave": wave,
        "round": 0, "calls": calls}),
    )
}

fn settled(second: u32) -> MetricsEvent {
    let leads = [json!({"lead": LEAD, "outcome": "scored", "examined": [LEAD], "scored": [LEAD]})];
    event(second, json!({"type": "settled", "attempt": attempt(), "kind": "post", "leads": leads}))
}

/// The same event, by a release that names the wave.
fn settled_of(wave: u32, second: u32) -> MetricsEvent {
    let mut event = settled(second);
    let Fact::Settled(settled) = &mut event.fact else { unreachable!("it was just made") };
    settled.wave = Some(wave);
    event
}

fn done(second: u32) -> MetricsEvent {
    event(second, json!({"type": "chunk_done", "attempt": attempt()}))
}

fn only(lines: Vec<ChunkLine>) -> ChunkLine {
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines.into_iter().next().unwrap()
}

#[test]
fn a_wave_is_drawn_from_its_announcement_over_its_bill_to_the_writing_of_its_rows() {
    let both = ["answered", "answered"];
    let events = [
        planned(1),
        announced(5, 0),
        announced(6, 1),
        // The later wave is answered and written first.
        billed(8, 1, both),
        settled(9),
        billed(10, 0, ["answered", "refused"]),
        settled(12),
        done(13),
    ];
    let line = only(chunk_lines(&events, 2));
    let second = |at: Option<jiff::Timestamp>| at.map(|at| at.strftime("%S").to_string());
    let waves = &line.attempts[0].waves;
    let told: Vec<_> = waves
        .iter()
        .map(|wave| {
            (second(wave.rounds[0].asked), second(wave.rounds[0].billed), second(wave.written))
        })
        .collect();
    let text = |second: &str| Some(second.to_owned());
    assert_eq!(told, [(text("05"), text("10"), text("12")), (text("06"), text("08"), text("09"))]);
    let first = &waves[0].rounds[0];
    assert_eq!((first.answered, first.refused, first.lost, first.tokens), (1, 1, 0, 100));
    assert_eq!((second(line.done), line.leads, line.queued), (text("13"), 1, events[0].at));
}

#[test]
fn a_wave_is_written_when_its_own_leads_are_settled_whichever_was_billed_first() {
    let both = ["answered", "answered"];
    let events = [
        planned(1),
        announced(5, 0),
        announced(5, 1),
        billed(8, 0, both),
        billed(9, 1, both),
        // The rows of the first wave are written one by one.
        settled_of(1, 10),
        settled_of(0, 14),
    ];
    let line = only(chunk_lines(&events, 2));
    let second =
        |wave: usize| line.attempts[0].waves[wave].written.unwrap().strftime("%S").to_string();
    assert_eq!([second(0), second(1)], ["14", "10"]);
}

#[test]
fn a_call_that_nobody_heard_of_again_stays_open_and_its_chunk_too() {
    let line = only(chunk_lines(&[planned(1), announced(5, 0)], 2));
    assert_eq!((line.attempts[0].waves[0].rounds[0].billed, line.done), (None, None));
}

#[test]
fn a_chunk_is_in_the_lane_of_its_leads() {
    let lead: shared::core::ids::LeadKey = LEAD.parse().unwrap();
    for lanes in 1..=4 {
        assert_eq!(only(chunk_lines(&[planned(1)], lanes)).lane, lead.lane(lanes));
    }
}

#[test]
fn a_long_time_without_an_event_is_explained() {
    let refused = ["refused", "lost"];
    for (before, after, why) in [
        (planned(1), announced(40, 0), "its chunks waited for their turn in their lanes"),
        (announced(1, 0), billed(40, 0, refused), "the model was answering"),
        (announced(1, 0), announced(40, 1), "its worker died, or its message came back later"),
        (
            billed(1, 0, refused),
            announced(40, 0),
            "answered none of these calls; they were made again",
        ),
        (billed(1, 0, ["answered"; 2]), settled(40), "the rows were being written to Airtable"),
        (settled(1), announced(40, 1), "the next wave or chunk waited for its turn"),
    ] {
        let found: Vec<String> = gaps(&[before, after]).iter().map(Gap::in_words).collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("39 s without an event: "), "{found:?}");
        assert!(found[0].contains(why), "{found:?} does not say {why}");
    }
    assert!(gaps(&[planned(1), announced(9, 0)]).is_empty(), "a call may take that long");
}
