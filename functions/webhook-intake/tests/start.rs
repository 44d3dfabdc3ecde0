//! The binary's start.

use serde_json::Value;
use std::process::Command;

#[test]
fn what_keeps_the_function_from_starting_is_logged_as_json() {
    let function = Command::new(env!("CARGO_BIN_EXE_webhook-intake"))
        .env_clear()
        .env("AWS_REGION", "eu-west-1")
        .output()
        .expect("the binary can be run");
    assert!(!function.status.success());
    let logged = String::from_utf8(function.stdout).expect("a text");
    let line: Value = serde_json::from_str(&logged).expect("one line of JSON");
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["message"], "the function does not start");
    let error = line["error"].as_str().expect("a reason");
    assert!(error.contains("AWS_ACCESS_KEY_ID"), "{error}");
}
