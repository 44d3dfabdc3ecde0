//! A small agency with one client: simulated services, the functions over one file, and the command
//! as a process.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use runtally::invented::table_spec;
use runtally::storage::{Database, SqliteQueue};
use runtally::system::{Ports, ServiceOptions, Services, System, queue_settings};
use serde_json::{Map, Value, json};
use shared::adapters::http::HttpTransport;
use shared::core::clock::Clock;
use shared::ports::Transport;
use shared::schema::{
    CLIENT_BASE, MASTER_BASE, Table, clients, leads, post_attributes, post_instructions, run_record,
};
use simulators::airtable::{Airtable, Row, TableSpec, ViewSpec};
use simulators::apify::{RunSpec, RunStatus};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const MASTER: &str = "appMaster00000001";
pub(crate) const BASE: &str = "appClient00000001";
pub(crate) const CLIENT: &str = "Guy-Wilson";
pub(crate) const RUN: &str = "261123-094519-Guy-Wilson";
const WEBHOOK_TOKEN: &str = "invented-webhook-token";

pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) data: TempDir,
    database: Database,
    running: Option<(System, SocketAddr)>,
    /// Variables that override those of the command's environment.
    pub(crate) variables: BTreeMap<&'static str, String>,
}

pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) errors: String,
}

impl World {
    /// Two bases without tables, and no function running. Airtable's limit is off, because
    /// functions and commands each keep it only for themselves, and a test runs both without a
    /// pause.
    pub(crate) async fn empty() -> Self {
        let data = tempfile::tempdir().unwrap();
        let database = Database::open(&data.path().join("runtally.sqlite")).unwrap();
        let ports = Ports { airtable: 0, apify: 0, gemini: 0 };
        let options = ServiceOptions { ports, rate_limit: false, ..ServiceOptions::default() };
        let services = Services::start(&options, &Database::in_memory().unwrap()).await.unwrap();
        for (base, name) in [(MASTER, "Master"), (BASE, "Guy Wilson")] {
            services.airtable.service().add_base(base, name).unwrap();
        }
        Self { services, data, database, running: None, variables: BTreeMap::new() }
    }

    /// Both bases as they should be, with a client and its rubric, and the functions running.
    pub(crate) async fn sound() -> Self {
        let mut world = Self::empty().await;
        for table in &MASTER_BASE {
            world.make(MASTER, spec(table));
        }
        for table in &CLIENT_BASE {
            world.make(BASE, spec(table));
        }
        world.add_client(CLIENT, BASE);
        world.add_rubric();
        world.start().await;
        world
    }

    pub(crate) fn airtable(&self) -> &Airtable {
        self.services.airtable.service()
    }

    pub(crate) fn make(&self, base: &str, table: TableSpec) {
        self.airtable().add_table(base, table).unwrap();
    }

    pub(crate) fn insert(&self, base: &str, table: &str, row: Value) -> String {
        self.airtable().insert(base, table, cells(row)).unwrap()
    }

    /// Adds a client whose leads' profiles and posts are scored.
    pub(crate) fn add_client(&self, id: &str, base: &str) {
        self.add_client_of_level(id, base, "2-Lead and post scoring");
    }

    pub(crate) fn add_rubric(&self) {
        let text = json!({post_instructions::COMPONENT_ID: post_instructions::SCORING_HEADER,
            post_instructions::TEXT: "Score each post.", post_instructions::SORT_ORDER: 1});
        self.insert(BASE, post_instructions::TABLE, text);
        let criterion = json!({post_attributes::ID: "A", post_attributes::NAME: "Builds",
            post_attributes::CATEGORY: post_attributes::POSITIVE, post_attributes::MAX_SCORE: 100,
            post_attributes::ACTIVE: true});
        self.insert(BASE, post_attributes::TABLE, criterion);
    }

    pub(crate) async fn start(&mut self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut variables = self.configuration();
        variables.insert("PROJECT_SECONDS", "0".to_owned());
        let read = move |name| variables.get(name).cloned();
        let system = System::start(read, &self.database, listener, 7).unwrap();
        self.running = Some((system, address));
    }

    pub(crate) fn system(&self) -> &System {
        &self.running.as_ref().unwrap().0
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.running.as_ref().unwrap().1)
    }

    fn configuration(&self) -> BTreeMap<&'static str, String> {
        let mut variables = BTreeMap::from(self.services.variables(MASTER));
        variables.insert("WEBHOOK_TOKEN", WEBHOOK_TOKEN.to_owned());
        variables
    }

    /// `runtally` with these arguments, separated by spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runtally"));
        command.args(arguments.split(' ')).arg("--data").arg(self.data.path());
        command.env_clear().envs(self.configuration()).envs(&self.variables);
        command
    }

    /// Runs `runtally` with these arguments, separated by spaces.
    pub(crate) async fn runtally(&self, arguments: &str) -> Answer {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Answer {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The exit code and the JSON answer of a command.
    pub(crate) async fn json(&self, arguments: &str) -> (i32, Value) {
        let Answer { code, out, errors } = self.runtally(&format!("{arguments} --json")).await;
        let json = serde_json::from_str(&out);
        (code, json.unwrap_or_else(|error| panic!("{error}: {out}{errors}")))
    }

    /// The exit code of `runtally doctor` and its answer.
    pub(crate) async fn doctor(&self) -> (i32, Value) {
        self.json(&format!("doctor --url {}", self.url())).await
    }

    /// Adds an active client with this base and service level.
    pub(crate) fn add_client_of_level(&self, id: &str, base: &str, level: &str) {
        let row = json!({clients::CLIENT_ID: id, clients::CLIENT_NAME: id,
            clients::STATUS: clients::ACTIVE, clients::BASE_ID: base,
            clients::SERVICE_LEVEL: level});
        self.insert(MASTER, clients::TABLE, row);
    }

    pub(crate) fn add_lead(&self, name: &str) -> String {
        self.insert(BASE, leads::TABLE, json!({leads::PROFILE_URL: profile(name)}))
    }

    /// Adds a finished harvest of these posts to Apify. Returns the Apify run.
    pub(crate) fn harvest(&self, posts: &[(&str, &str)]) -> String {
        let targets: Vec<String> = posts.iter().map(|(name, _)| profile(name)).collect();
        self.services.apify.service().add_run(RunSpec {
            status: RunStatus::Succeeded,
            started_at: Some("2026-11-23T09:45:19.821Z".parse().unwrap()),
            finished_at: Some(Timestamp::now() - SignedDuration::from_mins(1)),
            input: json!({"targetUrls": targets, "maxPosts": 10}),
            items: posts.iter().map(|(name, words)| post(name, words)).collect(),
            cost_usd: Some(0.004),
            ..RunSpec::default()
        })
    }

    /// Posts Apify's webhook for a run and waits until the queues are idle.
    pub(crate) async fn run(&self, apify_run: &str) {
        self.webhook(apify_run).await;
        self.settle().await;
    }

    /// Stops the functions like a crash.
    pub(crate) fn stop(&mut self) {
        self.running = None;
    }

    /// The queues, without any function.
    pub(crate) fn queue(&self) -> SqliteQueue {
        SqliteQueue::new(self.database.clone(), Clock::system(), queue_settings(7))
    }

    /// Posts Apify's webhook for a run.
    pub(crate) async fn webhook(&self, apify_run: &str) {
        self.webhook_with(apify_run, "").await;
    }

    /// Posts Apify's webhook for a run, with `more` in its query.
    pub(crate) async fn webhook_with(&self, apify_run: &str, more: &str) {
        let body = json!({"eventType": "ACTOR.RUN.SUCCEEDED", "resource": {"id": apify_run},
            "eventData": {"actorRunId": apify_run}});
        let request =
            http::Request::post(format!("{}/webhooks/apify?clientId={CLIENT}{more}", self.url()))
                .header("authorization", format!("Bearer {WEBHOOK_TOKEN}"))
                .body(Bytes::from(body.to_string()))
                .unwrap();
        let transport = HttpTransport::new().unwrap();
        let answer = transport.send(request, Duration::from_secs(10)).await.unwrap();
        assert_eq!(answer.status(), 202);
    }

    pub(crate) async fn settle(&self) {
        let idle = self.system().queue.idle();
        tokio::time::timeout(Duration::from_secs(60), idle).await.unwrap().unwrap();
    }

    pub(crate) fn records(&self) -> Vec<Row> {
        self.airtable().rows(MASTER, run_record::TABLE).unwrap()
    }

    /// The fields of the only record, as soon as its run has ended.
    pub(crate) async fn ended_record(&self) -> Map<String, Value> {
        let is_ended = |row: &&Row| row.fields[run_record::STATUS] != "Running";
        tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                if let Some(row) = self.records().iter().find(is_ended) {
                    return row.fields.clone();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap()
    }

    pub(crate) fn record(&self) -> Row {
        let mut records = self.records();
        assert_eq!(records.len(), 1, "{records:#?}");
        records.remove(0)
    }

    /// Changes a cell of the only run record, as a person would.
    pub(crate) fn edit_record(&self, field: &str, value: Value) {
        let id = self.record().id;
        self.airtable().edit(MASTER, run_record::TABLE, &id, cells(json!({field: value}))).unwrap();
    }
}

pub(crate) fn cells(row: Value) -> Map<String, Value> {
    row.as_object().unwrap().clone()
}

pub(crate) fn spec(table: &Table) -> TableSpec {
    let mut spec = table_spec(table);
    if table.name == leads::TABLE {
        spec.views = vec![ViewSpec::all("Grid view"), ViewSpec::all(leads::WAITING_VIEW)];
    }
    spec
}

fn profile(name: &str) -> String {
    format!("https://www.linkedin.com/in/{name}/")
}

fn post(name: &str, words: &str) -> Value {
    let number: u64 = words.bytes().fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 900_000);
    let id = 7_329_207_003_942_000_000 + number;
    json!({
        "type": "post", "id": id.to_string(),
        "linkedinUrl": format!("https://www.linkedin.com/posts/{name}_words-activity-{id}-abcd"),
        "content": words,
        "author": {"type": "profile", "name": name, "publicIdentifier": name,
            "linkedinUrl": format!("https://www.linkedin.com/in/{name}")},
        "postedAt": {"timestamp": 1_795_427_119_821_u64, "date": "2026-11-20T09:45:19.821Z"},
        "engagement": {"likes": 3, "comments": 1, "shares": 0},
        "postImages": [], "query": {"targetUrl": profile(name), "page": "1"},
    })
}
