//! Points in time as the vendors write and compare them.

use jiff::Timestamp;
use std::time::Duration;

/// ISO 8601 in UTC with milliseconds, as all three vendors write it.
pub(crate) fn iso(moment: Timestamp) -> String {
    format!("{moment:.3}")
}

/// The moment `wait` after `from`, or the last possible one if that is out of range.
pub(crate) fn after(from: Timestamp, wait: Duration) -> Timestamp {
    from.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// The time from `from` until `to`; zero if `to` has passed.
pub(crate) fn until(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_its_milliseconds() {
        let moment = Timestamp::from_millisecond(1_795_427_119_821).unwrap();
        assert_eq!(iso(moment), "2026-11-23T09:45:19.821Z");
        assert_eq!(iso(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn no_time_is_left_until_a_moment_that_has_passed() {
        let now = Timestamp::UNIX_EPOCH;
        let later = after(now, Duration::from_secs(5));
        assert_eq!(until(now, later), Duration::from_secs(5));
        assert_eq!(until(later, now), Duration::ZERO);
    }
}
