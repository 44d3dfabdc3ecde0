//! The commands beside `runtally serve`, with nothing but its folder and the webhook's token.

use serde_json::Value;
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

/// What `runtally serve` leaves for the commands in the folder `data`, once it does.
pub(crate) fn word(data: &Path) -> Value {
    let started = Instant::now();
    loop {
        let word = std::fs::read(data.join("served.json")).unwrap_or_default();
        if let Ok(word) = serde_json::from_slice(&word) {
            return word;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "serve has left no word");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_level_of_the_logs_that_is_none_is_named() {
    let data = tempfile::tempdir().unwrap();
    let misread = runtally(data.path(), &["runs"]).env("RUST_LOG", "local=loud").output().unwrap();
    let told = String::from_utf8(misread.stderr).unwrap();
    assert!(told.contains("RUST_LOG is wrong"), "{told}");
}

#[test]
fn the_commands_find_what_serve_keeps_and_simulates() {
    let data = tempfile::tempdir().unwrap();
    let mut serve = runtally(data.path(), &["serve", "--port", "0"]);
    for option in ["--airtable-port", "--apify-port", "--gemini-port"] {
        serve.args([option, "0"]);
    }
    let _serve = Serve(serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let word = word(data.path());
    assert!(!word.to_string().contains(TOKEN), "no secret is left lying about: {word}");
    let url = word["url"].as_str().unwrap();
    let started = Instant::now();
    let doctor = loop {
        let doctor = runtally(data.path(), &["doctor", "--json", "--url", url]).output().unwrap();
        if doctor.status.success() || started.elapsed() > Duration::from_secs(30) {
            break doctor;
        }
    };
    let checks = json(&doctor);
    assert_eq!(checks["wrong"], 0, "{checks:#}");
    let runs = runtally(data.path(), &["runs", "--json"]).output().unwrap();
    assert_eq!(json(&runs), serde_json::json!({"runs": [], "left_out": 0}));
}
