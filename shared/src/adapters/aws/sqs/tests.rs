use super::super::lambda::aws_for_tests;
use super::*;
use crate::adapters::actions;
use crate::adapters::loopback::{Loopback, Reply};
use serde_json::{Value, json};

const TAKEN: &str = r#"{"Successful":[],"Failed":[]}"#;

fn message(deduplication: &str, size: usize) -> OutgoingMessage {
    OutgoingMessage::new("g".to_owned(), deduplication.to_owned(), "x".repeat(size))
}

fn letter(id: &str, reason: &str) -> NewDeadLetter {
    let [group, message_id, body, reason] = ["g", id, "{}", reason].map(str::to_owned);
    NewDeadLetter { group, message_id, body, reason }
}

async fn queue_answered(replies: &[&str]) -> (SqsQueue, Loopback) {
    let server = Loopback::serving(replies.iter().map(|body| Reply::json(body)).collect()).await;
    let urls = QueueUrls {
        url: format!("{}/1/scoring.fifo", server.origin),
        dead_letters: Some(format!("{}/1/scoring-dead.fifo", server.origin)),
    };
    let client = aws_for_tests(&server.origin).sqs();
    (SqsQueue::new(client, [(QueueName::Scoring, urls)].into()), server)
}

fn sent(server: &Loopback) -> Vec<Vec<Value>> {
    let ids = |body: &Value| {
        let entries = body["Entries"].as_array().unwrap();
        entries.iter().map(|entry| entry["MessageDeduplicationId"].clone()).collect()
    };
    server.bodies().iter().map(ids).collect()
}

fn failed(code: &str, sender_fault: bool) -> String {
    json!({"Successful": [], "Failed": [
        {"Id": "m1", "SenderFault": sender_fault, "Code": code, "Message": "no"}
    ]})
    .to_string()
}

#[test]
fn a_request_holds_ten_messages_and_one_mebibyte_at_most_in_order() {
    let sizes = |sizes: &[usize]| {
        let messages = sizes.iter().map(|&size| message("d", size)).collect();
        let batches = batches(messages);
        batches
            .iter()
            .map(|batch| batch.iter().map(|message| message.body().len()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let half = MAX_MESSAGE_BYTES / 2;
    assert_eq!(sizes(&[1; 12]), [vec![1; 10], vec![1; 2]]);
    assert_eq!(sizes(&[half, half, 1]), [vec![half, half], vec![1]]);
    assert_eq!(sizes(&[half, half + 1, 1]), [vec![half], vec![half + 1, 1]]);
    assert_eq!(sizes(&[]), Vec::<Vec<usize>>::new());
}

#[tokio::test]
async fn only_what_sqs_did_not_take_is_sent_again() {
    let (queue, server) = queue_answered(&[&failed("InternalError", false), TAKEN]).await;
    let messages = vec![message("d0", 1), message("d1", 1), message("d2", 1)];
    queue.send(QueueName::Scoring, messages).await.unwrap();
    assert_eq!(sent(&server), [vec!["d0", "d1", "d2"], vec!["d1"]]);
}

#[tokio::test]
async fn a_queue_that_keeps_failing_is_unreachable() {
    let answer = failed("ThrottlingException", true).replace("m1", "m0");
    let (queue, server) = queue_answered(&[&answer]).await;
    let error = queue.send(QueueName::Scoring, vec![message("d0", 1)]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the scoring queue is not reachable: 1 messages were not accepted, the first: \
         ThrottlingException: no"
    );
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_message_refused_by_sqs_is_not_sent_again() {
    let (queue, server) = queue_answered(&[&failed("InvalidMessageContents", true)]).await;
    let messages = vec![message("d0", 1), message("d1", 1)];
    let error = queue.send(QueueName::Scoring, messages).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the scoring queue refuses a message: InvalidMessageContents: no"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_when_one_message_breaks_a_rule() {
    let (queue, server) = queue_answered(&[TAKEN]).await;
    let messages = vec![message("d0", 1), message("d1", MAX_MESSAGE_BYTES + 1)];
    let error = queue.send(QueueName::Scoring, messages).await.unwrap_err();
    assert!(matches!(error, QueueError::Refused { .. }), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_parked_message_carries_its_reason_and_its_old_id() {
    // The client compares the checksum of the body.
    let answer = r#"{"MessageId":"1","MD5OfMessageBody":"99914b932bd37a50b983c5e7c90ae93b"}"#;
    let (queue, server) = queue_answered(&[answer]).await;
    let letter = letter("11d6ee51", "unknown\u{1} version");
    queue.dead_letter(QueueName::Scoring, letter).await.unwrap();
    assert_eq!(
        server.bodies()[0],
        json!({
            "QueueUrl": format!("{}/1/scoring-dead.fifo", server.origin),
            "MessageBody": "{}",
            "MessageGroupId": "g",
            "MessageDeduplicationId": "11d6ee51",
            "MessageAttributes": {
                "reason": {"DataType": "String", "StringValue": "unknown\u{FFFD} version"}
            },
        })
    );
}

#[test]
fn a_reason_is_cut_to_the_room_beside_the_body() {
    let full = MAX_MESSAGE_BYTES - "reasonString".len();
    assert_eq!(fitting_reason("why é", full - 5), Some("why ".to_owned()));
    assert_eq!(fitting_reason("why é", full), None);
    assert_eq!(fitting_reason("why é", 2), Some("why é".to_owned()));
}

#[tokio::test]
async fn a_requeued_message_is_hidden_for_whole_seconds() {
    let (queue, server) = queue_answered(&["{}"]).await;
    queue.requeue(QueueName::Scoring, "r1", Duration::from_millis(1500)).await.unwrap();
    assert_eq!(server.bodies()[0]["VisibilityTimeout"], 2);
    assert_eq!(server.bodies()[0]["ReceiptHandle"], "r1");
}

/// A retry queue that returns these answers.
async fn retry_queue_answered(replies: &[&str]) -> (SqsQueue, Loopback) {
    let server = Loopback::serving(replies.iter().map(|body| Reply::json(body)).collect()).await;
    let of = |name: &str| QueueUrls {
        url: format!("{}/1/{name}", server.origin),
        dead_letters: Some(format!("{}/1/{name}-dead", server.origin)),
    };
    let urls = [(QueueName::Retry, of("retry")), (QueueName::Scoring, of("scoring.fifo"))];
    (SqsQueue::new(aws_for_tests(&server.origin).sqs(), urls.into()), server)
}

/// An answer to a sent message; the client compares the checksum of its body.
const SENT: &str = r#"{"MessageId":"1","MD5OfMessageBody":"99914b932bd37a50b983c5e7c90ae93b"}"#;

#[tokio::test]
async fn a_waiting_message_has_a_delay_of_its_own_and_no_group() {
    let (queue, server) = retry_queue_answered(&[SENT, SENT]).await;
    for millis in [29_001, 3_600_000] {
        let waiting = WaitingMessage::new("{}".to_owned(), Duration::from_millis(millis));
        queue.let_wait(waiting).await.unwrap();
    }
    let url = format!("{}/1/retry", server.origin);
    let sent =
        [30, 900].map(|delay| json!({"QueueUrl": url, "MessageBody": "{}", "DelaySeconds": delay}));
    assert_eq!(server.bodies(), sent);
    assert_eq!(server.operations(), ["sendmessage"]);
}

#[tokio::test]
async fn a_dead_letter_of_the_retry_queue_goes_back_to_the_group_that_it_was_on_its_way_to() {
    let body = r#"{"version":1,"type":"x","attempt":7,"group":"plan#0","queue":"scoring"}"#;
    let letter = json!({"Messages": [{"MessageId": "a", "ReceiptHandle": "r", "Body": body,
        "Attributes": {}}]});
    let (queue, server) = retry_queue_answered(&[SENT, &letter.to_string(), TAKEN, "{}"]).await;
    let new = NewDeadLetter { body: "{}".to_owned(), ..self::letter("m1", "no group") };
    queue.dead_letter(QueueName::Retry, new).await.unwrap();
    assert!(server.bodies()[0].get("MessageGroupId").is_none(), "a standard queue has none");
    assert!(server.bodies()[0].get("MessageDeduplicationId").is_none());
    assert_eq!(queue.redrive(QueueName::Retry, &["a".to_owned()].into()).await, Ok(1));
    let bodies = server.bodies();
    let sent = json!([{"Id": "m0", "MessageGroupId": "plan#0", "MessageDeduplicationId": "a",
        "MessageBody": r#"{"version":1,"type":"x"}"#}]);
    assert_eq!(bodies[2]["Entries"], sent, "as a first attempt");
    assert!(bodies[2]["QueueUrl"].as_str().unwrap().ends_with("/1/scoring.fifo"));
    assert!(bodies[3]["QueueUrl"].as_str().unwrap().ends_with("/1/retry-dead"));
}

#[tokio::test]
async fn a_queue_without_a_url_is_named() {
    let (queue, _server) = queue_answered(&[TAKEN]).await;
    let error = queue.send(QueueName::Metrics, vec![message("d", 1)]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the metrics queue is not reachable: this function is not configured with its URL"
    );
}

#[tokio::test]
async fn the_queue_does_what_its_policy_allows_and_nothing_else() {
    let (queue, server) = queue_answered(&[TAKEN]).await;
    queue.send(QueueName::Scoring, vec![message("d0", 1)]).await.unwrap();
    queue.dead_letter(QueueName::Scoring, letter("m1", "never")).await.unwrap();
    queue.requeue(QueueName::Scoring, "receipt", Duration::ZERO).await.unwrap();
    // IAM has one permission for sending, both single messages and batches.
    let called = ["changemessagevisibility", "sendmessage", "sendmessagebatch"];
    assert_eq!(server.operations(), called);
    assert_eq!(actions::SEND, ["sqs:SendMessage"]);
    assert_eq!(actions::REQUEUE, ["sqs:ChangeMessageVisibility"]);
}

/// An answer to a receive; the client compares the checksum of each body.
fn received(ids: &[&str]) -> String {
    let messages: Vec<Value> = ids
        .iter()
        .map(|id| {
            json!({"MessageId": id, "ReceiptHandle": format!("r-{id}"), "Body": "{}",
                "MD5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
                "Attributes": {"MessageGroupId": "g", "SentTimestamp": "1764000000000",
                    "ApproximateReceiveCount": "26"},
                "MessageAttributes": {"reason": {"DataType": "String", "StringValue": "no such type"}}})
        })
        .collect();
    json!({"Messages": messages}).to_string()
}

#[tokio::test]
async fn dead_letters_are_shown_with_their_reasons_and_left_where_they_are() {
    let answers = [received(&["a", "b"]), "{}".to_owned(), TAKEN.to_owned()];
    let (queue, server) = queue_answered(&answers.each_ref().map(String::as_str)).await;
    let letters = queue.dead_letters(QueueName::Scoring).await.unwrap();
    let shown: Vec<_> = letters.iter().map(|l| (&*l.message_id, &*l.group, &*l.reason)).collect();
    assert_eq!(shown, [("a", "g", "no such type"), ("b", "g", "no such type")]);
    let bodies = server.bodies();
    assert_eq!(bodies.len(), 3);
    assert!(bodies[0]["QueueUrl"].as_str().unwrap().ends_with("/1/scoring-dead.fifo"));
    let released = json!([
        {"Id": "m0", "ReceiptHandle": "r-a", "VisibilityTimeout": 0},
        {"Id": "m1", "ReceiptHandle": "r-b", "VisibilityTimeout": 0},
    ]);
    assert_eq!(bodies[2]["Entries"], released);
}

#[tokio::test]
async fn a_chosen_dead_letter_is_sent_to_its_queue_and_only_then_deleted() {
    let answers = [&received(&["a", "b"]), TAKEN, "{}", TAKEN];
    let (queue, server) = queue_answered(&answers).await;
    let count = queue.redrive(QueueName::Scoring, &["b".to_owned()].into()).await;
    assert_eq!(count, Ok(1));
    let bodies = server.bodies();
    let sent = json!([{"Id": "m0", "MessageGroupId": "g", "MessageDeduplicationId": "b",
        "MessageBody": "{}"}]);
    assert_eq!(bodies[1]["Entries"], sent);
    assert!(bodies[1]["QueueUrl"].as_str().unwrap().ends_with("/1/scoring.fifo"));
    assert_eq!(bodies[2]["ReceiptHandle"], "r-b");
    assert!(bodies[2]["QueueUrl"].as_str().unwrap().ends_with("/1/scoring-dead.fifo"));
    assert_eq!(bodies[3]["Entries"][0]["ReceiptHandle"], "r-a");
}

#[tokio::test]
async fn a_letter_that_fails_again_at_once_is_not_sent_back_for_ever() {
    let (queue, server) = queue_answered(&[&received(&["a", "a"]), TAKEN, "{}", TAKEN]).await;
    assert_eq!(queue.redrive(QueueName::Scoring, &["a".to_owned()].into()).await, Ok(1));
    assert_eq!(server.bodies()[3]["Entries"][0]["ReceiptHandle"], "r-a", "put back");
}

#[tokio::test]
async fn whatever_is_sent_for_a_message_carries_its_trace_on() {
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
    let (queue, server) = queue_answered(&[TAKEN, "{}", TAKEN]).await;
    trace::follow(trace::TraceHeader::read(header), async {
        queue.send(QueueName::Scoring, vec![message("a", 1), message("b", 1)]).await.unwrap();
        queue.dead_letter(QueueName::Scoring, letter("m", "odd")).await.unwrap();
    })
    .await;
    queue.send(QueueName::Scoring, vec![message("tick", 1)]).await.unwrap();
    let carried = json!({"AWSTraceHeader": {"DataType": "String", "StringValue": header}});
    let bodies = server.bodies();
    for entry in bodies[0]["Entries"].as_array().unwrap() {
        assert_eq!(entry["MessageSystemAttributes"], carried);
    }
    assert_eq!(bodies[1]["MessageSystemAttributes"], carried);
    assert!(bodies[2]["Entries"][0].get("MessageSystemAttributes").is_none(), "a tick has none");
}
