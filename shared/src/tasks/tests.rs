use super::*;
use crate::core::failure::MAX_ATTEMPTS;
use crate::messages::{Message, MetricsMessage, Project};
use crate::ports::{NewDeadLetter, OutgoingMessage, WaitingMessage};
use jiff::Timestamp;
use std::sync::Mutex;

const TASK: &str = r#"{"version":1,"type":"riddle"}"#;

/// Everything that was done with messages, in order. Refuses the operations that `refuses` names.
#[derive(Default)]
struct Seen {
    said: Mutex<Vec<String>>,
    letters: Mutex<Vec<NewDeadLetter>>,
    refuses: &'static str,
    /// Whether the message itself is refused, every time.
    is_for_good: bool,
}

impl Seen {
    fn say(&self, queue: QueueName, verb: &str, what: &str) -> Result<(), QueueError> {
        if self.refuses == verb {
            let reason = "away".to_owned();
            return Err(if self.is_for_good {
                QueueError::Refused { queue, reason: "too large".to_owned() }
            } else {
                QueueError::Unreachable { queue, reason }
            });
        }
        self.said.lock().unwrap().push(format!("{} {verb} {what}", queue.as_str()));
        Ok(())
    }
}

impl Queue for Seen {
    async fn send(&self, to: QueueName, messages: Vec<OutgoingMessage>) -> Result<(), QueueError> {
        let body = messages[0].body();
        self.say(to, "send", &format!("{} {body}", messages[0].group()))
    }

    async fn let_wait(&self, message: WaitingMessage) -> Result<(), QueueError> {
        let (delay, body) = (message.delay().as_secs(), message.body());
        self.say(QueueName::Retry, "wait", &format!("{delay} {body}"))
    }

    async fn dead_letter(&self, of: QueueName, letter: NewDeadLetter) -> Result<(), QueueError> {
        let said = self.say(of, "dead", &letter.reason);
        self.letters.lock().unwrap().push(letter);
        said
    }

    async fn requeue(&self, of: QueueName, _: &str, delay: Duration) -> Result<(), QueueError> {
        self.say(of, "requeue", &delay.as_secs().to_string())
    }
}

fn clock() -> Clock {
    Clock::following_tokio("2026-11-23T10:00:00Z".parse().unwrap())
}

fn delivery(group: &str, body: &str) -> Delivery {
    Delivery {
        message_id: "m".to_owned(),
        receipt: "r".to_owned(),
        group: group.to_owned(),
        receive_count: 1,
        body: body.to_owned(),
        retry: RetryState::of(body),
        trace: None,
    }
}

/// A task in this attempt, which first failed at this time.
fn attempted(attempt: u32, first_failed_at: &str) -> Delivery {
    let first_failed_at: Option<Timestamp> = first_failed_at.parse().ok();
    let state = RetryState { attempt, first_failed_at, ..RetryState::default() };
    delivery("plan#0", &state.put_into(TASK))
}

/// What is done with a task with this result, and how many messages keep their place.
async fn done(seen: Seen, delivery: Delivery, failure: Failure) -> (Vec<String>, usize) {
    let clock = clock();
    let mut tasks = Tasks::new(&seen, &clock);
    tasks.settle(&delivery, Err(failure)).await;
    let kept = tasks.response().batch_item_failures.len();
    (seen.said.into_inner().unwrap(), kept)
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_leaves_its_place_and_waits() {
    let (said, kept) =
        done(Seen::default(), delivery("plan#0", TASK), Failure::retry("Apify is away")).await;
    let envelope = r#"{"version":1,"type":"riddle","attempt":2,"first_failed_at":"2026-11-23T10:00:00Z","group":"plan#0","last_reason":"Apify is away","queue":"scoring","task_id":"m"}"#;
    assert_eq!((said, kept), (vec![format!("retry wait 30 {envelope}")], 0));
}

#[tokio::test(start_paused = true)]
async fn what_waited_goes_to_the_back_of_its_group_and_a_copy_of_it_is_dropped() {
    let clock = clock();
    let state = RetryState { attempt: 2, task_id: Some("d".to_owned()), ..RetryState::default() };
    let ids = |state: &RetryState| {
        let to = (QueueName::Scoring, "plan#0");
        let waiting = routes::next_attempt_later(TASK, state, to, Duration::ZERO);
        let (queue, message) = routes::after_waiting(waiting.body()).unwrap();
        assert_eq!((queue, message.group()), to);
        assert_eq!(RetryState::of(message.body()), *state, "it says no more where it goes to");
        message.deduplication().to_owned()
    };
    assert_eq!(ids(&state), ids(&state), "a copy");
    let next = state.next_attempt(clock.now(), "away");
    assert_ne!(ids(&state), ids(&next), "another attempt");
    let waits = state.next_wait(clock.now(), "no credit");
    assert_ne!(ids(&state), ids(&waits), "the same attempt after a wait");
    assert_ne!(ids(&waits), ids(&waits.next_wait(clock.now(), "no credit")));
    assert_ne!(ids(&next), ids(&waits));
    let other = RetryState { task_id: Some("other".to_owned()), ..state.clone() };
    assert_ne!(ids(&state), ids(&other), "another task");
}

/// A request that is repeated after the queue has forgotten the first one is another message with
/// the same deduplication id.
#[tokio::test(start_paused = true)]
async fn the_next_attempts_at_two_messages_are_not_copies_of_each_other() {
    let next_of = async |message_id: &str| {
        let seen = Seen::default();
        let first = Delivery { message_id: message_id.to_owned(), ..delivery("plan#0", TASK) };
        let (said, _) = done(seen, first, Failure::retry("Apify is away")).await;
        let body = said[0].strip_prefix("retry wait 30 ").unwrap().to_owned();
        routes::after_waiting(&body).unwrap().1.deduplication().to_owned()
    };
    assert_eq!(next_of("m").await, next_of("m").await, "the same message, delivered again");
    assert_ne!(next_of("m").await, next_of("n").await);
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_that_fails_is_dead_lettered_with_its_reason() {
    let task = attempted(MAX_ATTEMPTS, "2026-11-23T06:30:00Z");
    let (said, kept) = done(Seen::default(), task, Failure::retry("Apify is away")).await;
    assert_eq!(
        (said, kept),
        (vec!["scoring dead failed after 25 attempts: Apify is away".into()], 0)
    );
    let received_often = Delivery { receive_count: 40, ..delivery("plan#0", TASK) };
    let (said, _) = done(Seen::default(), received_often, Failure::retry("away")).await;
    assert!(
        said[0].starts_with("retry wait 30 "),
        "the receive count is not the attempt: {said:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_a_first_attempt_whoever_puts_it_back() {
    let (queue, clock) = (Seen::default(), clock());
    let mut tasks = Tasks::new(&queue, &clock);
    let task = attempted(MAX_ATTEMPTS, "2026-11-23T06:30:00Z");
    tasks.settle(&task, Err(Failure::retry("Apify is away"))).await;
    let waiting = r#"{"version":1,"type":"x","attempt":3,"group":"g","queue":"retry"}"#;
    tasks.pass_on(&delivery("", waiting)).await;
    let bodies: Vec<String> =
        queue.letters.into_inner().unwrap().into_iter().map(|letter| letter.body).collect();
    assert_eq!(bodies, [TASK, waiting], "one of the retry queue says where it goes to");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_no_queue_takes_any_more_is_dead_lettered_and_does_not_come_back_for_ever() {
    for (refuses, dead) in [
        ("wait", "scoring dead the retry queue refuses a message: too large"),
        ("send", "scoring dead the scoring queue refuses a message: too large"),
    ] {
        let (queue, clock) = (Seen { refuses, is_for_good: true, ..Seen::default() }, clock());
        let mut tasks = Tasks::new(&queue, &clock);
        match refuses {
            "wait" => tasks.settle(&delivery("g", TASK), Err(Failure::retry("away"))).await,
            _ => tasks.resume(&delivery("g", TASK)).await,
        }
        assert_eq!(tasks.response().batch_item_failures.len(), 0, "{refuses}");
        assert_eq!(*queue.said.lock().unwrap(), [dead]);
    }
}

/// A chunk that settles only one lead per attempt is finished in the end, too.
#[tokio::test(start_paused = true)]
async fn attempts_that_made_progress_bring_a_task_no_closer_to_the_dead_letters() {
    let goes_on = |attempt, progressed| async move {
        let state = RetryState { attempt, progressed, ..RetryState::default() };
        let task = delivery("plan#0", &state.put_into(TASK));
        let (said, _) = done(Seen::default(), task, Failure::retry("away")).await;
        said[0].clone()
    };
    let said = goes_on(60, 36).await;
    assert!(said.starts_with("retry wait 600 "), "{said}");
    for part in [r#""attempt":61,"#, r#""progressed":36,"#] {
        assert!(said.contains(part), "each attempt has a name of its own: {said}");
    }
    assert_eq!(goes_on(60, 35).await, "scoring dead failed after 60 attempts: away");
    let said = goes_on(7, 7).await;
    assert!(said.starts_with("retry wait 30 "), "after progress it is tried again soon: {said}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_uses_up_no_attempt_and_ends_after_seven_days() {
    let wait = || Failure::wait(Duration::from_secs(3_600), "top up");
    let last = attempted(MAX_ATTEMPTS, "2026-11-16T10:00:01Z");
    let (said, _) = done(Seen::default(), last.clone(), wait()).await;
    assert!(said[0].starts_with("retry wait 900 "), "at most what SQS takes: {said:?}");
    assert!(said[0].contains("\"attempt\":25,") && said[0].contains("\"waits\":1"), "{said:?}");
    let old = attempted(2, "2026-11-16T10:00:00Z");
    let (said, _) = done(Seen::default(), old, wait()).await;
    assert_eq!(said, ["scoring dead waited for 7 days without success: top up"]);
}

#[tokio::test(start_paused = true)]
async fn only_what_cannot_be_sent_on_keeps_its_place() {
    let seen = |refuses| Seen { refuses, ..Seen::default() };
    let task = || attempted(3, "2026-11-23T09:58:00Z");
    let kept = done(seen("wait"), task(), Failure::retry("away")).await;
    assert_eq!(kept, (vec!["scoring requeue 120".to_owned()], 1));
    let kept = done(seen("dead"), task(), Failure::dead_letter("odd")).await;
    assert_eq!(kept, (vec!["scoring requeue 120".to_owned()], 1));
    let (queue, clock) = (seen("send"), clock());
    let mut tasks = Tasks::new(&queue, &clock);
    let waited = RetryState { queue: Some("scoring".to_owned()), ..RetryState::default() };
    let waited = RetryState { group: Some("plan#0".to_owned()), ..waited }.put_into(TASK);
    tasks.pass_on(&delivery("", &waited)).await;
    tasks.resume(&task()).await;
    assert_eq!(tasks.response().batch_item_failures.len(), 2);
    assert_eq!(*queue.said.lock().unwrap(), ["retry requeue 240", "scoring requeue 0"]);
}

#[tokio::test(start_paused = true)]
async fn unfinished_work_and_that_of_a_dead_worker_go_to_the_back_at_once() {
    let (queue, clock) = (Seen::default(), clock());
    let mut tasks = Tasks::new(&queue, &clock);
    tasks.resume(&attempted(24, "")).await;
    tasks.resume(&attempted(25, "")).await;
    tasks.revive(&delivery("plan#0", TASK)).await;
    tasks.revive(&attempted(25, "")).await;
    let said = queue.said.lock().unwrap().clone();
    let sent = r#"scoring send plan#0 {"version":1,"type":"riddle","attempt":"#;
    assert!(said[0].starts_with(&format!("{sent}25,")), "{said:?}");
    assert_eq!(said[1], "scoring dead not done after 25 invocations; redrive it");
    assert!(said[2].starts_with(&format!("{sent}2,")), "{said:?}");
    assert!(said[2].contains("its worker died or took too long"), "{said:?}");
    let gone = "scoring dead failed after 25 attempts: its worker died or took too long";
    assert_eq!(said[3], gone);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_the_retry_queue_that_names_no_group_is_dead_lettered_there() {
    let (queue, clock) = (Seen::default(), clock());
    let mut tasks = Tasks::new(&queue, &clock);
    let project = MetricsMessage::Project(Project { run: "261123-100000-Guy".parse().unwrap() });
    let back_to_itself = r#"{"version":1,"type":"x","group":"g","queue":"retry"}"#;
    for body in [TASK, "words", &project.encode(), back_to_itself] {
        tasks.pass_on(&delivery("", body)).await;
    }
    let reason = "retry dead the message does not say which queue and group it goes to";
    assert_eq!(*queue.said.lock().unwrap(), [reason; 4]);
    assert_eq!(tasks.response().batch_item_failures.len(), 0);
}
