//! Foreign texts and foreign requests do no harm.

use super::seen::Seen;
use crate::serve::ask;
use bytes::Bytes;
use http::StatusCode;
use runtally::invented::{Size, World};
use serde_json::{Value, json};
use shared::adapters::http::HttpTransport;
use shared::ports::Transport;
use std::time::Duration;

const HOSTILE: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>";

#[tokio::test]
async fn what_people_wrote_stays_text() {
    let seen = Seen::start().await;
    let world = World::invent(Size::default());
    let (client, base) = (world.clients[0].id.as_str(), world.clients[0].base.as_str());
    let clients = seen.rows(&seen.master, "Clients").await;
    let row = clients.iter().find(|row| row["fields"]["Client ID"] == client).unwrap();
    let put = json!({"base": seen.master, "table": "Clients", "record": row["id"],
        "field": "Client Name", "value": HOSTILE});
    ask("POST", seen.airtable, "/_sim/cells", &put).await;
    let run = seen.run().await;
    let lead = seen.rows(base, "Leads").await[0]["id"].as_str().unwrap().to_owned();
    let put = json!({"base": base, "table": "Leads", "record": lead, "field": "Posts Content",
        "value": HOSTILE});
    ask("POST", seen.airtable, "/_sim/cells", &put).await;
    let pages = [
        "/".to_owned(),
        format!("/run/{run}"),
        format!("/row/{lead}?run={run}"),
        "/?q=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/?told=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
    ];
    let mut shown = 0;
    for path in pages {
        let answer = seen.get(&path).await;
        assert!(!answer.body.contains("<script>") && !answer.body.contains("<img"), "{path}");
        shown += usize::from(answer.body.contains("&lt;script&gt;alert(1)"));
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{path}");
        assert!(!answer.body.contains(" style="), "nothing inline: {path}");
    }
    assert!(shown >= 4, "the words are shown, as words");
}

#[tokio::test]
async fn nothing_is_changed_without_the_page_s_own_form() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let path = "/do/delete-record";
    let fields = [("run", run.as_str()), ("token", "00000000000000000000000000000000")];
    for (origin, why) in [
        (Some("http://evil.example"), "another site"),
        (None, "no origin"),
        (Some(seen.url.as_str()), "a token that is not this process's"),
    ] {
        assert_eq!(seen.post(path, origin, &fields).await.status, StatusCode::FORBIDDEN, "{why}");
    }
    let nowhere = HttpTransport::new().unwrap();
    let nowhere = nowhere
        .send(
            http::Request::get(format!("{}/nowhere", seen.url)).body(Bytes::new()).unwrap(),
            Duration::from_secs(20),
        )
        .await
        .unwrap();
    let error: Value = serde_json::from_slice(nowhere.body()).unwrap();
    assert_eq!(error["error"]["type"], "NOT_FOUND", "a program gets JSON");
    let elsewhere = http::Request::get(format!("{}/", seen.url)).header("host", "evil.example");
    let elsewhere = seen.send(elsewhere, String::new()).await.unwrap();
    assert_eq!(elsewhere.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!elsewhere.body.contains(&run), "{}", elsewhere.body);
    assert_eq!(seen.rows(&seen.master, "Client Run Results").await.len(), 1);
}
