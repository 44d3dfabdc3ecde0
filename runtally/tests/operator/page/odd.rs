//! Odd, outdated or hostile actions and addresses: each answer says why nothing was done.

use super::seen::Seen;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use runtally::invented::{Size, World};
use shared::core::clock::Clock;
use shared::core::ids::RunStamp;
use shared::ports::QueueName;

/// An action, the fields of its form, and its answer: a status and a text.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str);

#[tokio::test]
async fn an_action_that_cannot_be_done_says_why_and_does_nothing() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let before = seen.record().await;
    let client = World::invent(Size::default()).clients[0].id.to_string();
    let token = seen.token().await;
    let of_nobody = ("run", "261123-000000-Nobody");
    let of_client = ("client", client.as_str());
    let cases: [Case; 14] = [
        ("rewrite", &[of_nobody], 404, "The log has no run"),
        ("retry", &[of_nobody], 404, "The log has no run"),
        ("delete-record", &[of_nobody], 404, "There is no record of a run"),
        ("edit-record", &[of_nobody, ("field", "Balance")], 404, "There is no record of a run"),
        ("edit-record", &[("run", &run), ("field", "Run ID"), ("value", "x")], 400, "no such cell"),
        ("edit-record", &[("run", &run), ("field", "\"'%")], 400, "no such cell"),
        ("rewrite", &[("run", "yesterday")], 404, "There is no action rewrite with these values."),
        ("score", &[of_client, ("limit", "10.5")], 400, "a whole number from 1 to 25000"),
        ("score", &[of_client, ("limit", "-5")], 400, "a whole number from 1 to 25000"),
        ("score", &[of_client, ("limit", "25001")], 400, "a whole number from 1 to 25000"),
        ("score", &[of_client, ("kind", "posts")], 404, "There is no action score"),
        ("score", &[], 400, "No client was chosen."),
        ("fault", &[("service", "gemini"), ("fault", "tired")], 400, "There is no such fault"),
        ("nothing", &[], 404, "There is no action nothing"),
    ];
    for (name, fields, status, says) in cases {
        let mut fields = fields.to_vec();
        fields.push(("token", token.as_str()));
        let answer = seen.post(&format!("/do/{name}"), Some(&seen.url), &fields).await;
        assert_eq!(answer.status.as_u16(), status, "{name} {fields:?}: {}", answer.text());
        assert!(answer.text().contains(says), "{name} {fields:?}: {}", answer.text());
        assert!(answer.body.contains("href=\"/\""), "a way back");
    }
    for path in ["rewrite", "edit-record", "delete-record"] {
        let preview = seen.get(&format!("/do/{path}?run=261123-000000-Nobody")).await;
        assert_eq!(preview.status, StatusCode::NOT_FOUND, "{path}");
    }
    let (queue, log) = seen.storage();
    assert!(queue.depth(QueueName::Scoring).unwrap().is_idle());
    assert_eq!((log.runs().await.unwrap().len(), seen.record().await), (1, before));
}

#[tokio::test]
async fn a_form_that_is_sent_twice_asks_for_one_run() {
    let seen = Seen::start().await;
    let (clock, client) =
        (Clock::system(), World::invent(Size::default()).clients[0].id.to_string());
    let run_of = async |asked: Timestamp| {
        let asked = asked.to_string();
        let fields = [("client", client.as_str()), ("limit", "1"), ("asked", asked.as_str())];
        let query: String = url::form_urlencoded::byte_serialize(client.as_bytes()).collect();
        let told = seen.act(&format!("/do/score?client={query}"), &fields).await.text();
        told.split_once("the run is ").unwrap().1[..13].to_owned()
    };
    let shown = clock.now() - SignedDuration::from_mins(5);
    let stamp = RunStamp::at(shown).to_string();
    assert_eq!([run_of(shown).await, run_of(shown).await], [stamp.clone(), stamp]);
    for odd in [SignedDuration::from_hours(24), SignedDuration::from_hours(-24)] {
        assert_ne!(run_of(clock.now() - odd).await, RunStamp::at(clock.now() - odd).to_string());
    }
}

#[tokio::test]
async fn a_page_that_is_far_off_is_the_last_one() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    for page in ["-1", "0", "99", "18446744073709551615", "99999999999999999999", "%27%22"] {
        let list = seen.get(&format!("/?page={page}")).await.text();
        assert!(list.contains(&run), "{page}: {list}");
        let of_run = seen.get(&format!("/run/{run}?lp={page}&ep={page}")).await.text();
        assert!(of_run.contains("harvested") && !of_run.contains("Page 99"), "{page}: {of_run}");
    }
}

/// With a hundred clients, a line for each would hide the few bases that are in use.
#[tokio::test]
async fn bases_that_nobody_asks_anything_are_counted_and_not_listed() {
    let seen = Seen::start().await;
    seen.run().await;
    let idle = "Idle: 2 bases, all slots free.";
    let told = seen.get_until("/system", |answer| answer.text().contains(idle)).await.text();
    assert!(!told.contains("5 of 5"), "{told}");
}
