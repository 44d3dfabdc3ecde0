//! How every command answers: errors with hints, exit codes, pipes, widths and colours.

use crate::world::{RUN, World};
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};

fn runtally(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtally"));
    command.env_clear().args(arguments);
    command
}

fn texts(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_knows_its_name() {
    let (code, out, _) = texts(runtally(&["--version"]).output().unwrap());
    assert_eq!((code, out), (Some(0), format!("runtally {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn an_error_says_what_to_do_whatever_is_logged() {
    for level in ["off", "error", "trace"] {
        let mut command = runtally(&["runs", "--data", "/nowhere"]);
        let (code, out, errors) = texts(command.env("RUST_LOG", level).output().unwrap());
        assert_eq!((code, out.as_str()), (Some(1), ""));
        let lines: Vec<&str> = errors.lines().collect();
        assert_eq!(lines[lines.len() - 2], "error: there is no data in /nowhere", "{errors}");
        assert!(lines[lines.len() - 1].starts_with("hint: name the folder"), "{errors}");
        assert!(level == "trace" || lines.len() == 2, "{errors}");
    }
}

#[test]
fn a_program_gets_the_error_as_its_answer_from_every_command() {
    let commands: [&[&str]; 10] = [
        &["runs"],
        &["explain", RUN],
        &["redrive"],
        &["replay", RUN],
        &["reproject", "--all"],
        &["setup"],
        &["ingest", "HG7ML7M8z78YcAPEB", "--client", "X"],
        &["score", "--all", "--yes"],
        &["trigger", "harvest"],
        &["trigger", "webhook", "test"],
    ];
    for arguments in commands {
        let mut command = runtally(arguments);
        command.args(["--json", "--data", "/nowhere"]);
        let (code, out, errors) = texts(command.output().unwrap());
        let answer: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"));
        assert_eq!((code, errors.as_str()), (Some(1), ""), "{arguments:?}");
        assert_eq!(answer["schema_version"], 1, "{answer:#}");
        let error = answer["error"].as_object().unwrap();
        assert_eq!(error.keys().collect::<Vec<_>>(), ["hint", "message"], "{answer:#}");
        assert!(error.values().all(|text| !text.as_str().unwrap().is_empty()), "{answer:#}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_told_to_a_person() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = runtally(&["runs", "--json", "--data", "/nowhere"]);
    let (code, _, errors) = texts(command.stdout(full).output().unwrap());
    assert_eq!(code, Some(1));
    assert!(errors.starts_with("error: there is no data in /nowhere\nhint: "), "{errors}");
}

#[test]
fn wrong_arguments_are_code_2_and_have_the_same_shape() {
    let (code, out, errors) = texts(runtally(&["runs", "--dys", "3"]).output().unwrap());
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(errors.starts_with("error: unexpected argument '--dys' found\nhint: "), "{errors}");
    let (code, out, errors) = texts(runtally(&["explain", "--json"]).output().unwrap());
    assert_eq!((code, errors.as_str()), (Some(2), ""));
    let answer: Value = serde_json::from_str(&out).unwrap();
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("<RUN>"), "{message}");
    assert!(answer["error"]["hint"].as_str().unwrap().contains("--help"), "{answer:#}");
}

async fn after_a_run() -> World {
    let world = World::sound().await;
    world.add_lead("jane");
    world.run(&world.harvest(&[("jane", "We shipped it.")])).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_reading_is_no_error() {
    let world = after_a_run().await;
    for arguments in [&format!("explain {RUN}"), "runs", "doctor", "runs --json", "--help"] {
        let mut command = world.command(arguments);
        if arguments == "--help" {
            command = runtally(&["--help"]);
        }
        let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(running.stdout.take());
        let ended = tokio::task::spawn_blocking(move || running.wait_with_output().unwrap());
        let (code, _, errors) = texts(ended.await.unwrap());
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{arguments}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_fit_the_terminal_and_ids_stay_whole() {
    let mut world = after_a_run().await;
    let apify_run = world.record().fields["Apify Run ID"].as_str().unwrap().to_owned();
    for columns in ["60", "80", "100"] {
        world.variables.insert("COLUMNS", columns.to_owned());
        let width: usize = columns.parse().unwrap();
        for (arguments, ids) in [
            ("runs".to_owned(), vec![RUN]),
            (format!("explain {RUN}"), vec![RUN, &apify_run]),
            ("redrive".to_owned(), vec![]),
        ] {
            let out = world.runtally(&arguments).await.out;
            for line in out.lines() {
                assert!(line.chars().count() <= width, "{columns}: {line}\n{out}");
            }
            for id in ids {
                assert!(out.contains(id), "{columns}: {id} is not in\n{out}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_for_terminals_that_want_them() {
    let mut world = after_a_run().await;
    let is_coloured = async |world: &World| world.runtally("runs").await.out.contains('\u{1b}');
    assert!(!is_coloured(&world).await, "a pipe gets none");
    world.variables.insert("CLICOLOR_FORCE", "1".to_owned());
    assert!(is_coloured(&world).await);
    world.variables.insert("NO_COLOR", "1".to_owned());
    assert!(!is_coloured(&world).await);
    assert_eq!(json!(world.runtally("runs --json").await.out.contains('\u{1b}')), json!(false));
}
