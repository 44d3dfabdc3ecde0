//! The promises of `Queue`, as its receiver observes them.

use shared::core::limits::{DEDUPLICATION_WINDOW, MAX_MESSAGE_BYTES};
use shared::messages::{RetryState, routes};
use shared::ports::{NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName};
use std::future::Future;
use std::time::Duration;

/// The queue that the suite uses.
const QUEUE: QueueName = QueueName::Scoring;

/// A queue with its receiving end, which on AWS belongs to the event source mapping.
pub trait Mailbox {
    /// Whether the test controls the time, so that waiting for minutes takes no time.
    const TIME_MOVES: bool;

    /// The sending end.
    fn queue(&self) -> &impl Queue;

    /// Receives up to `most` messages, hidden until they are deleted or requeued.
    fn receive(&self, queue: QueueName, most: usize) -> impl Future<Output = Vec<Taken>>;

    fn delete(&self, queue: QueueName, receipt: &str) -> impl Future<Output = ()>;

    /// Bodies and reasons of the dead letters.
    fn dead_letters(&self, queue: QueueName) -> impl Future<Output = Vec<(String, String)>>;
}

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub message_id: String,
    /// Identifies this receive.
    pub receipt: String,
    pub group: String,
    pub body: String,
    /// How often it was received.
    pub receive_count: u32,
}

fn message(group: &str, body: &str) -> OutgoingMessage {
    routes::verbatim(group, body, body)
}

async fn send(mailbox: &impl Mailbox, messages: &[(&str, &str)]) {
    let messages = messages.iter().map(|(group, body)| message(group, body)).collect();
    mailbox.queue().send(QUEUE, messages).await.expect("the queue is up");
}

async fn bodies(mailbox: &impl Mailbox, most: usize) -> Vec<String> {
    mailbox.receive(QUEUE, most).await.into_iter().map(|taken| taken.body).collect()
}

/// Messages of one group come in the order in which they were sent, even across requests.
pub async fn messages_of_a_group_come_in_order(mailbox: &impl Mailbox) {
    let sent: Vec<String> = (0..23).map(|n| format!("m{n:02}")).collect();
    let messages = sent.iter().map(|body| message("g", body)).collect();
    mailbox.queue().send(QUEUE, messages).await.expect("the queue is up");
    let mut received = Vec::new();
    while received.len() < sent.len() {
        let taken = mailbox.receive(QUEUE, 10).await;
        assert!(!taken.is_empty(), "{} of {} came", received.len(), sent.len());
        for message in taken {
            mailbox.delete(QUEUE, &message.receipt).await;
            received.push(message.body);
        }
    }
    assert_eq!(received, sent);
}

/// A message in flight holds back its group, but no other group.
pub async fn a_message_in_flight_holds_back_its_group(mailbox: &impl Mailbox) {
    send(mailbox, &[("a", "1"), ("a", "2"), ("b", "3")]).await;
    let first = mailbox.receive(QUEUE, 1).await;
    assert_eq!((first[0].body.as_str(), first[0].group.as_str()), ("1", "a"));
    assert_eq!(first[0].receive_count, 1);
    assert_eq!(bodies(mailbox, 10).await, ["3"]);
    mailbox.delete(QUEUE, &first[0].receipt).await;
    assert_eq!(bodies(mailbox, 10).await, ["2"]);
}

/// A message whose id was sent recently is dropped.
pub async fn the_same_message_again_is_dropped(mailbox: &impl Mailbox) {
    send(mailbox, &[("a", "1")]).await;
    send(mailbox, &[("a", "1"), ("a", "2")]).await;
    assert_eq!(bodies(mailbox, 10).await, ["1", "2"]);
}

/// A requeued message comes back after its delay with a higher receive count, and its group waits.
pub async fn a_requeued_message_comes_back_after_its_delay(mailbox: &impl Mailbox) {
    send(mailbox, &[("a", "1"), ("a", "2")]).await;
    let first = mailbox.receive(QUEUE, 1).await.remove(0);
    let delay = Duration::from_secs(2);
    mailbox.queue().requeue(QUEUE, &first.receipt, delay).await.expect("it is in flight");
    assert_eq!(bodies(mailbox, 10).await, [""; 0]);
    tokio::time::sleep(delay + Duration::from_millis(500)).await;
    let again = mailbox.receive(QUEUE, 1).await.remove(0);
    assert_eq!((again.body.as_str(), again.receive_count), ("1", 2));
    assert_eq!(again.message_id, first.message_id);
}

/// A message that is requeued without a delay is back at once.
pub async fn a_message_requeued_by_nothing_is_back_at_once(mailbox: &impl Mailbox) {
    send(mailbox, &[("a", "1")]).await;
    let first = mailbox.receive(QUEUE, 1).await.remove(0);
    mailbox.queue().requeue(QUEUE, &first.receipt, Duration::ZERO).await.expect("it is in flight");
    assert_eq!(bodies(mailbox, 1).await, ["1"]);
}

/// If its receiver neither deletes nor requeues a message, it comes again after the queue's
/// visibility timeout, with a higher receive count and before the others of its group. The first
/// receipt is no longer valid.
pub async fn a_message_comes_again_when_its_visibility_ends(
    mailbox: &impl Mailbox,
    visibility: Duration,
) {
    send(mailbox, &[("a", "1"), ("a", "2")]).await;
    let first = mailbox.receive(QUEUE, 1).await.remove(0);
    assert_eq!(bodies(mailbox, 10).await, [""; 0]);
    tokio::time::sleep(visibility + Duration::from_millis(500)).await;
    let again = mailbox.receive(QUEUE, 1).await.remove(0);
    assert_eq!((again.body.as_str(), again.receive_count), ("1", 2));
    assert_eq!(again.message_id, first.message_id);
    assert_ne!(again.receipt, first.receipt);
    mailbox.delete(QUEUE, &again.receipt).await;
    assert_eq!(bodies(mailbox, 10).await, ["2"]);
}

/// After the deduplication window, the same id belongs to a new message, even if the first message
/// is still in the queue.
pub async fn the_same_message_is_taken_again_after_the_deduplication_window(
    mailbox: &impl Mailbox,
) {
    send(mailbox, &[("a", "1")]).await;
    tokio::time::sleep(DEDUPLICATION_WINDOW - Duration::from_secs(1)).await;
    send(mailbox, &[("a", "1")]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    send(mailbox, &[("a", "1"), ("a", "1")]).await;
    assert_eq!(bodies(mailbox, 10).await, ["1", "1"]);
}

/// A message waits on the retry queue only for its delay, and holds up no other message.
pub async fn a_waiting_message_comes_after_its_delay_and_holds_up_no_other(mailbox: &impl Mailbox) {
    let wait = async |body: &str, seconds| {
        let state = RetryState { attempt: 2, ..RetryState::default() };
        let task = format!("{{\"version\":1,\"type\":\"{body}\"}}");
        let delay = Duration::from_secs(seconds);
        let waiting = routes::next_attempt_later(&task, &state, (QUEUE, "a"), delay);
        mailbox.queue().let_wait(waiting).await.expect("the queue is up");
    };
    let come = async || {
        let mut came = Vec::new();
        for message in mailbox.receive(QueueName::Retry, 10).await {
            let (queue, message) = routes::after_waiting(&message.body).expect("it says where to");
            came.push((queue, message.group().to_owned(), message.body().to_owned()));
        }
        came
    };
    wait("late", 4).await;
    wait("soon", 2).await;
    assert_eq!(come().await, []);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let of = |name: &str| {
        let body = format!("{{\"version\":1,\"type\":\"{name}\",\"attempt\":2}}");
        (QUEUE, "a".to_owned(), body)
    };
    assert_eq!(come().await, [of("soon")], "and it is in flight, not deleted");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(come().await, [of("late")]);
}

/// A dead-lettered message is stored once, with its reason.
pub async fn a_dead_lettered_message_keeps_its_reason(mailbox: &impl Mailbox) {
    let letter = NewDeadLetter {
        group: "a".to_owned(),
        message_id: "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5".to_owned(),
        body: "{\"riddle\":\"é\"}".to_owned(),
        reason: "nobody can read it: unknown type \"riddle\"".to_owned(),
    };
    for _ in 0..2 {
        mailbox.queue().dead_letter(QUEUE, letter.clone()).await.expect("the queue is up");
    }
    assert_eq!(mailbox.dead_letters(QUEUE).await, [(letter.body, letter.reason)]);
    assert_eq!(mailbox.dead_letters(QueueName::Metrics).await, []);
}

/// Messages that SQS refuses are refused, with the rule, and none of the batch is sent.
pub async fn what_sqs_refuses_is_refused_as_a_whole(mailbox: &impl Mailbox) {
    let too_large = message("a", &"x".repeat(MAX_MESSAGE_BYTES + 1));
    let refused = mailbox.queue().send(QUEUE, vec![message("a", "1"), too_large]).await;
    assert!(matches!(refused, Err(QueueError::Refused { .. })), "{refused:?}");
    assert_eq!(bodies(mailbox, 10).await, [""; 0]);
}

/// Checks all promises, each on a new mailbox that hides messages for `visibility`. `looks_at` gets
/// the name of each. In real time, promises that take minutes are skipped.
pub async fn all<M: Mailbox>(
    make: impl AsyncFn() -> M,
    visibility: Duration,
    looks_at: impl Fn(&str),
) {
    macro_rules! each {
        ($($promise:ident),+ $(,)?) => {$(
            looks_at(stringify!($promise));
            $promise(&make().await).await;
        )+};
    }
    each!(
        messages_of_a_group_come_in_order,
        a_message_in_flight_holds_back_its_group,
        the_same_message_again_is_dropped,
        a_requeued_message_comes_back_after_its_delay,
        a_message_requeued_by_nothing_is_back_at_once,
        a_waiting_message_comes_after_its_delay_and_holds_up_no_other,
        a_dead_lettered_message_keeps_its_reason,
        what_sqs_refuses_is_refused_as_a_whole,
    );
    if M::TIME_MOVES {
        each!(the_same_message_is_taken_again_after_the_deduplication_window);
        looks_at("a_message_comes_again_when_its_visibility_ends");
        a_message_comes_again_when_its_visibility_ends(&make().await, visibility).await;
    }
}
