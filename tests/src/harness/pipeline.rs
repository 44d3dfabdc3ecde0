//! The pipeline under test: three functions, three simulated services, one database.

use super::bases::{self, CLIENT_BASE, MASTER_BASE};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use runtally::storage::Database;
use runtally::system::System;
use runtally::system::{ServiceOptions, Services, tokens};
use serde_json::{Value, json};
use shared::adapters::http::HttpTransport;
use shared::core::ids::RunStamp;
use shared::messages::{Fact, MetricsEvent, RunHeader, RunType, routes};
use shared::ports::{Queue, QueueName, Transport};
use shared::schema::leads;
use simulators::apify::{RunSpec, RunStatus};
use simulators::gemini::ServiceAccount;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;

/// The invented token of the pipeline's webhooks.
pub const WEBHOOK_TOKEN: &str = "invented-webhook-token";

/// Longest time of a test, so that one that hangs ends. No test is so slow on any machine.
pub const HANGS_AFTER: Duration = Duration::from_mins(10);

/// A running pipeline with one client.
pub struct Pipeline {
    pub services: Services,
    pub system: System,
    database: Database,
    address: SocketAddr,
    transport: HttpTransport,
}

/// A harvest that Apify finished.
pub struct Harvest {
    pub targets: Vec<String>,
    pub items: Vec<Value>,
    pub status: RunStatus,
}

impl Harvest {
    /// A successful harvest of these profiles.
    pub fn of(names: &[&str], items: Vec<Value>) -> Self {
        let targets = names.iter().map(|name| super::posts::profile(name)).collect();
        Self { targets, items, status: RunStatus::Succeeded }
    }
}

impl Pipeline {
    /// Starts a pipeline. Its client has a rubric and no leads.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a pipeline with two leads and a harvest of their three posts. Every event is
    /// projected at once, even right after the last one. Also returns the Apify run's id.
    pub async fn with_harvest() -> (Self, String) {
        let pipeline = Self::start_with(&[("PROJECT_SECONDS", "0")]).await;
        let apify_run = pipeline.two_leads();
        (pipeline, apify_run)
    }

    /// Adds two leads, and a harvest of their three posts. Returns the Apify run's id.
    pub fn two_leads(&self) -> String {
        for name in ["jane", "max"] {
            self.add_lead(name, json!({}));
        }
        let words = [("jane", 1, "We shipped it."), ("jane", 2, "Again."), ("max", 1, "Hi.")];
        let items = words.map(|(name, n, words)| super::posts::post(name, n, words));
        self.harvest(Harvest::of(&["jane", "max"], items.to_vec()))
    }

    /// Starts a pipeline with these variables added or changed.
    pub async fn start_with(variables: &[(&'static str, &str)]) -> Self {
        let (database, services) = services(ServiceOptions::default()).await;
        Self::start_on(database, services, variables).await
    }

    /// Starts a pipeline whose model is on Vertex AI, with a service account.
    pub async fn start_on_vertex() -> Self {
        Self::start_on_vertex_with(&[]).await
    }

    /// Like [`Self::start_on_vertex`], with these variables set.
    pub async fn start_on_vertex_with(set: &[(&'static str, &str)]) -> Self {
        let options = ServiceOptions { offers_service_account: true, ..ServiceOptions::default() };
        let (database, services) = services(options).await;
        let url = services.gemini_url.clone();
        let token_uri = format!("{url}/token");
        let key = ServiceAccount::invented(&token_uri).key_file(&token_uri);
        let key = key.expect("the invented account").to_string();
        let account = [("VERTEX_SERVICE_ACCOUNT", &*key), ("VERTEX_API_URL", &*url)];
        Self::start_on(database, services, &[&account, set].concat()).await
    }

    /// Starts the functions and the services on the file of a `runtally serve` that had this master
    /// base.
    pub async fn reopen(file: &Path, master_base: &str) -> Self {
        let database = Database::open(file).expect("a database that today's code reads");
        let services = Services::start(&ServiceOptions::default(), &database).await;
        let services = services.expect("free ports for the services");
        Self::serve(database, services, &[("MASTER_BASE_ID", master_base)]).await
    }

    async fn start_on(
        database: Database,
        services: Services,
        variables: &[(&'static str, &str)],
    ) -> Self {
        bases::furnish(services.airtable.service());
        Self::serve(database, services, variables).await
    }

    async fn serve(
        database: Database,
        services: Services,
        variables: &[(&'static str, &str)],
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port has an address");
        let variable = configuration(&services, variables);
        let system = System::start(variable, &database, listener, 7).expect("a system");
        let transport = HttpTransport::new().expect("an HTTP client");
        Self { services, system, database, address, transport }
    }

    /// Stops the functions like a crash, and starts them again on the same database.
    pub async fn crash_and_restart(&mut self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        self.address = listener.local_addr().expect("a bound port has an address");
        let variable = configuration(&self.services, &[]);
        self.system = System::start(variable, &self.database, listener, 8).expect("a system");
    }

    /// Adds a lead to the client's base. Returns its record id.
    pub fn add_lead(&self, name: &str, cells: Value) -> String {
        let row = bases::lead(&super::posts::profile(name), &cells);
        bases::insert(self.services.airtable.service(), CLIENT_BASE, leads::TABLE, row)
    }

    /// Adds a harvest to Apify that finished a minute ago. Returns the Apify run's id.
    pub fn harvest(&self, harvest: Harvest) -> String {
        let finished_at = Timestamp::now() - SignedDuration::from_mins(1);
        self.services.apify.service().add_run(RunSpec {
            status: harvest.status,
            started_at: Some("2026-11-23T09:45:19.821Z".parse().expect("a time")),
            finished_at: Some(finished_at),
            input: json!({"targetUrls": harvest.targets, "maxPosts": 10}),
            items: harvest.items,
            cost_usd: Some(0.074),
            ..RunSpec::default()
        })
    }

    /// Adds the run of a case to Apify, finished a minute ago. Returns the Apify run's id. A case
    /// is the body of a control request to the simulated Apify.
    ///
    /// # Panics
    /// If the body is not such a request.
    pub fn play(&self, body: &str) -> String {
        self.services.apify.service().add_run(ended_now(body))
    }

    /// Resurrects a run, which ends again now according to a case.
    ///
    /// # Panics
    /// If the body is not a control request to the simulated Apify, or the run does not exist.
    pub fn resurrect(&self, apify_run: &str, body: &str) {
        let resurrected = self.services.apify.service().resurrect(apify_run, ended_now(body));
        resurrected.expect("there is such a run");
    }

    /// Posts Apify's default webhook for a run, with this query. Returns status and body.
    pub async fn webhook(&self, apify_run: &str, query: &str) -> (u16, Value) {
        let body = json!({"eventType": "ACTOR.RUN.SUCCEEDED",
            "eventData": {"actorRunId": apify_run}, "resource": {"id": apify_run}});
        self.post(&format!("/webhooks/apify?{query}"), &body.to_string()).await
    }

    /// Posts the webhook of a harvest's `n`th end, with the time of that end, and waits until its
    /// run is over.
    pub async fn ended(&self, apify_run: &str, n: u32) {
        let finished_at = format!("2026-11-23T10:0{n}:00.000Z");
        let body = json!({"eventType": "ACTOR.RUN.SUCCEEDED",
            "eventData": {"actorRunId": apify_run},
            "resource": {"id": apify_run, "finishedAt": finished_at}});
        let path = format!("/webhooks/apify?clientId={}", bases::CLIENT);
        let (status, body) = self.post(&path, &body.to_string()).await;
        assert_eq!(status, 202, "{body}");
        self.settle().await;
    }

    /// Posts the webhook of a harvest of the client, and waits until its run is over.
    pub async fn run(&self, apify_run: &str) {
        self.run_by(apify_run, &format!("clientId={}", bases::CLIENT)).await;
    }

    /// Posts the webhook of a harvest with this query, and waits until its run is over.
    pub async fn run_by(&self, apify_run: &str, query: &str) {
        let (status, body) = self.webhook(apify_run, query).await;
        assert_eq!(status, 202, "{body}");
        self.settle().await;
    }

    /// Starts a pipeline with a lead of each name and a harvest of these posts. Also returns the
    /// leads' record ids and the Apify run's id.
    pub async fn with_posts<const N: usize>(
        names: [&str; N],
        items: Vec<Value>,
    ) -> (Self, [String; N], String) {
        let pipeline = Self::start().await;
        let leads = names.map(|name| pipeline.add_lead(name, json!({})));
        let apify_run = pipeline.harvest(Harvest::of(&names, items));
        (pipeline, leads, apify_run)
    }

    /// Posts a body with the pipeline's token. Returns status and body of the answer.
    pub async fn post(&self, path_and_query: &str, body: &str) -> (u16, Value) {
        let token = format!("Bearer {WEBHOOK_TOKEN}");
        self.send("POST", path_and_query, &[("authorization", &token)], body).await
    }

    /// Sends any request to the webhook's port. Returns status and body of the answer.
    pub async fn send(
        &self,
        method: &str,
        path_and_query: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, Value) {
        let uri = format!("http://{}{path_and_query}", self.address);
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from(body.to_owned())).expect("a request");
        let response = self.transport.send(request, HANGS_AFTER).await.expect("an answer");
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), body)
    }

    /// Waits until no work is left.
    pub async fn settle(&self) {
        let idle = self.system.queue.idle();
        let idle = tokio::time::timeout(HANGS_AFTER, idle).await;
        idle.expect("the queues run empty").expect("the queues can be read");
    }

    /// Sends a tick, and waits until everything that it began is done.
    pub async fn tick(&self) {
        self.send_tick().await;
        self.settle().await;
    }

    pub async fn send_tick(&self) {
        let master = MASTER_BASE.parse().expect("a base id");
        let tick = routes::tick(&master, Timestamp::now());
        self.system.queue.send(QueueName::Metrics, vec![tick]).await.expect("the queue takes it");
    }

    /// Sends facts about the run named by a harvest's start, like the scoring function.
    pub async fn report(&self, facts: Vec<Fact>) {
        let run_stamp: RunStamp = "261123-094519".parse().expect("a base run id");
        let at = Timestamp::now();
        let run = RunHeader {
            run_stamp,
            client: bases::CLIENT.parse().expect("a client id"),
            client_name: "Guy Wilson".to_owned(),
            run_type: RunType::Standalone,
            opened_at: at,
        };
        let master = MASTER_BASE.parse().expect("a base id");
        let messages = facts
            .into_iter()
            .map(|fact| routes::event(&MetricsEvent { run: run.clone(), at, fact }, &master));
        let messages = messages.collect();
        self.system.queue.send(QueueName::Metrics, messages).await.expect("the queue takes them");
        self.settle().await;
    }
}

/// The run of a case, with times that fit the machine's clock.
fn ended_now(body: &str) -> RunSpec {
    let spec = RunSpec::read(body.as_bytes()).expect("a control request");
    let finished_at = Some(Timestamp::now() - SignedDuration::from_mins(1));
    let started_at = Some("2026-11-23T09:45:19.821Z".parse().expect("a time"));
    RunSpec { started_at, finished_at, cost_usd: spec.cost_usd.or(Some(0.074)), ..spec }
}

async fn services(options: ServiceOptions) -> (Database, Services) {
    let database = Database::in_memory().expect("a database in memory");
    let services = Services::start(&options, &database).await.expect("free ports for the services");
    (database, services)
}

fn configuration(
    services: &Services,
    set: &[(&'static str, &str)],
) -> impl Fn(&'static str) -> Option<String> + use<> {
    let mut values: Vec<(&'static str, String)> =
        set.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    values.extend([
        ("WEBHOOK_TOKEN", WEBHOOK_TOKEN.to_owned()),
        ("AIRTABLE_API_URL", services.airtable_url.clone()),
        ("AIRTABLE_TOKEN", tokens::AIRTABLE.to_owned()),
        ("MASTER_BASE_ID", MASTER_BASE.to_owned()),
        ("APIFY_API_URL", services.apify_url.clone()),
        ("APIFY_TOKEN", tokens::APIFY.to_owned()),
        ("GEMINI_API_URL", services.gemini_url.clone()),
        ("GEMINI_API_KEY", tokens::GEMINI.to_owned()),
    ]);
    move |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
}
