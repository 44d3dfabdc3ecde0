//! What an open page receives.

use super::seen::Seen;
use crate::serve::ask;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Opens the page at `of` with these parts on the screen. Each call waits for the next update.
async fn open(seen: &Seen, of: &str, parts: &str) -> impl AsyncFnMut() -> String + use<> {
    let host = seen.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs([("of", of), ("parts", parts)]).finish();
    let request = format!("GET /live?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut line = async move || {
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await;
        line.expect("a change is sent").unwrap().expect("the stream goes on")
    };
    while line().await != "content-type: text/event-stream" {}
    async move || {
        let mut html = String::new();
        loop {
            let line = line().await;
            if let Some(data) = line.strip_prefix("data: ") {
                html.push_str(data);
                html.push('\n');
            } else if line.is_empty() && !html.is_empty() {
                return html;
            }
        }
    }
}

#[tokio::test]
async fn an_open_page_is_sent_every_change() {
    let seen = Seen::start().await;
    let mut next = open(&seen, "/system", "").await;
    assert!(next().await.contains("Next tick"));
    // What still changes after the start of the system is sent before.
    for _ in 0..2 {
        seen.act("/do/tick", &[]).await;
        next().await;
    }
}

#[tokio::test]
async fn an_open_page_of_runs_is_sent_their_events_and_what_else_changes() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let record = seen.rows(&seen.master, "Client Run Results").await[0]["id"].clone();
    for page in [format!("/run/{run}"), "/?day=".to_owned() + &run[..6]] {
        let mut next = open(&seen, &page, "").await;
        assert!(next().await.contains(&run));
        seen.act(&format!("/do/rewrite?run={run}"), &[("run", &run)]).await;
        next().await;
        let cell = json!({"base": seen.master, "table": "Client Run Results", "record": record,
            "field": "System Notes", "value": page});
        ask("POST", seen.airtable, "/_sim/cells", &cell).await;
        next().await;
    }
}

#[tokio::test]
async fn an_open_page_is_sent_the_parts_that_it_shows() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let sent = async |parts: &str| {
        let mut next = open(&seen, &format!("/run/{run}"), parts).await;
        next().await
    };
    let all = ["head", "balance", "record", "leads", "waterfall", "cost", "events"];
    let in_it = |body: &str| {
        let is_in = |id: &&str| body.contains(&format!("<section id=\"{id}\" data-live"));
        all.iter().copied().filter(is_in).collect::<Vec<_>>()
    };
    let whole = sent("").await;
    assert_eq!(in_it(&whole), all);
    assert_eq!(whole.matches("data-live").count(), all.len(), "there is no other part");
    for part in all {
        assert_eq!(in_it(&sent(part).await), [part]);
    }
    assert_eq!(in_it(&sent("balance head").await), ["head", "balance"]);
}

#[tokio::test]
async fn the_parts_that_an_open_page_does_not_show_are_sent_later() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let mut next = open(&seen, &format!("/run/{run}"), "head").await;
    assert!(!next().await.contains("id=\"events\""));
    while !next().await.contains("id=\"events\"") {}
}
