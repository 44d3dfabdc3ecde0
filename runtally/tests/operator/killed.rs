//! `runtally serve` as a process: killed in the middle of a run, started again, right at the end.

use crate::served;
use bytes::Bytes;
use serde_json::{Value, json};
use shared::adapters::http::HttpTransport;
use shared::ports::Transport;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TOKEN: &str = "invented-webhook-token";

/// Where `runtally serve` is reached; by default at ports that the system chooses.
#[derive(Default)]
struct Ports {
    webhook: u16,
    airtable: u16,
    apify: u16,
    gemini: u16,
}

impl Ports {
    /// Those that `runtally serve` has left word of.
    fn left_word_of(data: &Path) -> Self {
        let word = served::word(data);
        let port = |pointer| {
            let url = word.pointer(pointer).and_then(Value::as_str).unwrap();
            url.parse::<http::Uri>().unwrap().port_u16().unwrap()
        };
        Self {
            webhook: port("/url"),
            airtable: port("/simulated/airtable/AIRTABLE_API_URL"),
            apify: port("/simulated/apify/APIFY_API_URL"),
            gemini: port("/simulated/gemini/GEMINI_API_URL"),
        }
    }
}

fn serve(data: &Path, ports: &Ports) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtally"));
    command.args(["serve", "--latency-ms", "300", "--data"]).arg(data);
    for (option, port) in [
        ("--port", ports.webhook),
        ("--airtable-port", ports.airtable),
        ("--apify-port", ports.apify),
        ("--gemini-port", ports.gemini),
    ] {
        command.args([option, &port.to_string()]);
    }
    for real in ["AIRTABLE_TOKEN", "APIFY_TOKEN", "GEMINI_API_KEY", "VERTEX_SERVICE_ACCOUNT"] {
        command.env_remove(real);
    }
    command.env("WEBHOOK_TOKEN", TOKEN).env("RUST_LOG", "warn");
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Asks one of the ports until it answers.
async fn ask(method: &str, port: u16, path: &str, body: &Value) -> Value {
    let transport = HttpTransport::new().unwrap();
    let started = Instant::now();
    loop {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{port}{path}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        match transport.send(request, Duration::from_secs(5)).await {
            Ok(response) => return serde_json::from_slice(response.body()).unwrap(),
            Err(error) => assert!(started.elapsed() < Duration::from_secs(30), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn billed(ports: &Ports) -> (u64, u64) {
    let billed = ask("GET", ports.gemini, "/_sim/billed?totals=1", &Value::Null).await;
    let number = |pointer: &str| billed.pointer(pointer).and_then(Value::as_u64).unwrap();
    (number("/totals/answers"), number("/totals/usage/total"))
}

/// The fields of the only run record, once it is at its end.
async fn record_at_its_end(ports: &Ports, master_base: &str) -> Value {
    let path = format!("/_sim/bases/{master_base}/tables/Client%20Run%20Results");
    let started = Instant::now();
    loop {
        let table = ask("GET", ports.airtable, &path, &Value::Null).await;
        let rows = table["rows"].as_array().or(table["records"].as_array()).unwrap().clone();
        let fields = rows.first().map_or(&Value::Null, |row| &row["fields"]).clone();
        if fields["Status"].as_str().is_some_and(|status| status.starts_with("Completed")) {
            assert_eq!(rows.len(), 1);
            return fields;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{fields:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_run_goes_on_where_it_was_when_the_process_was_killed() {
    let data = tempfile::tempdir().unwrap();
    let world = runtally::invented::World::invent(runtally::invented::Size::default());
    let client = &world.clients[0];
    let harvest = client.harvest();

    let mut first = serve(data.path(), &Ports::default());
    let ports = Ports::left_word_of(data.path());
    let id = client.id.as_str().replace(' ', "%20");
    let webhook = json!({
        "requestUrl": format!("http://127.0.0.1:{}/webhooks/apify?clientId={id}", ports.webhook),
        "headersTemplate": json!({"Authorization": format!("Bearer {TOKEN}")}).to_string(),
    });
    let run = json!({"status": "SUCCEEDED", "startedAt": "2026-11-20T08:00:00.000Z",
        "finishedAt": "2026-11-20T08:05:00.000Z", "input": harvest.input, "items": harvest.items,
        "costUsd": harvest.cost_usd, "webhooks": [webhook]});
    ask("POST", ports.apify, "/_sim/runs", &run).await;
    while billed(&ports).await.0 < 5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // On Unix this is SIGKILL: the process gets no chance to put anything in order.
    first.kill().unwrap();
    first.wait().unwrap();

    let mut second = serve(data.path(), &ports);
    let record = record_at_its_end(&ports, world.master_base.as_str()).await;
    let (_, billed_tokens) = billed(&ports).await;
    second.kill().unwrap();
    second.wait().unwrap();

    assert_eq!(record["Run ID"], format!("261120-080000-{}", client.id));
    assert_eq!(record["Total Posts Harvested"], harvest.expected.posts_harvested);
    assert_eq!(record["Posts Examined for Scoring"], harvest.expected.posts_examined);
    assert_eq!(record["Posts Successfully Scored"], harvest.expected.posts_scored);
    let recorded = record["Post Scoring Tokens"].as_u64().unwrap();
    let balance = record["Balance"].as_str().unwrap();
    if balance == "balanced" {
        assert_eq!(recorded, billed_tokens);
    } else {
        assert!(balance.contains("model call(s) unobserved"), "{balance}");
        assert!(recorded < billed_tokens, "{recorded} {billed_tokens}");
    }
}
