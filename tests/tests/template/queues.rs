//! The queues are set up as the functions need them, and each triggers its function.

use crate::document::TEMPLATE;
use shared::core::failure::{QUEUE_RECEIVES, RETRY_RECEIVES, RETRY_VISIBILITY};
use shared::core::limits::DEDUPLICATION_WINDOW;

/// The operator's key, if there is one.
pub(crate) const CUSTOMER_KEY: &str = "HasCustomerKey,CustomerKeyArn,AWS::NoValue";
/// SQS's own encryption, if there is no such key.
pub(crate) const OWN_ENCRYPTION: &str = "HasCustomerKey,false,true";

/// Queue, its dead-letter queue, the function that it triggers and the name of the mapping.
pub(crate) const QUEUES: [(&str, &str, &str, &str); 2] = [
    ("ScoringQueue", "ScoringDeadLetters", "Scoring", "Tasks"),
    ("MetricsQueue", "MetricsDeadLetters", "MetricsFinalizer", "Metrics"),
];

/// The queue for messages that schedules could not send, and its alarm.
pub(crate) const SCHEDULES: (&str, &str) = ("ScheduleDeadLetters", "ScheduleDeadLettersAlarm");

#[test]
fn queues_are_fifo_hold_messages_for_two_weeks_and_outlast_an_outage() {
    for (queue, dead_letters, function, _) in QUEUES {
        for name in [queue, dead_letters] {
            for (property, value) in [
                ("FifoQueue", "true"),
                ("ContentBasedDeduplication", "true"),
                ("DeduplicationScope", "messageGroup"),
                ("FifoThroughputLimit", "perMessageGroupId"),
                ("SqsManagedSseEnabled", OWN_ENCRYPTION),
                ("MessageRetentionPeriod", "1209600"),
            ] {
                assert_eq!(TEMPLATE.property(name, property), value, "{name}: {property}");
            }
        }
        assert_eq!(
            TEMPLATE.property(queue, "RedrivePolicy/deadLetterTargetArn"),
            format!("{dead_letters}.Arn")
        );
        // The function dead-letters a message at its last delivery, with the reason. This is the
        // safety net.
        let receives = TEMPLATE.number(queue, "RedrivePolicy/maxReceiveCount");
        assert_eq!(receives, u64::from(QUEUE_RECEIVES), "{queue}");
        let timeout = TEMPLATE.number(function, "Timeout");
        assert!(TEMPLATE.number(queue, "VisibilityTimeout") >= 6 * timeout, "{queue}");
    }
}

#[test]
fn the_retry_queue_delays_each_message_by_itself_and_ends_no_chain_of_attempts() {
    let of = |queue: &str, path: &str| TEMPLATE.property(queue, path);
    for name in ["RetryQueue", "RetryDeadLetters"] {
        // A FIFO queue has the same delay for all messages.
        let properties = TEMPLATE.at(&format!("Resources/{name}/Properties"));
        for of_fifo in ["FifoQueue", "ContentBasedDeduplication", "DelaySeconds"] {
            assert!(properties.get(of_fifo).is_none(), "{name}: {of_fifo}");
        }
        assert_eq!(of(name, "MessageRetentionPeriod"), "1209600");
    }
    assert_eq!(of("RetryQueue", "RedrivePolicy/deadLetterTargetArn"), "RetryDeadLetters.Arn");
    let receives = TEMPLATE.number("RetryQueue", "RedrivePolicy/maxReceiveCount");
    assert_eq!(receives, u64::from(RETRY_RECEIVES));
    let visibility = TEMPLATE.number("RetryQueue", "VisibilityTimeout");
    assert_eq!(visibility, RETRY_VISIBILITY.as_secs());
    // Lambda requires the first. The second is needed because a message that is passed on twice is
    // dropped.
    assert!(visibility > TEMPLATE.number("Scoring", "Timeout"));
    assert!(visibility < DEDUPLICATION_WINDOW.as_secs());
    // Waits as long as the FIFO queues for a function that does not start.
    let patience = |queue: &str| {
        TEMPLATE.number(queue, "VisibilityTimeout")
            * TEMPLATE.number(queue, "RedrivePolicy/maxReceiveCount")
    };
    assert!(patience("RetryQueue") >= patience("ScoringQueue"));
    assert_eq!(of("Scoring", "RecursiveLoop"), "Allow");
}

#[test]
fn every_queue_is_encrypted_and_takes_encrypted_connections_only() {
    let queues = TEMPLATE.of_kind("AWS::SQS::Queue");
    assert_eq!(queues.len(), 7);
    for queue in queues {
        assert_eq!(TEMPLATE.property(&queue, "SqsManagedSseEnabled"), OWN_ENCRYPTION, "{queue}");
        assert_eq!(TEMPLATE.property(&queue, "KmsMasterKeyId"), CUSTOMER_KEY, "{queue}");
        let policy = format!("{queue}Policy");
        assert_eq!(TEMPLATE.property(&policy, "Queues"), queue);
        assert_eq!(
            TEMPLATE.property(&policy, "PolicyDocument/Statement"),
            format!(
                "Sid=EncryptedConnectionsOnly,Effect=Deny,Principal=*,Action=sqs:*,\
                 Resource={queue}.Arn,Condition=Bool=aws:SecureTransport=false"
            )
        );
        // A queue accepts dead letters of other queues only if it is a dead-letter queue.
        let is_dead = queue.ends_with("DeadLetters") && queue != SCHEDULES.0;
        let redrive = if is_dead { "allowAll" } else { "denyAll" };
        let allowed = TEMPLATE.property(&queue, "RedriveAllowPolicy/redrivePermission");
        assert_eq!(allowed, redrive, "{queue}");
    }
}

#[test]
fn every_mapping_reports_the_messages_that_failed() {
    let retries = ("RetryQueue", "RetryDeadLetters", "Scoring", "Retries");
    for (queue, _, function, mapping) in QUEUES.into_iter().chain([retries]) {
        let of = |path: &str| TEMPLATE.property(function, &format!("Events/{mapping}/{path}"));
        assert_eq!(of("Type"), "SQS");
        assert_eq!(of("Properties/Queue"), format!("{queue}.Arn"));
        assert_eq!(of("Properties/FunctionResponseTypes"), "ReportBatchItemFailures");
        assert!((1..=10).contains(&of("Properties/BatchSize").parse::<u64>().unwrap()));
    }
}
