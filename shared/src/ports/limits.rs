//! What SQS and DynamoDB refuse. Every adapter checks these rules before it stores anything.

use super::event_log::{LogError, StoredEvent};
use super::queue::{OutgoingMessage, QueueError, QueueName, WaitingMessage};
use crate::core::digest::queue_id;
use crate::core::limits::{MAX_EVENT_BYTES, MAX_MESSAGE_BYTES, is_allowed};

/// Checks that SQS accepts each of `messages`.
///
/// # Errors
/// [`QueueError::Refused`] with the rule that the first invalid message breaks.
pub fn check_messages(queue: QueueName, messages: &[OutgoingMessage]) -> Result<(), QueueError> {
    match messages.iter().find_map(broken_rule) {
        Some(reason) => Err(QueueError::Refused { queue, reason }),
        None => Ok(()),
    }
}

/// Checks that SQS accepts a message for the retry queue.
///
/// # Errors
/// [`QueueError::Refused`] with the rule that it breaks.
pub fn check_waiting(message: &WaitingMessage) -> Result<(), QueueError> {
    match broken_rule_of_body(message.body()) {
        Some(reason) => Err(QueueError::Refused { queue: QueueName::Retry, reason }),
        None => Ok(()),
    }
}

fn broken_rule(message: &OutgoingMessage) -> Option<String> {
    let (group, deduplication) = (message.group(), message.deduplication());
    let bad_id = |id: &&str| queue_id(id) != **id;
    if let Some(id) = [group, deduplication].into_iter().find(bad_id) {
        let shown: String = id.chars().take(60).collect();
        return Some(format!(
            "the group or deduplication id {shown:?} is not 1 to 128 plain ASCII characters"
        ));
    }
    broken_rule_of_body(message.body())
}

fn broken_rule_of_body(body: &str) -> Option<String> {
    if body.is_empty() {
        return Some("the body is empty".to_owned());
    }
    if body.len() > MAX_MESSAGE_BYTES {
        return Some(format!(
            "the body has {} bytes; at most {MAX_MESSAGE_BYTES} are allowed",
            body.len()
        ));
    }
    // Every forbidden character starts with a byte outside this range. Most bodies pass this fast
    // check.
    if body.bytes().all(|byte| (b' '..0xEF).contains(&byte)) {
        return None;
    }
    let odd = body.chars().find(|&character| !is_allowed(character))?;
    Some(format!(
        "the body holds the character U+{:04X}, which XML 1.0 does not allow",
        u32::from(odd)
    ))
}

/// Checks that each of `events` fits in one item.
///
/// # Errors
/// [`LogError`] with the id and the size of the first event that does not fit.
pub fn check_events(events: &[StoredEvent]) -> Result<(), LogError> {
    match events.iter().find(|event| event.body.len() > MAX_EVENT_BYTES) {
        Some(StoredEvent { id, body }) => Err(LogError {
            reason: format!(
                "event {id} has {} bytes; at most {MAX_EVENT_BYTES} fit into one item",
                body.len()
            ),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(group: &str, deduplication: &str, body: &str) -> OutgoingMessage {
        OutgoingMessage::new(group.to_owned(), deduplication.to_owned(), body.to_owned())
    }

    fn refusal(message: OutgoingMessage) -> Option<String> {
        check_messages(QueueName::Scoring, &[message]).err().map(|error| error.to_string())
    }

    #[test]
    fn a_message_that_sqs_would_refuse_is_refused_with_the_rule() {
        let refused = "the scoring queue refuses a message: ";
        let ids = "is not 1 to 128 plain ASCII characters";
        for (bad, rule) in [
            (message("two words", "d", "{}"), r#"the group or deduplication id "two words" "#),
            (message("g", "Zoë", "{}"), r#"the group or deduplication id "Zoë" "#),
            (message("", "d", "{}"), r#"the group or deduplication id "" "#),
        ] {
            assert_eq!(refusal(bad).unwrap(), format!("{refused}{rule}{ids}"));
        }
        assert_eq!(refusal(message("g", "d", "")).unwrap(), format!("{refused}the body is empty"));
        assert_eq!(
            refusal(message("g", "d", &"x".repeat(1_048_577))).unwrap(),
            format!("{refused}the body has 1048577 bytes; at most 1048576 are allowed")
        );
        for (odd, name) in [('\u{0}', "0000"), ('\u{1f}', "001F"), ('\u{FFFE}', "FFFE")] {
            assert_eq!(
                refusal(message("g", "d", &format!("a{odd}"))).unwrap(),
                format!(
                    "{refused}the body holds the character U+{name}, which XML 1.0 does not allow"
                )
            );
        }
    }

    #[test]
    fn a_message_at_the_limits_is_taken() {
        assert_eq!(refusal(message("g", "d", &"x".repeat(1_048_576))), None);
        assert_eq!(refusal(message("g", "d", "\t\r\n ~é\u{FFFD}😀")), None);
        assert_eq!(refusal(message(&"g".repeat(128), "!~", "{}")), None);
    }

    #[test]
    fn an_event_too_large_for_an_item_is_named_with_its_size() {
        let event = |size| StoredEvent { id: "e1".to_owned(), body: "x".repeat(size) };
        assert_eq!(check_events(&[event(MAX_EVENT_BYTES)]), Ok(()));
        assert_eq!(
            check_events(&[event(1), event(MAX_EVENT_BYTES + 1)]).unwrap_err().reason,
            "event e1 has 358401 bytes; at most 358400 fit into one item"
        );
    }
}
