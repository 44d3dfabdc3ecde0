//! Formats numbers, money, times and bars.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
pub(super) use shared::core::counted::grouped;

/// A moment in UTC for people and for programs.
pub(super) fn moment(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (at.strftime("%Y-%m-%d %H:%M:%S")) } }
}

/// A future moment, and the time until then.
pub(super) fn until(at: Timestamp, now: Timestamp) -> Markup {
    html! {
        (moment(at))
        @if at > now { ", in " (span(at.duration_since(now))) } @else { ", now" }
    }
}

/// The time of a day with milliseconds.
pub(super) fn clock(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (at.strftime("%H:%M:%S%.3f")) } }
}

/// A length of time in at most two units.
pub(super) fn span(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    match seconds {
        0 => format!("{} ms", length.as_millis().max(0)),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A part of a bar: its class, its name and its size.
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) name: &'static str,
    pub(super) count: u64,
}

/// A bar of parts, relative to `whole`. It is hidden from screen readers, because the numbers are
/// next to it.
pub(super) fn bar(parts: &[Part], whole: u64) -> Markup {
    let mut x = 0.0;
    let scaled: Vec<(f64, f64, &Part)> = parts
        .iter()
        .filter(|part| part.count > 0)
        .map(|part| {
            let width = ratio(part.count, whole) * 1000.0;
            let from = x;
            x += width;
            (from, width, part)
        })
        .collect();
    html! {
        svg .bar viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect .track width="1000" height="10" {}
            @for (from, width, part) in scaled {
                rect class=(part.class) x=(format!("{from:.2}")) width=(format!("{width:.2}")) height="10" {
                    title { (part.name) ": " (grouped(part.count)) }
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is drawn, not counted")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_two_units_at_most() {
        for (millis, text) in [
            (-5, "0 ms"),
            (480, "480 ms"),
            (59_999, "59 s"),
            (61_000, "1 min 1 s"),
            (3_700_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(SignedDuration::from_millis(millis)), text);
        }
    }
}
