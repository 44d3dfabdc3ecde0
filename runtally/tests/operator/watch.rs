//! `runtally runs --watch`, and the log without Airtable.

use crate::world::{CLIENT, RUN, World};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_shows_a_run_from_its_beginning_to_its_end() {
    let world = World::sound().await;
    world.add_lead("jane");
    let mut command = world.command("runs --watch --json");
    let mut watch = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let (seen, last) = std::sync::mpsc::channel();
    let reader = tokio::task::spawn_blocking(move || {
        for line in lines.by_ref() {
            let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
            seen.send(answer).unwrap_or_default();
        }
    });
    let next = |last: &std::sync::mpsc::Receiver<Value>| {
        last.recv_timeout(std::time::Duration::from_secs(60)).unwrap()
    };
    let first = next(&last);
    assert_eq!((&first["runs"], &first["schema_version"]), (&json!([]), &json!(1)), "{first:#}");
    world.webhook(&world.harvest(&[("jane", "We shipped it.")])).await;
    loop {
        let answer = next(&last);
        let run = &answer["runs"][0];
        assert_eq!(run["run"], RUN, "{answer:#}");
        if run["status"] == "Completed" && run["open"] == false {
            assert_eq!((&run["posts_scored"], &run["balance"]), (&json!(1), &json!("balanced")));
            break;
        }
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    reader.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_and_explain_answer_without_airtable_and_say_what_is_left_out() {
    let mut world = World::sound().await;
    world.add_lead("jane");
    world.run(&world.harvest(&[("jane", "We shipped it.")])).await;
    let (_, with) = world.json("runs").await;
    world.variables.insert("AIRTABLE_API_URL", "http://127.0.0.1:9".to_owned());
    let without = async |world: &World, option: &str, why: &str| {
        let (code, listed) = world.json(&format!("runs{option}")).await;
        assert_eq!(code, 0, "{listed:#}");
        assert_eq!(listed["runs"], with["runs"], "the log knows all that the record does");
        let reason = listed["without_airtable"].as_str().unwrap();
        assert!(reason.contains(why), "{reason}");
        let people = world.runtally(&format!("explain {RUN}{option}")).await;
        assert_eq!(people.code, 0, "{}{}", people.out, people.errors);
        assert!(people.out.contains("Without Airtable ("), "{}", people.out);
        assert!(people.out.contains(why), "{}", people.out);
        let (_, explained) = world.json(&format!("explain {RUN}{option}")).await;
        assert_eq!(explained["fold"]["posts"]["scored"], 1, "{explained:#}");
        assert!(explained["without_airtable"].as_str().unwrap().contains(why));
    };
    without(&world, "", "Airtable does not answer").await;
    without(&world, " --no-airtable", "--no-airtable").await;
    world.variables.insert("AIRTABLE_TOKEN", String::new());
    without(&world, "", "AIRTABLE_TOKEN is not set").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_named_after_a_day_long_ago_is_listed_with_and_without_airtable() {
    let world = World::sound().await;
    world.add_lead("jane");
    world.webhook_with(&world.harvest(&[("jane", "We shipped it.")]), "&runId=250101-000000").await;
    world.settle().await;
    let (_, with) = world.json("runs").await;
    assert_eq!(with["runs"][0]["run"], format!("250101-000000-{CLIENT}"), "{with:#}");
    let (_, without) = world.json("runs --no-airtable").await;
    assert_eq!(without["runs"], with["runs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_are_left_out_are_counted_with_and_without_airtable() {
    let world = World::sound().await;
    world.add_lead("jane");
    for run in ["261101-000000", "261102-000000", "261103-000000"] {
        let harvest = world.harvest(&[("jane", &format!("We shipped it on {run}."))]);
        world.webhook_with(&harvest, &format!("&runId={run}")).await;
        world.settle().await;
    }
    for option in ["", " --no-airtable"] {
        let (_, listed) = world.json(&format!("runs --days 300 --limit 2{option}")).await;
        assert_eq!((listed["runs"].as_array().unwrap().len(), &listed["left_out"]), (2, &json!(1)));
    }
    let none = world.runtally("runs --limit 0").await;
    assert_eq!(none.code, 2, "{}", none.out);
}
