//! The binary's start.

use serde_json::Value;
use std::process::Command;

/// What the function logs before it stops because it has no credentials.
fn logged(level: &str) -> Vec<Value> {
    let function = Command::new(env!("CARGO_BIN_EXE_webhook-intake"))
        .env_clear()
        .env("AWS_REGION", "eu-west-1")
        .env("RUST_LOG", level)
        .output()
        .expect("the binary can be run");
    assert!(!function.status.success());
    let logged = String::from_utf8(function.stdout).expect("a text");
    logged.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

#[test]
fn what_keeps_the_function_from_starting_is_logged_as_json() {
    let [line] = &logged("")[..] else { panic!("one line") };
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["message"], "the function does not start");
    let error = line["error"].as_str().expect("a reason");
    assert!(error.contains("AWS_ACCESS_KEY_ID"), "{error}");
}

#[test]
fn an_invalid_level_is_named_and_hides_nothing() {
    let [misread, error] = &logged("shared=loud")[..] else { panic!("two lines") };
    assert_eq!(misread["message"], "logging at info");
    let misread = misread["error"].as_str().expect("a reason");
    assert!(misread.contains("RUST_LOG"), "{misread}");
    assert_eq!(error["message"], "the function does not start");
}

#[test]
fn modules_are_logged_at_the_levels_asked_for() {
    assert_eq!(logged("off"), Vec::<Value>::new());
    assert_eq!(logged("error,webhook_intake=off"), Vec::<Value>::new());
    assert_eq!(logged("off,webhook_intake=error").len(), 1);
}
