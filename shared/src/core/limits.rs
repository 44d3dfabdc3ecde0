//! The limits of SQS and DynamoDB. The adapters for one machine enforce them too, so that what
//! works there also works on AWS.

use std::time::Duration;

/// Largest message body, and largest sum of bodies in one request (SQS).
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// Largest body of an event. A DynamoDB item may have 400 KB; the rest is reserved for its keys.
pub const MAX_EVENT_BYTES: usize = 350 * 1024;

/// Longest time a message can be hidden (SQS).
pub const MAX_HIDDEN: Duration = Duration::from_hours(12);

/// How long SQS remembers a deduplication id.
pub const DEDUPLICATION_WINDOW: Duration = Duration::from_mins(5);

/// Whether SQS accepts `character` in a body or an attribute.
pub fn is_allowed(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..
    )
}

/// `delay` as a visibility timeout: whole seconds, rounded up, at most [`MAX_HIDDEN`].
pub fn hidden_for(delay: Duration) -> Duration {
    let up = if delay.subsec_nanos() > 0 { 1 } else { 0 };
    Duration::from_secs(delay.as_secs().saturating_add(up)).min(MAX_HIDDEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_rounded_up_to_seconds_and_ends_after_twelve_hours() {
        let hidden = |millis| hidden_for(Duration::from_millis(millis)).as_secs();
        assert_eq!(hidden(0), 0);
        assert_eq!(hidden(1), 1);
        assert_eq!(hidden(5_000), 5);
        assert_eq!(hidden(u64::MAX), 43_200);
    }
}
