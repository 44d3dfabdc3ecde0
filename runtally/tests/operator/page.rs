//! The page of `runtally serve`, as a browser without JavaScript sees it.

use crate::serve::{Serve, ask, eventually, left_by_serve, runtally};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use runtally::invented::{Size, World};
use runtally::storage::{Database, SqliteEventLog, SqliteQueue};
use runtally::system::queue_settings;
use serde_json::{Value, json};
use shared::adapters::http::HttpTransport;
use shared::core::clock::Clock;
use shared::ports::{EventLog, NewDeadLetter, Queue, QueueName, Transport};
use std::collections::BTreeMap;
use std::io::BufRead;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const HOSTILE: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    /// What a person reads of it: the text without tags, white space as one space.
    fn text(&self) -> String {
        let mut text = String::new();
        let mut is_tag = false;
        for character in self.body.chars() {
            match character {
                '<' => is_tag = true,
                '>' => {
                    is_tag = false;
                    text.push(' ');
                }
                _ if !is_tag => text.push(character),
                _ => {}
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A running system, and who looks at its page.
struct Seen {
    url: String,
    airtable: u16,
    gemini: u16,
    master: String,
    _serve: Serve,
    data: TempDir,
}

impl Seen {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let serve = Serve::start(data.path(), [0; 4]);
        let left = left_by_serve(data.path()).await;
        let of = |pointer: &str| left.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        let port = |url: String| url.parse::<http::Uri>().unwrap().port_u16().unwrap();
        let seen = Self {
            url: of("/url"),
            airtable: port(of("/simulated/airtable/AIRTABLE_API_URL")),
            gemini: port(of("/simulated/gemini/GEMINI_API_URL")),
            master: of("/simulated/airtable/MASTER_BASE_ID"),
            _serve: serve,
            data,
        };
        seen.get_until("/", |answer| answer.status == StatusCode::OK).await;
        seen
    }

    async fn send(&self, request: http::request::Builder, body: String) -> Result<Answer, String> {
        // As a browser asks.
        let request = request.header("accept", "text/html").body(Bytes::from(body)).unwrap();
        let sent = HttpTransport::new().unwrap().send(request, Duration::from_secs(20)).await;
        let (head, body) = sent.map_err(|error| error.to_string())?.into_parts();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(http::Request::get(format!("{}{path}", self.url)), String::new()).await.unwrap()
    }

    async fn get_until(&self, path: &str, is_it: impl Fn(&Answer) -> bool) -> Answer {
        eventually(Duration::from_secs(60), async || {
            let request = http::Request::get(format!("{}{path}", self.url));
            let answer = self.send(request, String::new()).await?;
            if is_it(&answer) { Ok(answer) } else { Err(answer.text()) }
        })
        .await
    }

    async fn post(&self, path: &str, origin: Option<&str>, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).finish();
        let mut request = http::Request::post(format!("{}{path}", self.url))
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        self.send(request, body).await.unwrap()
    }

    /// Does an action as its form does it: reads the preview, sends its token with these fields.
    async fn act(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let preview = self.get(path).await;
        assert_eq!(preview.status, StatusCode::OK, "{}", preview.text());
        let (_, rest) = preview.body.split_once("name=\"token\" value=\"").unwrap();
        let token = &rest[..32];
        let mut fields = fields.to_vec();
        fields.push(("token", token));
        let path = path.split('?').next().unwrap();
        let done = self.post(path, Some(&self.url), &fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        self.get(done.headers["location"].to_str().unwrap()).await
    }

    /// Fires a harvest for the first invented client, and returns its run once it is over.
    async fn run(&self) -> String {
        let client = World::invent(Size::default()).clients[0].id.to_string();
        let told = self.act("/do/harvest", &[("client", &client)]).await.text();
        let (_, run) = told.split_once("its run will be ").unwrap();
        let run = run.split('.').next().unwrap().to_owned();
        self.get_until(&format!("/run/{run}"), |answer| {
            let text = answer.text();
            text.contains("Completed") && text.contains("record up to date")
        })
        .await;
        run
    }

    async fn rows(&self, base: &str, table: &str) -> Vec<Value> {
        let path = format!("/_sim/bases/{base}/tables/{}", table.replace(' ', "%20"));
        let table = ask("GET", self.airtable, &path, &Value::Null).await;
        table["records"].as_array().unwrap().clone()
    }

    /// The folder's queues and log, as another process opens them.
    fn storage(&self) -> (SqliteQueue, SqliteEventLog) {
        let database = Database::open(&self.data.path().join("runtally.sqlite")).unwrap();
        let queue = SqliteQueue::new(database.clone(), Clock::system(), queue_settings(7));
        (queue, SqliteEventLog::new(database))
    }

    async fn record(&self) -> Value {
        self.rows(&self.master, "Client Run Results").await[0]["fields"].clone()
    }
}

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

#[tokio::test]
async fn a_record_that_was_deleted_or_edited_is_seen_and_heals() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let of_run = format!("/run/{run}");
    let query = format!("?run={run}");
    let before = seen.record().await;

    let field = ("field", "Post Scoring Tokens");
    seen.act(&format!("/do/edit-record{query}"), &[("run", &run), field, ("value", "1")]).await;
    let page = seen.get(&of_run).await.text();
    assert!(page.contains("1 field differs: somebody changed the record"), "{page}");
    assert!(page.contains("≠ (") && page.contains("1 on the record"), "{page}");
    seen.act("/do/tick", &[]).await;
    seen.get_until(&of_run, |answer| answer.text().contains("The record says what the events say"))
        .await;

    seen.act(&format!("/do/delete-record{query}"), &[("run", &run)]).await;
    let page = seen.get(&of_run).await.text();
    assert!(page.contains("There is no record"), "{page}");
    seen.act(&format!("/do/rewrite{query}"), &[("run", &run)]).await;
    seen.get_until(&of_run, |answer| answer.text().contains("The record says what the events say"))
        .await;
    assert_eq!(seen.record().await["Post Scoring Tokens"], before["Post Scoring Tokens"]);
}

#[tokio::test]
async fn a_retry_and_a_scoring_of_what_waits_say_first_what_they_do_and_cost() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let retry = seen.get(&format!("/do/retry?run={run}")).await.text();
    assert!(retry.contains("Does again what failed or is missing: 3 leads."), "{retry}");
    assert!(retry.contains("Cost: about $0."), "{retry}");
    let client = World::invent(Size::default()).clients[1].id.to_string();
    let client: String = url::form_urlencoded::byte_serialize(client.as_bytes()).collect();
    let dry = seen.get(&format!("/do/score?client={client}&kind=profile")).await.text();
    assert!(dry.contains("dry run: ") && dry.contains(" would be scored with about "), "{dry}");
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
        let list = seen.get(&query(other)).await.text();
        assert!(list.contains("No run matches."), "{name}={other}: {list}");
    }
    let by_lead: String = url::form_urlencoded::byte_serialize(lead.as_bytes()).collect();
    let list = seen.get(&format!("/?q={by_lead}")).await.text();
    assert!(list.contains(&run), "{lead}: {list}");
}

#[tokio::test]
async fn a_dead_letter_is_shown_with_its_reason_and_can_be_discarded_or_put_back() {
    let seen = Seen::start().await;
    let run = seen.run().await;
    let (queue, log) = seen.storage();
    let event = log.read(&run.parse().unwrap()).await.unwrap().events[0].clone();
    let letter = |id: &str| NewDeadLetter {
        group: "g".to_owned(),
        message_id: id.to_owned(),
        body: event.clone(),
        reason: "the log was <b>full</b>".to_owned(),
    };
    for id in ["letter-1", "letter-2"] {
        queue.dead_letter(QueueName::Metrics, letter(id)).await.unwrap();
    }
    let system = seen.get("/system").await;
    assert!(system.body.contains("the log was &lt;b&gt;full&lt;/b&gt;"), "{}", system.body);
    assert!(system.text().contains(&format!("run {run}")), "{}", system.text());
    for path in ["/".to_owned(), format!("/run/{run}")] {
        let told = seen.get(&path).await.text();
        assert!(
            told.contains("Given up"),
            "who looks at {path} sees that something is missing: {told}"
        );
        assert!(told.contains("put it back (and 1 more)"), "{told}");
    }

    let of = |id| [("queue", "metrics"), ("id", id)];
    let told = seen.act("/do/discard?queue=metrics&id=letter-1", &of("letter-1")).await.text();
    assert!(told.contains("The dead letter is discarded; its run has a note."), "{told}");
    seen.get_until(&format!("/run/{run}"), |answer| {
        answer.text().contains("a dead letter was discarded from the page")
    })
    .await;
    let told = seen.act("/do/redrive?queue=metrics&id=letter-2", &of("letter-2")).await.text();
    assert!(told.contains("1 dead letter put back."), "{told}");
    assert!(told.contains("No message was given up."), "{told}");
    let gone = seen.get("/do/redrive?queue=metrics&id=letter-1").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.text());
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

/// Opens the page at `of`, of which these parts are on the screen; waits each time for what is sent of it
/// next.
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
    // Whatever the start of the system still changes is sent before.
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

#[tokio::test]
async fn the_page_over_a_system_elsewhere_shows_the_same_runs_and_only_reads() {
    let mut seen = Seen::start().await;
    let run = seen.run().await;
    let mut ui = runtally(seen.data.path(), &["ui", "--port", "0"]);
    let mut ui = ui.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut told = String::new();
    // Kept open: the command says more than one line.
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
