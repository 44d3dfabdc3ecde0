//! The files in `events/`: each is a real event for one way into the system, and each is loaded
//! here.

use crate::sent::Sent;
use aws_lambda_events::encodings::Base64Data;
use aws_lambda_events::event::sqs::SqsEvent;
use lambda_http::http::StatusCode;
use runtally::invented::{Size, World};
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::delivery::Delivery;
use shared::messages::{ClientScope, Message, MetricsMessage, ScoringTask, routes};
use std::collections::BTreeMap;
use std::path::PathBuf;
use webhook_intake::{Config, Intake};

/// The token in the events' `authorization` header.
const TOKEN: &str = "replace-with-your-webhook-token";

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../events"))
}

fn files() -> BTreeMap<String, String> {
    std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The answer to an HTTP event, and the types of the queued tasks.
async fn answered(event: &str) -> (u16, Vec<String>) {
    let request = lambda_http::request::from_str(event).unwrap();
    let config = Config::read(|name| (name == "WEBHOOK_TOKEN").then(|| TOKEN.to_owned())).unwrap();
    let queue = Sent::default();
    let intake = Intake::new(config, queue.clone(), Clock::system());
    let status: StatusCode = webhook_intake::handle(&intake, request).await.status();
    let sent = queue.messages.lock().unwrap();
    (status.as_u16(), sent.iter().map(|message| type_of(message.body())).collect())
}

fn type_of(body: &str) -> String {
    let task = match ScoringTask::decode(body) {
        Ok(ScoringTask::Ingest(_)) => return "ingest".to_owned(),
        Ok(ScoringTask::ScoreWaiting(_)) => return "score".to_owned(),
        Ok(ScoringTask::Chunk(_)) => return "chunk".to_owned(),
        Ok(ScoringTask::Replay(_)) => return "replay".to_owned(),
        Err(error) => error,
    };
    match MetricsMessage::decode(body) {
        Ok(MetricsMessage::Event(event)) => event.fact.name().to_owned(),
        Ok(MetricsMessage::Tick) => "tick".to_owned(),
        Ok(MetricsMessage::Heard(_)) => "heard".to_owned(),
        Ok(MetricsMessage::Project(_)) => "project".to_owned(),
        Err(_) => task.to_string(),
    }
}

fn messages(event: &str) -> Vec<String> {
    let event: SqsEvent = serde_json::from_str(event).unwrap();
    event.records.into_iter().map(Delivery::of).map(|delivery| type_of(&delivery.body)).collect()
}

#[tokio::test]
async fn every_file_is_what_it_is_named_for() {
    let mut files = files();
    let mut take = |name: &str| files.remove(name).unwrap_or_else(|| panic!("{name} is missing"));
    for name in [
        "webhook-run-succeeded",
        "webhook-run-failed",
        "webhook-run-timed-out",
        "webhook-custom-template",
    ] {
        assert_eq!(
            answered(&take(name)).await,
            (202, vec!["ingest".to_owned(), "heard".to_owned()]),
            "{name}"
        );
    }
    assert_eq!(answered(&take("webhook-test")).await, (200, vec![]));
    assert_eq!(answered(&take("runs-post")).await, (202, vec!["score".to_owned()]));
    assert_eq!(messages(&take("scoring-ingest")), ["ingest"]);
    assert_eq!(messages(&take("scoring-score")), ["score"]);
    assert_eq!(messages(&take("scoring-chunk")), ["chunk"]);
    assert_eq!(messages(&take("scoring-replay")), ["replay"]);
    assert_eq!(messages(&take("scoring-retry")), ["ingest"]);
    let bad = messages(&take("scoring-one-bad-message"));
    assert!(bad[0].starts_with("not a message") && bad[1] == "ingest", "{bad:?}");
    assert_eq!(
        messages(&take("metrics-events")),
        [
            "opened",
            "harvested",
            "planned_chunk",
            "planned",
            "announced",
            "billed",
            "settled",
            "chunk_done"
        ]
    );
    assert_eq!(messages(&take("metrics-tick")), ["tick"]);
    assert_eq!(messages(&take("metrics-heard")), ["heard"]);
    assert_eq!(messages(&take("metrics-project")), ["project"]);
    assert_eq!(files.keys().collect::<Vec<_>>(), Vec::<&String>::new(), "a file no test loads");
}

/// The webhook's event with these changes, each at a JSON pointer.
fn changed(changes: &[(&str, Value)]) -> String {
    let mut event: Value = serde_json::from_str(&files()["webhook-run-succeeded"]).unwrap();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    event.to_string()
}

#[tokio::test]
async fn a_webhook_is_found_behind_a_stage_or_a_domain_and_however_it_is_written() {
    let body: Value = serde_json::from_str(&files()["webhook-run-succeeded"]).unwrap();
    let (body, token) = (body["body"].as_str().unwrap(), format!("Bearer {TOKEN}"));
    let mut encoded = Base64Data::default();
    encoded.extend_from_slice(body.as_bytes());
    let with_headers = json!({"Authorization": token, "Host": "api.example", "X-Client-Id": "Zoë"});
    for (what, changes) in [
        (
            "a stage",
            vec![
                ("/requestContext/stage", json!("prod")),
                ("/rawPath", json!("/prod/webhooks/apify")),
            ],
        ),
        ("a stage behind a domain", vec![("/requestContext/stage", json!("prod"))]),
        ("a mapping of a domain", vec![("/rawPath", json!("/v1/webhooks/apify"))]),
        ("a slash at the end", vec![("/rawPath", json!("/webhooks/apify/"))]),
        ("base64", vec![("/body", json!(encoded)), ("/isBase64Encoded", json!(true))]),
        ("headers in other letters", vec![("/headers", with_headers)]),
        ("no query", vec![("/rawQueryString", json!("")), ("/queryStringParameters", json!(null))]),
        ("a query in UTF-8", vec![("/rawQueryString", json!("clientId=Zoë"))]),
        ("a query in escapes", vec![("/rawQueryString", json!("clientId=Zo%C3%AB%20%26%20Co"))]),
    ] {
        assert_eq!(answered(&changed(&changes)).await.0, 202, "{what}");
    }
    let twice = [("/rawQueryString", json!("clientId=A&clientId=B"))];
    assert_eq!(answered(&changed(&twice)).await, (400, vec![]), "nobody can say which is meant");
    let elsewhere = [
        ("/rawPath", json!("/prod/elsewhere")),
        ("/requestContext/stage", json!("prod")),
        ("/requestContext/routeKey", json!("$default")),
    ];
    assert_eq!(answered(&changed(&elsewhere)).await.0, 404);
    let older = json!({"version": "1.0", "resource": "/webhooks/apify", "path": "/webhooks/apify",
        "httpMethod": "POST", "headers": {}, "multiValueHeaders": {}, "body": body,
        "requestContext": {"path": "/webhooks/apify", "httpMethod": "POST", "stage": "$default"}});
    let error = lambda_http::request::from_str(&older.to_string()).unwrap_err();
    assert!(error.to_string().contains("API Gateway"), "{error}");
}

/// The world that `runtally simulate` invents and that the files name.
const SIMULATED: Size = Size { leads: 60, clients: 2, seed: 1 };

#[test]
fn the_files_speak_of_the_simulated_world_and_none_scores_everybody() {
    let world = World::invent(SIMULATED);
    let mara = &world.clients[0];
    let mut of_clients = 0;
    for (name, event) in files() {
        for (word, expected) in [("client", mara.id.as_str()), ("clientId", mara.id.as_str())] {
            for found in values_of(&event, word) {
                assert_eq!(found, expected, "{name}");
                of_clients += 1;
            }
        }
        for base in values_of(&event, "base") {
            assert_eq!(base, mara.base.as_str(), "{name}");
        }
        assert!(!event.contains(r#"\"all\""#), "{name} asks for every client");
        if event.contains(r#"\"kind\": \"post\", \"requested_at"#) {
            assert!(event.contains(r#"\"limit\""#), "{name} asks for every lead");
        }
    }
    assert!(of_clients > 10, "{of_clients}");
}

/// The strings under the key `word` in JSON that is inside a JSON string.
fn values_of(event: &str, word: &str) -> Vec<String> {
    let key = format!(r#"\"{word}\": \""#);
    let found = event.split(&key).skip(1);
    found.map(|rest| rest.split('\\').next().unwrap_or_default().to_owned()).collect()
}

/// The system's group for a message, if the message alone determines it.
fn group_of(body: &str) -> Option<String> {
    match ScoringTask::decode(body) {
        Ok(ScoringTask::Ingest(task)) => return Some(routes::ingest(task).group().to_owned()),
        Ok(ScoringTask::Replay(task)) => return Some(routes::replay(*task).group().to_owned()),
        Ok(ScoringTask::ScoreWaiting(task)) => {
            return Some(match &task.clients {
                ClientScope::All => routes::all_clients_group(),
                ClientScope::One(client) => routes::plan_group(client.as_str()),
            });
        }
        // Its lane depends on its leads' keys.
        Ok(ScoringTask::Chunk(chunk)) => return Some(routes::chunk_group(&chunk.base, 0)),
        Err(_) => {}
    }
    match MetricsMessage::decode(body) {
        Ok(MetricsMessage::Event(_) | MetricsMessage::Tick | MetricsMessage::Project(_)) => {
            Some(World::invent(SIMULATED).master_base.to_string())
        }
        Ok(MetricsMessage::Heard(_)) => Some("heard".to_owned()),
        Err(_) => None,
    }
}

#[test]
fn a_message_has_the_group_that_the_system_gives_it() {
    let mut compared = 0;
    for (name, event) in files() {
        let Ok(event) = serde_json::from_str::<SqsEvent>(&event) else { continue };
        for delivery in event.records.into_iter().map(Delivery::of) {
            let Some(group) = group_of(&delivery.body) else { continue };
            // A waiting message has no group, and names the one to which it goes.
            let own = Some(&delivery.group).filter(|_| !delivery.is_from_retry_queue());
            assert_eq!(own.or(delivery.retry.group.as_ref()), Some(&group), "{name}");
            compared += 1;
        }
    }
    assert_eq!(compared, 17, "six tasks, eight events, word of a harvest, a record and a tick");
}
