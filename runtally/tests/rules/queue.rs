//! The rules of an SQS FIFO queue that the queue in SQLite keeps beyond the promises in
//! `tests::conformance`.

use crate::support::*;
use jiff::ToSpan;
use runtally::storage::{Database, Depth};
use shared::core::limits::MAX_MESSAGE_BYTES;
use shared::messages::routes;
use shared::ports::{Queue, QueueName};

#[tokio::test(start_paused = true)]
async fn messages_come_in_the_order_they_were_sent_in() {
    let queue = queue();
    send(&queue, &["a/1", "b/2", "a/3"]).await;
    send(&queue, &["b/4"]).await;
    assert_eq!(received(&queue), ["1", "2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_no_more_than_asked_for_and_never_more_than_ten() {
    let queue = queue();
    let ids: Vec<_> = (0..14).map(|number| format!("g{number}/{number}")).collect();
    send(&queue, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(queue.receive(QUEUE, 1).unwrap().len(), 1);
    assert_eq!(queue.receive(QUEUE, 50).unwrap().len(), 10);
    assert_eq!(queue.receive(QUEUE, 50).unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_queues_do_not_see_each_others_messages() {
    let queue = queue();
    queue.send(QueueName::Scoring, vec![message("a", "1")]).await.unwrap();
    assert!(receive(&queue).is_empty());
    send(&queue, &["a/1"]).await;
    assert_eq!(received(&queue), ["1"]);
    assert_eq!(queue.receive(QueueName::Scoring, 10).unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_sent_while_its_group_is_in_flight_waits() {
    let queue = queue();
    send(&queue, &["a/1"]).await;
    let first = receive(&queue);
    send(&queue, &["a/2"]).await;
    assert_eq!(received(&queue), [""; 0]);
    delete(&queue, &first[0]);
    assert_eq!(received(&queue), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_not_deleted_comes_back_when_its_visibility_ends() {
    let queue = queue();
    send(&queue, &["a/1", "a/2"]).await;
    let first = queue.receive(QUEUE, 1).unwrap().remove(0);
    assert_eq!(first.receive_count, 1);
    pass(seconds(VISIBILITY - 1)).await;
    assert_eq!(received(&queue), [""; 0]);
    pass(seconds(1)).await;
    let again = queue.receive(QUEUE, 1).unwrap().remove(0);
    assert_eq!((again.body.as_str(), again.receive_count), ("1", 2));
    assert_eq!(again.message_id, first.message_id);
    assert_eq!(again.sequence, first.sequence);
    assert_eq!((again.sent_at, again.first_received_at), (first.sent_at, first.first_received_at));
    assert_ne!(again.receipt, first.receipt);
    pass(seconds(VISIBILITY)).await;
    let third = queue.receive(QUEUE, 1).unwrap().remove(0);
    assert_eq!((third.receive_count, third.first_received_at), (3, first.first_received_at));
}

#[tokio::test(start_paused = true)]
async fn a_message_remembers_when_it_was_sent_and_first_received() {
    let queue = queue();
    send(&queue, &["a/1"]).await;
    pass(seconds(5)).await;
    let received = receive(&queue).remove(0);
    assert_eq!(received.sent_at.to_string(), "2026-11-23T09:45:19.821Z");
    assert_eq!(received.first_received_at, received.sent_at + 5.seconds());
    assert_eq!((received.group.as_str(), received.deduplication.as_str()), ("a", "1"));
}

#[tokio::test(start_paused = true)]
async fn a_stale_receipt_neither_deletes_nor_requeues() {
    let queue = queue();
    let expired = "the metrics queue refuses a message: the receipt has expired";
    send(&queue, &["a/1"]).await;
    let stale = receive(&queue).remove(0).receipt;
    pass(seconds(VISIBILITY)).await;
    let error = queue.delete(QUEUE, &stale).unwrap_err();
    assert_eq!(error.to_string(), expired, "the message is visible again");
    let current = receive(&queue).remove(0);
    let error = queue.delete(QUEUE, &stale).unwrap_err();
    assert_eq!(error.to_string(), expired, "the message is in other hands");
    let error = queue.requeue(QUEUE, &stale, seconds(0)).await.unwrap_err();
    assert_eq!(error.to_string(), expired);
    assert_eq!(queue.depth(QUEUE).unwrap().in_flight, 1);
    delete(&queue, &current);
    assert_eq!(queue.depth(QUEUE), Ok(Depth::default()));
}

#[tokio::test(start_paused = true)]
async fn a_message_deleted_twice_is_fine_and_a_text_that_is_no_receipt_is_not() {
    let queue = queue();
    send(&queue, &["a/1"]).await;
    let first = receive(&queue).remove(0);
    delete(&queue, &first);
    delete(&queue, &first);
    let error = queue.delete(QUEUE, "AQEB").unwrap_err();
    assert_eq!(error.to_string(), "the metrics queue refuses a message: this is not a receipt");
}

#[tokio::test(start_paused = true)]
async fn an_id_sent_again_within_five_minutes_is_dropped_even_after_deletion() {
    let queue = queue();
    send(&queue, &["a/1"]).await;
    delete(&queue, &receive(&queue)[0]);
    pass(seconds(299)).await;
    send(&queue, &["a/1", "b/1"]).await;
    assert_eq!(received(&queue), [""; 0]);
    pass(seconds(1)).await;
    send(&queue, &["a/1"]).await;
    assert_eq!(received(&queue), ["1"], "the repetition did not prolong the window");
}

#[tokio::test(start_paused = true)]
async fn a_request_with_a_message_that_sqs_refuses_leaves_nothing() {
    let queue = queue();
    let large = routes::verbatim("a", "2", &"x".repeat(MAX_MESSAGE_BYTES + 1));
    let error = queue.send(QUEUE, vec![message("a", "1"), large]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the metrics queue refuses a message: the body has 1048577 bytes; at most 1048576 are allowed"
    );
    let error = queue.send(QUEUE, vec![message("two words", "1")]).await.unwrap_err();
    assert!(error.to_string().contains("plain ASCII"), "{error}");
    assert_eq!(queue.depth(QUEUE), Ok(Depth::default()));
}

#[tokio::test(start_paused = true)]
async fn a_message_received_too_often_goes_to_the_dead_letters_and_its_group_goes_on() {
    let queue = queue();
    send(&queue, &["a/1", "a/2"]).await;
    for _ in 0..3 {
        assert_eq!(queue.receive(QUEUE, 1).unwrap()[0].body, "1");
        pass(seconds(VISIBILITY)).await;
    }
    assert_eq!(received(&queue), ["2"]);
    assert_eq!(dead(&queue), ["1: received 3 times without success"]);
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_a_message_given_up_ends_in_its_last_error() {
    let queue = queue();
    send(&queue, &["a/1"]).await;
    for error in ["Airtable is down", "the base is gone", "the base is still gone"] {
        let id = receive(&queue).remove(0).message_id;
        queue.note_failure(QUEUE, &[&id], error).unwrap();
        pass(seconds(VISIBILITY)).await;
    }
    receive(&queue);
    assert_eq!(
        dead(&queue),
        ["1: received 3 times without success; last error: the base is still gone"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_dead_lettered_twice_is_one_dead_letter_with_the_first_reason() {
    let queue = queue();
    queue.dead_letter(QUEUE, dead_letter("m1", "version 9 is unknown")).await.unwrap();
    queue.dead_letter(QUEUE, dead_letter("m1", "received too often")).await.unwrap();
    queue.dead_letter(QueueName::Scoring, dead_letter("m1", "elsewhere")).await.unwrap();
    assert_eq!(dead(&queue), ["odd: version 9 is unknown"]);
}

#[tokio::test(start_paused = true)]
async fn a_redriven_message_is_a_new_one_with_its_old_id_as_deduplication_id() {
    let queue = queue();
    send(&queue, &["a/1"]).await;
    let first = receive(&queue).remove(0);
    for _ in 0..3 {
        pass(seconds(VISIBILITY)).await;
        receive(&queue);
    }
    pass(seconds(5)).await;
    assert_eq!(queue.redrive(QUEUE, |letter| letter.body == "1"), Ok(1));
    assert_eq!(dead(&queue), [""; 0]);
    let redriven = receive(&queue).remove(0);
    assert_eq!((redriven.body.as_str(), redriven.receive_count), ("1", 1));
    assert_eq!(
        (redriven.group, redriven.deduplication),
        ("a".to_owned(), first.message_id.clone())
    );
    assert_ne!(redriven.message_id, first.message_id);
    assert_eq!(redriven.sent_at, first.sent_at + (3 * 60 + 5).seconds());
}

#[tokio::test(start_paused = true)]
async fn only_the_chosen_dead_letters_are_redriven() {
    let queue = queue();
    queue.dead_letter(QUEUE, dead_letter("m1", "version 9 is unknown")).await.unwrap();
    queue.dead_letter(QUEUE, dead_letter("m2", "no such lead")).await.unwrap();
    assert_eq!(queue.redrive(QUEUE, |letter| letter.reason.contains("version")), Ok(1));
    assert_eq!(dead(&queue), ["odd: no such lead"]);
    assert_eq!(receive(&queue)[0].deduplication, "m1");
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_redriven_again_within_five_minutes_is_dropped_and_later_it_is_not() {
    let queue = queue();
    for (wait, arrives) in [(0, true), (299, false), (1, true)] {
        pass(seconds(wait)).await;
        queue.dead_letter(QUEUE, dead_letter("m1", "odd")).await.unwrap();
        queue.redrive(QUEUE, |_| true).unwrap();
        let messages = receive(&queue);
        assert_eq!(messages.len(), usize::from(arrives), "after {wait} s more");
        messages.iter().for_each(|message| delete(&queue, message));
    }
}

#[tokio::test(start_paused = true)]
async fn the_depth_counts_what_waits_what_is_in_flight_and_what_is_dead() {
    let queue = queue();
    send(&queue, &["a/1", "a/2", "b/3"]).await;
    queue.receive(QUEUE, 1).unwrap();
    queue.dead_letter(QUEUE, dead_letter("m1", "odd")).await.unwrap();
    assert_eq!(queue.depth(QUEUE), Ok(Depth { visible: 2, in_flight: 1, dead: 1 }));
    assert_eq!(queue.depth(QueueName::Scoring), Ok(Depth::default()));
}

#[tokio::test(start_paused = true)]
async fn the_next_work_is_where_the_first_group_is_free_again() {
    let queue = queue();
    assert_eq!(queue.time_to_next(QUEUE), Ok(None));
    send(&queue, &["a/1", "a/2", "b/3"]).await;
    let start = receive(&queue);
    assert_eq!(queue.time_to_next(QUEUE), Ok(Some(seconds(60))));
    queue.requeue(QUEUE, &start[0].receipt, seconds(5)).await.unwrap();
    queue.requeue(QUEUE, &start[1].receipt, seconds(30)).await.unwrap();
    assert_eq!(queue.time_to_next(QUEUE), Ok(Some(seconds(30))));
    pass(seconds(29)).await;
    assert_eq!(queue.time_to_next(QUEUE), Ok(Some(seconds(1))));
    assert_eq!(received(&queue), [""; 0]);
    pass(seconds(3)).await;
    assert_eq!(queue.time_to_next(QUEUE), Ok(Some(seconds(0))));
    assert_eq!(received(&queue), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn everything_survives_the_end_of_the_process() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let before = queue_in(Database::open(file.path()).unwrap());
    before.dead_letter(QUEUE, dead_letter("m1", "odd")).await.unwrap();
    send(&before, &["a/1", "a/2", "b/3", "c/4"]).await;
    before.receive(QUEUE, 2).unwrap();
    let in_flight = before.receive(QUEUE, 1).unwrap().remove(0);
    let gone = before.receive(QUEUE, 1).unwrap().remove(0);
    assert_eq!((in_flight.body.as_str(), gone.body.as_str()), ("3", "4"));
    delete(&before, &gone);
    drop(before);

    let after = queue_in(Database::open(file.path()).unwrap());
    assert_eq!(dead(&after), ["odd: odd"]);
    assert_eq!(received(&after), [""; 0], "what was in flight still is");
    send(&after, &["c/4"]).await;
    assert_eq!(received(&after), [""; 0], "the deduplication ids are remembered");
    send(&after, &["d/5"]).await;
    let fifth = receive(&after).remove(0);
    assert!(fifth.sequence > gone.sequence, "the number of a deleted message is not used again");
    assert_ne!(fifth.message_id, gone.message_id, "the same seed makes no id twice");
    pass(seconds(VISIBILITY)).await;
    assert_eq!(received(&after), ["1", "2", "3", "5"]);
}

#[tokio::test(start_paused = true)]
async fn every_change_wakes_those_who_wait_for_one() {
    let queue = queue();
    let changed = queue.changed(QUEUE);
    send(&queue, &["a/1", "b/2"]).await;
    changed.await;
    let received = receive(&queue);
    let changed = queue.changed(QUEUE);
    queue.requeue(QUEUE, &received[0].receipt, seconds(5)).await.unwrap();
    changed.await;
    let changed = queue.changed(QUEUE);
    delete(&queue, &received[1]);
    changed.await;
    let changed = queue.changed(QUEUE);
    queue.dead_letter(QUEUE, dead_letter("m1", "odd")).await.unwrap();
    changed.await;
    let changed = queue.changed(QUEUE);
    queue.redrive(QUEUE, |_| true).unwrap();
    changed.await;
}
