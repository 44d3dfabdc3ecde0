//! The commands beside `runtally serve`, with nothing but its folder and the webhook's token.

use serde_json::Value;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const TOKEN: &str = "invented-webhook-token";

/// `runtally serve`, ended with the test.
struct Serve(Child);

impl Drop for Serve {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn runtally(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtally"));
    command.env_clear().env("WEBHOOK_TOKEN", TOKEN).env("RUST_LOG", "error");
    command.args(arguments).arg("--data").arg(data);
    command
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn the_commands_find_what_serve_keeps_and_simulates() {
    let data = tempfile::tempdir().unwrap();
    let listeners: Vec<TcpListener> =
        (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<String> = listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap().port().to_string())
        .collect();
    drop(listeners);
    let mut serve = runtally(data.path(), &["serve", "--port", &ports[0]]);
    for (option, port) in [("--airtable-port", 1), ("--apify-port", 2), ("--gemini-port", 3)] {
        serve.args([option, &ports[port]]);
    }
    let _serve = Serve(serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let started = Instant::now();
    let url = format!("http://127.0.0.1:{}", ports[0]);
    let doctor = loop {
        let doctor = runtally(data.path(), &["doctor", "--json", "--url", &url]).output().unwrap();
        if doctor.status.success() || started.elapsed() > Duration::from_secs(30) {
            break doctor;
        }
    };
    let checks = json(&doctor);
    assert_eq!(checks["wrong"], 0, "{checks:#}");
    let runs = runtally(data.path(), &["runs", "--json"]).output().unwrap();
    assert_eq!(json(&runs), serde_json::json!({"runs": [], "left_out": 0}));

    let word = std::fs::read_to_string(data.path().join("served.json")).unwrap();
    assert!(!word.contains(TOKEN), "no secret is left lying about: {word}");
}
