//! A running system, and a client of its page.

use crate::serve::{Serve, ask, eventually, left_by_serve};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use runtally::invented::{Size, World};
use runtally::storage::{Database, SqliteEventLog, SqliteQueue};
use runtally::system::queue_settings;
use serde_json::Value;
use shared::adapters::http::HttpTransport;
use shared::core::clock::Clock;
use shared::ports::Transport;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// What a person reads: the text without tags, with white space as single spaces.
    pub(crate) fn text(&self) -> String {
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

/// A running system, and a client of its page.
pub(crate) struct Seen {
    pub(crate) url: String,
    pub(crate) airtable: u16,
    pub(crate) gemini: u16,
    pub(crate) master: String,
    pub(crate) _serve: Serve,
    pub(crate) data: TempDir,
}

impl Seen {
    pub(crate) async fn start() -> Self {
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

    pub(crate) async fn send(
        &self,
        request: http::request::Builder,
        body: String,
    ) -> Result<Answer, String> {
        // As a browser sends it.
        let request = request.header("accept", "text/html").body(Bytes::from(body)).unwrap();
        let sent = HttpTransport::new().unwrap().send(request, Duration::from_secs(20)).await;
        let (head, body) = sent.map_err(|error| error.to_string())?.into_parts();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(http::Request::get(format!("{}{path}", self.url)), String::new()).await.unwrap()
    }

    pub(crate) async fn get_until(&self, path: &str, is_it: impl Fn(&Answer) -> bool) -> Answer {
        eventually(Duration::from_secs(60), async || {
            let request = http::Request::get(format!("{}{path}", self.url));
            let answer = self.send(request, String::new()).await?;
            if is_it(&answer) { Ok(answer) } else { Err(answer.text()) }
        })
        .await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        origin: Option<&str>,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).finish();
        let mut request = http::Request::post(format!("{}{path}", self.url))
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        self.send(request, body).await.unwrap()
    }

    /// The secret of the process, which its forms carry.
    pub(crate) async fn token(&self) -> String {
        let preview = self.get("/do/tick").await;
        let (_, rest) = preview.body.split_once("name=\"token\" value=\"").unwrap();
        rest[..32].to_owned()
    }

    /// Does an action as its form does: reads the preview, and sends its token with these fields.
    pub(crate) async fn act(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
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

    /// Fires a harvest for the first invented client. Returns its run when it is over.
    pub(crate) async fn run(&self) -> String {
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

    pub(crate) async fn rows(&self, base: &str, table: &str) -> Vec<Value> {
        let path = format!("/_sim/bases/{base}/tables/{}", table.replace(' ', "%20"));
        let table = ask("GET", self.airtable, &path, &Value::Null).await;
        table["records"].as_array().unwrap().clone()
    }

    /// Opens the folder's queues and log as another process would.
    pub(crate) fn storage(&self) -> (SqliteQueue, SqliteEventLog) {
        let database = Database::open(&self.data.path().join("runtally.sqlite")).unwrap();
        let queue = SqliteQueue::new(database.clone(), Clock::system(), queue_settings(7));
        (queue, SqliteEventLog::new(database))
    }

    pub(crate) async fn record(&self) -> Value {
        self.rows(&self.master, "Client Run Results").await[0]["fields"].clone()
    }
}
