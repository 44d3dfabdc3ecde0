//! `runtally demo`: its output, and that its proof holds whatever happens meanwhile.

use std::process::Command;

/// Runs the demo. Returns the lines of its answer; the proof holds.
fn demo(options: &[&str]) -> Vec<String> {
    let done = Command::new(env!("CARGO_BIN_EXE_runtally"))
        .args(["demo", "--latency-ms", "20", "--airtable-latency-ms", "5"])
        .args(options)
        .output()
        .expect("the program is built");
    let text = String::from_utf8(done.stdout).expect("text");
    assert!(done.status.success(), "{text}");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_verdict_comes_first_and_each_run_has_a_line() {
    let lines = demo(&["--leads", "12"]);
    assert!(lines[0].starts_with("The proof holds: every number on 2 records is right (12 leads"));
    assert!(lines.len() <= 15, "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.ends_with('✓')).count(), 2, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("tokens billed by the model = ")), "{lines:#?}");
}

#[test]
fn clients_without_leads_have_no_run() {
    let lines = demo(&["--clients", "3", "--leads", "2"]);
    assert!(lines[0].starts_with("The proof holds: every number on 2 records"), "{lines:#?}");
}

#[test]
fn of_many_runs_only_those_with_a_problem_have_a_line() {
    let lines = demo(&["--clients", "9", "--leads", "9", "--no-rate-limit"]);
    assert!(lines.contains(&"9 runs, all right".to_owned()), "{lines:#?}");
}

#[test]
fn every_number_is_right_though_the_system_is_killed_and_its_records_are_deleted_and_edited() {
    let lines = demo(&["--leads", "12", "--chaos", "--no-rate-limit"]);
    assert!(lines[0].starts_with("The proof holds: every number on 2 records"), "{lines:#?}");
    let meanwhile = lines.iter().find_map(|line| line.strip_prefix("meanwhile: "));
    let meanwhile = meanwhile.expect("it says what happened");
    for happened in ["kill", "record", "deleted", "edited"] {
        assert!(meanwhile.contains(happened), "{meanwhile}");
    }
}
