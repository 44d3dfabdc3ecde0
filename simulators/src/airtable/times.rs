//! Days and moments as texts.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The day that `text` names as `YYYY-MM-DD`, and in no other form.
pub(crate) fn day(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let day: Date = text.parse().ok()?;
    Some(day.to_string())
}

/// The moment an ISO 8601 text names, to the millisecond; UTC is meant where it has no zone.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    // A week or a bare number is a date to the parser, but not to Airtable.
    if text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let at = match text.parse::<Timestamp>() {
        Ok(at) => at,
        Err(_) => utc(text.parse().ok()?)?,
    };
    Timestamp::from_millisecond(at.as_millisecond()).ok()
}

/// The time zone of a name as in `Europe/Zurich`; `client`, which fields may have, is UTC here.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    match name.to_lowercase().as_str() {
        "utc" | "client" => Some(TimeZone::UTC),
        _ => TimeZone::get(name).ok(),
    }
}

/// The moment that `text` names for a field of this time zone, which is meant where the text has none.
pub(crate) fn moment_in(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let at = moment(text)?;
    if text.parse::<Timestamp>().is_ok() {
        return Some(at);
    }
    // It had no zone and was read on a clock in UTC.
    Some(civil(at).to_zoned_datetime(zone.clone()).ok()?.timestamp())
}

/// The moment a clock in UTC shows `at`.
pub(crate) fn utc(at: DateTime) -> Option<Timestamp> {
    Some(at.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}

/// What a clock in UTC shows at the moment.
pub(crate) fn civil(at: Timestamp) -> DateTime {
    at.to_zoned_datetime(TimeZone::UTC).datetime()
}
