//! How the page shows runs.

use super::seen::Seen;
use crate::serve::{ask, runtally};
use http::StatusCode;
use runtally::invented::{Size, World};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::process::Stdio;

/// 1387118 → `1,387,118`.
fn grouped(number: &Value) -> String {
    let digits = number.as_u64().unwrap().to_string();
    let (at, mut text) = (digits.len(), String::new());
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (at - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[tokio::test]
async fn a_run_is_shown_with_the_numbers_of_its_record_and_of_the_bill() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let record = seen.record().await;
    let billed = ask("GET", seen.gemini, "/_sim/billed?totals=1", &Value::Null).await;
    let tokens = grouped(&record["Post Scoring Tokens"]);
    assert_eq!(grouped(&billed["totals"]["usage"]["total"]), tokens);

    let list = seen.get("/").await.text();
    let posts = format!(
        "{} of {}",
        record["Posts Successfully Scored"], record["Posts Examined for Scoring"]
    );
    for shown in [&run, &tokens, &posts, "record up to date", "of 29 leads"] {
        assert!(list.contains(shown.trim()), "{shown} in {list}");
    }

    let page = seen.get(&format!("/run/{run}")).await.text();
    for question in ["What ran ", "Done ", "Failed ", "Tokens ", "Cost ", "Next "] {
        assert!(page.contains(question), "{question} in {page}");
    }
    let result = record["System Notes"].as_str().unwrap().lines().next().unwrap();
    assert!(page.contains(&format!("Done {result}")), "{result} in {page}");
    let thrice = [
        format!("{tokens} billed by the model ="),
        format!("{tokens} in the log"),
        format!("= {tokens} on the record"),
    ];
    for part in thrice {
        assert!(page.contains(&part), "{part} in {page}");
    }
    assert!(page.contains("The record says what the events say."), "{page}");
    assert!(!page.contains('≠'), "{page}");
    assert!(page.contains("lane 1") && page.contains("chunk 1"), "the waterfall: {page}");
}

#[tokio::test]
async fn the_list_is_filtered_by_client_status_and_day_and_searched_by_run_harvest_and_lead() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let record = seen.record().await;
    let world = World::invent(Size::default());
    let lead = seen.rows(world.clients[0].base.as_str(), "Leads").await[0]["fields"].clone();
    let lead = lead["LinkedIn Profile URL"].as_str().unwrap().to_owned();
    let harvest = record["Apify Run ID"].as_str().unwrap();
    let (client, day) = (record["Client ID"].as_str().unwrap(), format!("20{}", &run[..6]));
    let found = BTreeMap::from([
        ("client", client),
        ("status", record["Status"].as_str().unwrap()),
        ("day", &day),
        ("q", harvest),
    ]);
    for (name, value) in found {
        let query = |value: &str| {
            let mut text = url::form_urlencoded::Serializer::new(String::new());
            format!("/?{}", text.append_pair(name, value).finish())
        };
        let list = seen.get(&query(value)).await.text();
        assert!(list.contains(&format!("{run} ")), "{name}={value}: {list}");
        let other = match name {
            "status" => "Stalled",
            "day" => "2001-01-01",
            _ => "nobody-of-this-name",
        };
        for other in [other, "%'\"<\u{202e}", &"x".repeat(5_000)] {
            let list = seen.get(&query(other)).await.text();
            assert!(list.contains("No run matches."), "{name}={other}: {list}");
        }
    }
    let by_lead: String = url::form_urlencoded::byte_serialize(lead.as_bytes()).collect();
    let list = seen.get(&format!("/?q={by_lead}")).await.text();
    assert!(list.contains(&run), "{lead}: {list}");
}

#[tokio::test]
async fn another_harvest_of_a_client_has_posts_that_nobody_scored_yet() {
    let seen = Seen::start().await;
    seen.run().await;
    let again = seen.run().await;
    let page = seen.get(&format!("/run/{again}")).await.text();
    assert!(page.contains("were scored"), "{page}");
    assert!(!page.contains("nothing new"), "{page}");
}

#[tokio::test]
async fn a_harvest_that_cannot_begin_is_told_among_the_runs() {
    let seen = Seen::start().await;
    let fault = [("service", "airtable"), ("fault", "unavailable"), ("next", "500")];
    seen.act("/do/fault", &fault).await;
    let client = World::invent(Size::default()).clients[0].id.to_string();
    seen.act("/do/harvest", &[("client", &client)]).await;
    let list =
        seen.get_until("/", |answer| answer.text().contains("No run yet, waits since")).await;
    let list = list.text();
    assert!(list.contains(": harvest ") && list.contains(" · tried again at "), "{list}");
    assert!(!list.contains("A run appears here"), "nothing else says that there is no run: {list}");
}

#[tokio::test]
async fn the_page_over_a_system_elsewhere_shows_the_same_runs_and_only_reads() {
    let mut seen = Seen::start().await;
    let run = seen.run().await;
    let mut ui = runtally(seen.data.path(), &["ui", "--port", "0"]);
    let mut ui = ui.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut told = String::new();
    // Kept open, because the command prints more than one line.
    let mut lines = std::io::BufReader::new(ui.stdout.take().unwrap());
    lines.read_line(&mut told).unwrap();
    seen.url = told.split_whitespace().nth(1).unwrap().trim_end_matches('/').to_owned();
    let list = seen.get("/").await.text();
    assert!(list.contains(&run) && !list.contains("Fire a harvest"), "{list}");
    let page = seen.get(&format!("/run/{run}")).await.text();
    assert!(page.contains("The model's bill is not known here."), "{page}");
    assert!(page.contains("read it from Airtable"), "{page}");
    let read = seen.get(&format!("/run/{run}?record=1")).await.text();
    assert!(read.contains("The record says what the events say."), "{read}");
    let system = seen.get("/system").await.text();
    assert!(system.contains("Not known here: each function's process keeps"), "{system}");
    let refused = seen.get("/do/tick").await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert!(refused.text().contains("This page only reads"), "{}", refused.text());
    ui.kill().unwrap();
    ui.wait().unwrap();
}
