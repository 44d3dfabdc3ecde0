//! `runtally serve` as a process: the commands that run next to it, and its death in the middle of
//! a run.

use bytes::Bytes;
use runtally::invented::{Size, World};
use serde_json::{Value, json};
use shared::adapters::http::HttpTransport;
use shared::ports::Transport;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const TOKEN: &str = "invented-webhook-token";
/// The options for ports, and where `served.json` has the chosen ports.
const PORTS: [(&str, &str); 4] = [
    ("--port", "/url"),
    ("--airtable-port", "/simulated/airtable/AIRTABLE_API_URL"),
    ("--apify-port", "/simulated/apify/APIFY_API_URL"),
    ("--gemini-port", "/simulated/gemini/GEMINI_API_URL"),
];

/// A running `runtally serve`. Dropping it kills it with SIGKILL on Unix, so it cannot clean up.
pub(crate) struct Serve(Child);

impl Serve {
    /// Starts it on these ports; 0 lets the system choose.
    pub(crate) fn start(data: &Path, ports: [u16; 4]) -> Self {
        let mut command = Self::command(data, ports);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn command(data: &Path, ports: [u16; 4]) -> Command {
        let mut command = runtally(data, &["serve", "--latency-ms", "300"]);
        for ((option, _), port) in PORTS.into_iter().zip(ports) {
            command.args([option, &port.to_string()]);
        }
        command
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

pub(crate) fn runtally(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtally"));
    command.env_clear().env("WEBHOOK_TOKEN", TOKEN).env("RUST_LOG", "error");
    command.args(arguments).arg("--data").arg(data);
    command
}

/// What `runtally serve` leaves for the commands in the folder `data`, as soon as it is there.
pub(crate) async fn left_by_serve(data: &Path) -> Value {
    eventually(Duration::from_secs(30), async || {
        let word = std::fs::read(data.join("served.json")).unwrap_or_default();
        serde_json::from_slice(&word).map_err(|error| error.to_string())
    })
    .await
}

pub(crate) async fn eventually<T>(
    within: Duration,
    attempt: impl AsyncFn() -> Result<T, String>,
) -> T {
    let started = Instant::now();
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(started.elapsed() < within, "{error}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Repeats a request to one of the ports until it is answered.
pub(crate) async fn ask(method: &str, port: u16, path: &str, body: &Value) -> Value {
    let transport = HttpTransport::new().unwrap();
    eventually(Duration::from_secs(30), async || {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{port}{path}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let sent = transport.send(request, Duration::from_secs(5)).await;
        sent.map(|response| serde_json::from_slice(response.body()).unwrap())
            .map_err(|error| error.to_string())
    })
    .await
}

async fn billed(gemini: u16) -> (u64, u64) {
    let billed = ask("GET", gemini, "/_sim/billed?totals=1", &Value::Null).await;
    let number = |pointer: &str| billed.pointer(pointer).and_then(Value::as_u64).unwrap();
    (number("/totals/answers"), number("/totals/usage/total"))
}

/// The fields of the only run record, as soon as it is completed.
async fn completed_record(airtable: u16, master_base: &str) -> Value {
    let path = format!("/_sim/bases/{master_base}/tables/Client%20Run%20Results");
    eventually(Duration::from_secs(60), async || {
        let table = ask("GET", airtable, &path, &Value::Null).await;
        let rows = table["rows"].as_array().or(table["records"].as_array()).unwrap().clone();
        let fields = rows.first().map_or(&Value::Null, |row| &row["fields"]).clone();
        let is_completed =
            fields["Status"].as_str().is_some_and(|status| status.starts_with("Completed"));
        assert!(!is_completed || rows.len() == 1);
        if is_completed { Ok(fields) } else { Err(format!("{fields:#}")) }
    })
    .await
}

#[test]
fn a_log_level_that_does_not_exist_is_named() {
    let data = tempfile::tempdir().unwrap();
    let misread = runtally(data.path(), &["runs"]).env("RUST_LOG", "local=loud").output().unwrap();
    let told = String::from_utf8(misread.stderr).unwrap();
    assert!(told.contains("RUST_LOG is wrong"), "{told}");
}

#[test]
fn a_simulated_model_does_not_work_on_a_real_airtable() {
    let data = tempfile::tempdir().unwrap();
    let serve = |variables: &[(&str, &str)]| {
        let mut command = runtally(data.path(), &["serve", "--port", "0"]);
        command.envs(variables.iter().copied()).env("AIRTABLE_TOKEN", "patInvented");
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let told = serve(&[("APIFY_TOKEN", "invented")]);
    assert!(told.contains("Airtable is the real one, Gemini is simulated"), "{told}");
    assert!(told.contains("hint: set GEMINI_API_KEY"), "{told}");
    // A model on this machine invents its answers, too.
    let here =
        [("GEMINI_API_KEY", "k"), ("GEMINI_API_URL", "http://127.0.0.1:9"), ("APIFY_TOKEN", "t")];
    assert!(serve(&here).contains("Gemini is simulated"));
    assert!(!data.path().join("served.json").exists(), "nothing was begun");
}

#[tokio::test]
async fn a_folder_has_one_server_at_a_time() {
    let data = tempfile::tempdir().unwrap();
    let _serve = Serve::start(data.path(), [0; 4]);
    left_by_serve(data.path()).await;
    let second = runtally(data.path(), &["serve", "--port", "0"]).output().unwrap();
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.contains("another `runtally serve` uses the folder"), "{told}");
}

/// A server whose log goes to a program that has ended, or to a full disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_whose_words_nobody_takes_works_all_the_same() {
    let data = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Serve::command(data.path(), [0; 4]);
    command.env("RUST_LOG", "info").stdout(Stdio::piped()).stderr(full);
    let mut serve = Serve(command.spawn().unwrap());
    drop(serve.0.stdout.take());
    left_by_serve(data.path()).await;
    eventually(Duration::from_secs(30), async || {
        let trigger = runtally(data.path(), &["trigger", "harvest", "--leads", "2"]).output();
        let told = trigger.unwrap();
        let errors = String::from_utf8_lossy(&told.stderr).into_owned();
        if told.status.success() { Ok(()) } else { Err(errors) }
    })
    .await;
    eventually(Duration::from_secs(60), async || {
        let runs = runtally(data.path(), &["runs"]).output().unwrap();
        let told = String::from_utf8_lossy(&runs.stdout).into_owned();
        if told.contains("Completed") { Ok(()) } else { Err(told) }
    })
    .await;
}

#[cfg(unix)]
#[test]
fn simulators_end_when_they_are_asked_to() {
    for signal in ["-TERM", "-INT"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runtally"));
        command.env_clear().args(["simulate", "--leads", "0"]);
        for (option, _) in &PORTS[1..] {
            command.args([option, "0"]);
        }
        let mut simulate = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut told = String::new();
        // Kept open until the process ends, because it prints more than one line.
        let mut lines = std::io::BufReader::new(simulate.stdout.take().unwrap());
        while !told.contains("control: ") {
            assert!(std::io::BufRead::read_line(&mut lines, &mut told).unwrap() > 0, "{told}");
        }
        let id = simulate.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(simulate.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn the_commands_find_what_serve_keeps_and_simulates() {
    let data = tempfile::tempdir().unwrap();
    let _serve = Serve::start(data.path(), [0; 4]);
    let left = left_by_serve(data.path()).await;
    assert!(!left.to_string().contains(TOKEN), "no secret is left in the folder: {left}");
    let url = left["url"].as_str().unwrap();
    let json = |arguments: &[&str]| -> Result<Value, String> {
        let output = runtally(data.path(), arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(serde_json::from_str(&text).unwrap()) } else { Err(text) }
    };
    let checks = eventually(Duration::from_secs(30), async || json(&["doctor", "--json"])).await;
    assert_eq!((&checks["wrong"], &checks["warnings"]), (&json!(0), &json!(0)), "{checks:#}");
    let webhook = format!("webhook {url}/webhooks/apify");
    let says = |text: &str| {
        let all = checks["checks"].as_array().unwrap().iter();
        all.filter(|check| check["what"] == webhook.as_str()).any(|check| check["message"] == text)
    };
    assert!(says("reachable, and closed to strangers") && says("it knows our token"), "{checks:#}");
    // The doctor does not need the token that the server was started with. An empty variable, as an
    // env file may hold it, sets nothing.
    let mut doctor = runtally(data.path(), &["doctor"]);
    doctor.env_remove("WEBHOOK_TOKEN").env("MASTER_BASE_ID", "").env("AIRTABLE_TOKEN", "");
    let stranger = doctor.output().unwrap();
    let told = String::from_utf8(stranger.stdout).unwrap();
    assert!(stranger.status.success() && told.ends_with("Nothing is wrong.\n"), "{told}");
    assert_eq!(
        json(&["runs", "--json"]),
        Ok(json!({"schema_version": 1, "runs": [], "left_out": 0,
            "waiting": {"tasks": [], "count": 0}}))
    );
}

#[tokio::test]
async fn a_run_continues_after_its_process_was_killed() {
    let data = tempfile::tempdir().unwrap();
    let world = World::invent(Size::default());
    let client = &world.clients[0];
    let harvest = client.harvest();

    let first = Serve::start(data.path(), [0; 4]);
    let left = left_by_serve(data.path()).await;
    let ports = PORTS.map(|(_, pointer)| {
        let url = left.pointer(pointer).and_then(Value::as_str).unwrap();
        url.parse::<http::Uri>().unwrap().port_u16().unwrap()
    });
    let [webhook, airtable, apify, gemini] = ports;
    let id = client.id.as_str().replace(' ', "%20");
    let webhook = json!({
        "requestUrl": format!("http://127.0.0.1:{webhook}/webhooks/apify?clientId={id}"),
        "headersTemplate": json!({"Authorization": format!("Bearer {TOKEN}")}).to_string(),
    });
    let run = json!({"status": "SUCCEEDED", "startedAt": "2026-11-20T08:00:00.000Z",
        "finishedAt": "2026-11-20T08:05:00.000Z", "input": harvest.input, "items": harvest.items,
        "costUsd": harvest.cost_usd, "webhooks": [webhook]});
    ask("POST", apify, "/_sim/runs", &run).await;
    while billed(gemini).await.0 < 5 {
        sleep(Duration::from_millis(20)).await;
    }
    drop(first);

    let _second = Serve::start(data.path(), ports);
    let record = completed_record(airtable, world.master_base.as_str()).await;
    let (_, billed_tokens) = billed(gemini).await;
    assert_eq!(record["Run ID"], format!("261120-080000-{}", client.id));
    assert_eq!(record["Total Posts Harvested"], harvest.expected.posts_harvested);
    assert_eq!(record["Posts Examined for Scoring"], harvest.expected.posts_examined);
    assert_eq!(record["Posts Successfully Scored"], harvest.expected.posts_scored);
    let recorded = record["Post Scoring Tokens"].as_u64().unwrap();
    let balance = record["Balance"].as_str().unwrap();
    if balance == "balanced" {
        assert_eq!(recorded, billed_tokens);
    } else {
        assert!(balance.contains("unobserved"), "{balance}");
        assert!(recorded < billed_tokens, "{recorded} {billed_tokens}");
    }
}
