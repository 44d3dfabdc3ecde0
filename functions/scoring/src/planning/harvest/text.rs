//! Strings and times in an actor's JSON.

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
    value.as_u64().or_else(in_text).unwrap_or(0)
}

/// Replaces the characters that no queue accepts.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if is_allowed(c) || c.is_control() { c } else { '\u{fffd}' }).collect()
}

/// A time. Actors give it as an object with a date and a timestamp, as a string, or in
/// milliseconds. If the date is not in the standard format, the timestamp is used.
pub(super) fn date(at: &Value) -> Option<String> {
    let written = at.as_str().or_else(|| text(&at["date"]));
    let is_standard = |date: &&str| date.parse::<jiff::Timestamp>().is_ok();
    let stamped = || {
        let text = || at["timestamp"].as_str()?.trim().parse().ok();
        let stamp = at["timestamp"].as_i64().or_else(text).or_else(|| at.as_i64())?;
        let at = jiff::Timestamp::from_millisecond(stamp).ok()?;
        Some(at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    };
    let standard = written.filter(is_standard).map(str::to_owned);
    standard.or_else(stamped).or_else(|| written.map(str::to_owned))
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
    }
}
