//! Days and moments as strings.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The day in `text`, only if its form is `YYYY-MM-DD`.
pub(crate) fn day(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let day: Date = text.parse().ok()?;
    Some(day.to_string())
}

/// The moment in an ISO 8601 string, to the millisecond. Without a zone, it is in UTC.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    // A week or a bare number is a date for the parser, but not for Airtable.
    if text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let at = match text.parse::<Timestamp>() {
        Ok(at) => at,
        Err(_) => utc(text.parse().ok()?)?,
    };
    Timestamp::from_millisecond(at.as_millisecond()).ok()
}

/// The time zone with a name such as `Europe/Zurich`. `client`, which fields may have, is UTC here.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    match name.to_lowercase().as_str() {
        "utc" | "client" => Some(TimeZone::UTC),
        _ => TimeZone::get(name).ok(),
    }
}

/// The moment in `text` for a field with this time zone, which applies if `text` has no zone.
pub(crate) fn moment_in(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let at = moment(text)?;
    if text.parse::<Timestamp>().is_ok() {
        return Some(at);
    }
    // It had no zone and was read as UTC.
    Some(civil(at).to_zoned_datetime(zone.clone()).ok()?.timestamp())
}

/// The moment at which a clock in UTC shows `at`.
pub(crate) fn utc(at: DateTime) -> Option<Timestamp> {
    Some(at.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}

/// The UTC date and time of a moment.
pub(crate) fn civil(at: Timestamp) -> DateTime {
    at.to_zoned_datetime(TimeZone::UTC).datetime()
}
