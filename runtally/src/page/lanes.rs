//! The lanes in use: what each does, for which run, and since when.

use super::figures::{grouped, span};
use super::layout::run_link;
use crate::storage::LaneState;
use crate::view::message_in_words;
use jiff::Timestamp;
use maud::{Markup, html};
use shared::ports::QueueName;

/// Most lanes that are shown.
const MAX_SHOWN: usize = 50;

/// Empty if no lane is in use, or if lanes are not visible.
pub(super) fn section(lanes: &[(QueueName, &LaneState)], now: Timestamp) -> Markup {
    html! {
        section #lanes data-live aria-label="Lanes" {
            @if !lanes.is_empty() {
                h2 { "Lanes in use" }
                div .scroll tabindex="0" role="region" aria-label="Lanes in use" {
                    table {
                        thead { tr { th scope="col" { "First message" } th scope="col" { "Run" } th scope="col" .num { "Messages" } th scope="col" .num { "Oldest" } th scope="col" { "Next" } th scope="col" { "Lane" } } }
                        tbody { @for (queue, lane) in lanes.iter().take(MAX_SHOWN) { (row(*queue, lane, now)) } }
                    }
                }
                @if lanes.len() > MAX_SHOWN { p .count { (lanes.len() - MAX_SHOWN) " more lanes" } }
            }
        }
    }
}

fn row(queue: QueueName, lane: &LaneState, now: Timestamp) -> Markup {
    let (run, what) = message_in_words(queue, &lane.first);
    html! {
        tr {
            th scope="row" { (what) }
            td { @if let Some(run) = &run { (run_link(run)) } }
            td .num { (grouped(lane.messages)) }
            td .num { (span(now.duration_since(lane.oldest))) }
            td {
                @if lane.hidden == 0 { "now" }
                @else { "in work; if its worker dies, in " (span(lane.next_at.duration_since(now))) }
            }
            td { code { (queue.as_str()) " " (lane.group) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_says_what_is_done_in_it_for_which_run_and_since_when() {
        let lane = |group: &str, hidden, first: &str| LaneState {
            group: group.to_owned(),
            messages: 3,
            hidden,
            oldest: "2026-11-23T10:00:00Z".parse().unwrap(),
            next_at: "2026-11-23T10:15:00Z".parse().unwrap(),
            first: first.to_owned(),
        };
        let plan = r#"{"version": 1, "type": "score", "clients": {"one": "Guy-Wilson"},
            "kind": "post", "base_run": "261123-100000"}"#;
        let at_work = lane("plan#0:x", 1, plan);
        let unread = lane("appClient00000001", 0, "no message");
        let now = "2026-11-23T10:01:00Z".parse().unwrap();
        let lanes = [(QueueName::Scoring, &at_work), (QueueName::Metrics, &unread)];
        let html = section(&lanes, now).into_string();
        for part in [
            "planning of waiting posts</th>",
            "href=\"/run/261123-100000-Guy-Wilson\"",
            ">1 min 0 s</td><td>in work; if its worker dies, in 14 min 0 s</td>",
            "scoring plan#0:x",
            "<td>now</td>",
            "metrics appClient00000001",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        let many = [(QueueName::Scoring, &at_work); MAX_SHOWN + 2];
        assert!(section(&many, now).into_string().contains("2 more lanes"));
        assert!(!section(&[], now).into_string().contains("Lanes in use"));
    }
}
