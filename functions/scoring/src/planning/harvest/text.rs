//! Strings and times in an actor's JSON.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::Offset;
use serde_json::Value;
use shared::core::limits::is_allowed;
use shared::core::text::trim_invisible;

/// A string with visible content.
pub(super) fn text(value: &Value) -> Option<&str> {
    value.as_str().map(trim_invisible).filter(|text| !text.is_empty())
}

/// A string, cleaned; empty if there is none.
pub(super) fn owned(value: &Value) -> String {
    clean(text(value).unwrap_or_default())
}

/// A string, or a number as a string.
pub(super) fn text_or_number(value: &Value) -> Option<String> {
    let number = || value.as_number().map(ToString::to_string);
    text(value).map(str::to_owned).or_else(number)
}

/// A count, as a number or as a string such as `1,234`; 0 if there is none.
pub(super) fn count(value: &Value) -> u64 {
    let in_text = || {
        let digits = text(value)?.replace([',', '\u{a0}', '\u{202f}', ' '], "");
        digits.parse().ok()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it ends at the limits"
    )]
    let number = value.as_f64().map(|number| number as u64);
    number.or_else(in_text).unwrap_or(0)
}

/// Replaces the characters that no queue accepts.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if is_allowed(c) || c.is_control() { c } else { '\u{fffd}' }).collect()
}

/// A time. Actors give it as an object with a date and a timestamp, as a string, or as a number.
/// If the date is not in the standard format, the timestamp is used.
pub(super) fn date(at: &Value) -> Option<String> {
    let written = at.as_str().or_else(|| text(&at["date"]));
    let is_standard = |date: &&str| date.parse::<Timestamp>().is_ok();
    let stamped = || {
        let at = stamp(&at["timestamp"]).or_else(|| stamp(at))?;
        Some(at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    };
    let standard = written.filter(is_standard).map(str::to_owned);
    standard.or_else(stamped).or_else(|| written.map(str::to_owned))
}

/// A time in milliseconds, or in seconds, as a number or as a string; 0 stands for none.
fn stamp(value: &Value) -> Option<Timestamp> {
    /// No post is as old as this would be in milliseconds.
    const SECONDS_BELOW: f64 = 1e11;
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let number = number.filter(|number| *number > 0.0)?;
    let milliseconds = if number < SECONDS_BELOW { number * 1_000.0 } else { number };
    #[expect(clippy::cast_possible_truncation, reason = "the cast ends at the limits")]
    Timestamp::from_millisecond(milliseconds as i64).ok()
}

/// The moment of a [`date`]; without a zone it is in UTC. `None` for words such as `yesterday`.
pub(super) fn moment(date: &str) -> Option<Timestamp> {
    let in_utc = || Offset::UTC.to_timestamp(date.parse().ok()?).ok();
    let as_in_mails = || Some(rfc2822::parse(date).ok()?.timestamp());
    date.parse().ok().or_else(in_utc).or_else(as_in_mails)
}

/// `text` cut to `most` characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_that_shows_nothing_says_nothing() {
        for blank in
            ["", " \n", "\u{200b}\u{feff}", "\u{2800}\n\u{2800}", "\u{3164}", "\u{2060} \u{ad}"]
        {
            assert_eq!(text(&json!(blank)), None, "{blank:?}");
        }
        assert_eq!(text(&json!("\u{200b}Hello \u{2800}")), Some("Hello"));
    }

    #[test]
    fn a_count_may_be_a_text() {
        for (given, read) in [
            (json!(1234), 1234),
            (json!("1,234"), 1234),
            (json!("1 234"), 1234),
            (json!("7"), 7),
            (json!(7.0), 7),
            (json!("many"), 0),
            (json!(null), 0),
            (json!(-1), 0),
        ] {
            assert_eq!(count(&given), read, "{given}");
        }
    }

    #[test]
    fn a_date_that_is_not_written_by_the_standard_gives_way_to_the_timestamp() {
        let iso = json!({"date": "2026-11-23T09:45:19.821Z", "timestamp": 1});
        assert_eq!(date(&iso).as_deref(), Some("2026-11-23T09:45:19.821Z"));
        let odd = json!({"date": "2026-11-20 10:39:56", "timestamp": 1_795_171_196_000_i64});
        assert_eq!(date(&odd).as_deref(), Some("2026-11-20T10:39:56.000Z"));
        assert_eq!(date(&json!({"date": "yesterday"})).as_deref(), Some("yesterday"));
        assert_eq!(date(&json!(null)), None);
        let told = Some("2026-11-23T09:45:19.000Z");
        for stamp in
            [json!(1_795_427_119_000_i64), json!(1_795_427_119), json!(1_795_427_119_000.0)]
        {
            let text = json!(stamp.to_string());
            for at in [json!({"timestamp": stamp}), json!({"timestamp": text}), stamp, text] {
                assert_eq!(date(&at).as_deref(), told, "{at}");
            }
        }
        assert_eq!(date(&json!({"timestamp": 0, "date": "2d"})).as_deref(), Some("2d"));
    }

    #[test]
    fn dates_of_different_forms_are_compared_by_their_moments() {
        let in_order = [
            "2026-11-20",
            "2026-11-20 10:39:56",
            "2026-11-23T11:45:19+02:00",
            "2026-11-23T09:45:19.001Z",
            "Mon, 23 Nov 2026 09:45:20 GMT",
            "2026-11-23T09:45:21+0000",
        ];
        assert!(in_order.iter().map(|date| moment(date).unwrap()).is_sorted());
        assert_eq!(moment("2d"), None);
    }
}
