//! The events of a run in order, with an explanation of each long gap.

use super::gaps::{Gap, gaps};
use super::view::View;
use crate::page::figures::{clock, grouped};
use crate::page::open_book::OpenBook;
use crate::view::text_of;
use jiff::tz::Offset;
use maud::{Markup, html};

/// Events per page. The first page has the newest.
const A_PAGE: usize = 100;

pub(super) fn section(view: &View<'_>, open: &OpenBook) -> Markup {
    let events = &open.events;
    let last = events.len().div_ceil(A_PAGE).max(1);
    let at = view.query.page("ep", last);
    let end = events.len() - (at - 1) * A_PAGE;
    let start = end.saturating_sub(A_PAGE);
    let gaps = gaps(events);
    let shown = events[start..end].iter().rev();
    let gap_before = |event: &shared::messages::MetricsEvent| {
        gaps.iter().find(|gap| gap.to == event.at).map(Gap::in_words)
    };
    html! {
        section #events data-live aria-labelledby="events-title" {
            h2 #events-title { "Events" }
            p .count { (grouped(open.known.events as u64)) " in the log, newest first"
                @if open.unreadable > 0 { "; " (open.unreadable) " of another release cannot be read" } }
            ol .events reversed {
                @for event in shown {
                    li {
                        span .at title=(Offset::UTC.to_datetime(event.at).date()) { (clock(event.at)) }
                        span .fact { (event.fact.name().replace('_', " ")) }
                        span .says { (text_of(&event.fact)) }
                    }
                    @if let Some(gap) = gap_before(event) { li .gap { (gap) } }
                }
            }
            @if last > 1 {
                nav .pages aria-label="Pages of events" {
                    @if at > 1 { a rel="prev" href={(view.query.with("ep", &(at - 1).to_string())) "#events"} { "Newer" } }
                    span { "Page " (at) " of " (last) }
                    @if at < last { a rel="next" href={(view.query.with("ep", &(at + 1).to_string())) "#events"} { "Older" } }
                }
            }
        }
    }
}
