//! The actions of the page.

use super::seen::Seen;
use http::StatusCode;
use runtally::invented::{Size, World};
use shared::ports::{EventLog, NewDeadLetter, Queue, QueueName};

#[tokio::test]
async fn a_record_that_was_deleted_or_edited_is_seen_and_heals() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let of_run = format!("/run/{run}");
    let query = format!("?run={run}");
    let before = seen.record().await;

    let field = ("field", "Post Scoring Tokens");
    seen.act(&format!("/do/edit-record{query}"), &[("run", &run), field, ("value", "1")]).await;
    let page = seen.get(&of_run).await.text();
    assert!(page.contains("1 field differs: somebody changed the record"), "{page}");
    assert!(page.contains("≠ (") && page.contains("1 on the record"), "{page}");
    seen.act("/do/tick", &[]).await;
    seen.get_until(&of_run, |answer| answer.text().contains("The record says what the events say"))
        .await;

    seen.act(&format!("/do/delete-record{query}"), &[("run", &run)]).await;
    let page = seen.get(&of_run).await.text();
    assert!(page.contains("There is no record"), "{page}");
    seen.act(&format!("/do/rewrite{query}"), &[("run", &run)]).await;
    seen.get_until(&of_run, |answer| answer.text().contains("The record says what the events say"))
        .await;
    assert_eq!(seen.record().await["Post Scoring Tokens"], before["Post Scoring Tokens"]);
}

#[tokio::test]
async fn a_retry_and_a_scoring_of_what_waits_say_first_what_they_do_and_cost() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let retry = seen.get(&format!("/do/retry?run={run}")).await.text();
    assert!(retry.contains("Does again what failed or is missing: 3 leads."), "{retry}");
    assert!(retry.contains("Cost: about $0."), "{retry}");
    let client = World::invent(Size::default()).clients[1].id.to_string();
    let client: String = url::form_urlencoded::byte_serialize(client.as_bytes()).collect();
    let dry = seen.get(&format!("/do/score?client={client}&kind=profile")).await.text();
    assert!(dry.contains("dry run: ") && dry.contains(" would be scored with about "), "{dry}");
}

fn letter(id: &str, event: &str) -> NewDeadLetter {
    NewDeadLetter {
        group: "g".to_owned(),
        message_id: id.to_owned(),
        body: event.to_owned(),
        reason: "the log was <b>full</b>".to_owned(),
    }
}

#[tokio::test]
async fn a_dead_letter_is_shown_with_its_reason_and_can_be_discarded_or_put_back() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let (queue, log) = seen.storage();
    let event = log.read(&run.parse().unwrap()).await.unwrap().events[0].clone();
    for id in ["letter-1", "letter-2"] {
        queue.dead_letter(QueueName::Metrics, letter(id, &event)).await.unwrap();
    }
    let system = seen.get("/system").await;
    assert!(system.body.contains("the log was &lt;b&gt;full&lt;/b&gt;"), "{}", system.body);
    assert!(system.text().contains(&format!("run {run}")), "{}", system.text());
    for path in ["/".to_owned(), format!("/run/{run}")] {
        let told = seen.get(&path).await.text();
        assert!(
            told.contains("Given up"),
            "who looks at {path} sees that something is missing: {told}"
        );
        assert!(told.contains("put it back (and 1 more)"), "{told}");
    }

    let of = |id| [("queue", "metrics"), ("id", id)];
    let told = seen.act("/do/discard?queue=metrics&id=letter-1", &of("letter-1")).await.text();
    assert!(told.contains("The dead letter is discarded; its run has a note."), "{told}");
    seen.get_until(&format!("/run/{run}"), |answer| {
        answer.text().contains("a dead letter was discarded from the page")
    })
    .await;
    let told = seen.act("/do/redrive?queue=metrics&id=letter-2", &of("letter-2")).await.text();
    assert!(told.contains("1 dead letter put back."), "{told}");
    assert!(told.contains("No message was given up."), "{told}");
    // Somebody clicks twice, or another person was faster.
    let token = seen.token().await;
    for action in ["/do/redrive", "/do/discard"] {
        let fields = [("queue", "metrics"), ("id", "letter-2"), ("token", token.as_str())];
        let again = seen.post(action, Some(&seen.url), &fields).await;
        let told = seen.get(again.headers["location"].to_str().unwrap()).await.text();
        assert!(told.contains("This dead letter is gone: somebody put it back"), "{told}");
    }
    let gone = seen.get("/do/redrive?queue=metrics&id=letter-1").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.text());
}

#[tokio::test]
async fn very_many_dead_letters_are_counted_beside_every_run() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let (queue, log) = seen.storage();
    let event = log.read(&run.parse().unwrap()).await.unwrap().events[0].clone();
    for number in 0..201 {
        let letter = letter(&format!("letter-{number}"), &event);
        queue.dead_letter(QueueName::Metrics, letter).await.unwrap();
    }
    for path in ["/".to_owned(), format!("/run/{run}")] {
        let told = seen.get(&path).await.text();
        assert!(told.contains("201 dead letters of any run: look at them"), "{path}: {told}");
    }
}
