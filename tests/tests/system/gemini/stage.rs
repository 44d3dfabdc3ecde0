//! Plays a case: the real functions on paused time, over a Gemini that answers as the case says.

use super::fake_gemini::{Case, FakeGemini, SeenCall};
use lambda_http::http::Request;
use lambda_http::{Body, http};
use metrics_finalizer::Adapters;
use runtally::storage::{Database, SqliteEventLog, SqliteQueue};
use runtally::system::{Functions, queue_settings, start_functions};
use serde_json::{Map, Value, json};
use shared::core::clock::Clock;
use shared::ports::{Env, HttpRequest, HttpResponse, Transport, TransportError};
use shared::schema::{clients, run_record};
use simulators::airtable::{Airtable, AirtableOptions, Token};
use simulators::apify::{Apify, ApifyOptions, DEFAULT_ACTOR, HttpSender, RunSpec};
use simulators::{Answer, NoStore, Simulated};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tests::{CLIENT, CLIENT_BASE, MASTER_BASE, WEBHOOK_TOKEN, furnish, lead_row, post, profile};
use webhook_intake::Intake;

/// The services, reached in process by host name.
#[derive(Clone)]
pub(crate) struct Services {
    airtable: Arc<Simulated<Airtable>>,
    apify: Arc<Simulated<Apify>>,
    gemini: Arc<Simulated<FakeGemini>>,
}

impl Transport for Services {
    async fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let answer = async {
            match host.as_str() {
                "airtable.invalid" => self.airtable.call(request).await,
                "apify.invalid" => self.apify.call(request).await,
                _ => self.gemini.call(request).await,
            }
        };
        match tokio::time::timeout(timeout, answer).await {
            Ok(Answer::Reply(response)) => Ok(response),
            Ok(Answer::Lost) | Err(_) => {
                Err(TransportError::AnswerLost { host, reason: "timed out".to_owned() })
            }
        }
    }
}

/// A case that is being played.
pub(crate) struct Stage {
    pub(crate) case: Case,
    services: Services,
    intake: Intake<SqliteQueue>,
    leads: Vec<String>,
    harvests: usize,
    _functions: Functions,
}

impl Env for Stage {
    type Transport = Services;
    type Queue = SqliteQueue;
    type EventLog = SqliteEventLog;
}

pub(crate) fn case(name: &str) -> Case {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/gemini");
    let text = std::fs::read_to_string(folder.join(name).with_extension("json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn variables(case: &Case) -> BTreeMap<String, String> {
    let fixed = [
        ("WEBHOOK_TOKEN", WEBHOOK_TOKEN),
        ("AIRTABLE_API_URL", "https://airtable.invalid"),
        ("APIFY_API_URL", "https://apify.invalid/v2"),
        ("GEMINI_API_URL", "https://gemini.invalid"),
        ("AIRTABLE_TOKEN", "invented"),
        ("APIFY_TOKEN", "invented"),
        ("GEMINI_API_KEY", "invented"),
        ("MASTER_BASE_ID", MASTER_BASE),
        ("APIFY_ACTORS", DEFAULT_ACTOR),
        ("PROJECT_SECONDS", "1"),
    ];
    let mut all = case.env.clone();
    all.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    all
}

fn services(case: &Case, clock: &Clock) -> Services {
    let now = clock.clone();
    let clock = simulators::Clock::new(move || now.now());
    let tokens = vec!["invented".to_owned()];
    let options = AirtableOptions { tokens: vec![Token::full("invented")], ..Default::default() };
    let airtable = Airtable::new(options, clock.clone(), Arc::new(NoStore), 1).unwrap();
    let options = ApifyOptions { tokens, ..ApifyOptions::default() };
    let apify = Apify::new(options, clock, Arc::new(NoStore), Arc::new(HttpSender::new()));
    Services {
        airtable: Arc::new(Simulated::new(airtable, 1)),
        apify: Arc::new(Simulated::new(apify, 1)),
        gemini: Arc::new(Simulated::new(FakeGemini::new(case.steps.clone()), 1)),
    }
}

impl Stage {
    /// Starts a case: its leads are in the client's base.
    pub(crate) fn set(case: Case) -> Self {
        let clock = Clock::following_tokio("2026-11-28T10:00:00Z".parse().unwrap());
        let services = services(&case, &clock);
        furnish(services.airtable.service());
        let database = Database::in_memory().unwrap();
        let queue = SqliteQueue::new(database.clone(), clock.clone(), queue_settings(1));
        let log = SqliteEventLog::new(database);
        let adapters: Adapters<Self> = Adapters { transport: services.clone(), queue, log };
        let variables = variables(&case);
        let variable = move |name: &'static str| variables.get(name).cloned();
        let (intake, functions) = start_functions(&variable, adapters, &clock, 1).unwrap();
        let mut stage =
            Self { case, services, intake, leads: Vec::new(), harvests: 0, _functions: functions };
        stage.leads = stage.add_leads("case", stage.case.leads);
        stage
    }

    /// Gives the client a limit of tokens for each run.
    pub(crate) fn limit(&self, tokens: u64) {
        let airtable = self.services.airtable.service();
        let rows = airtable.rows(MASTER_BASE, clients::TABLE).unwrap();
        let row = rows.iter().find(|row| row.fields[clients::CLIENT_ID] == CLIENT).unwrap();
        let cells = json!({clients::POST_TOKEN_LIMIT: tokens}).as_object().unwrap().clone();
        airtable.edit(MASTER_BASE, clients::TABLE, &row.id, cells).unwrap();
    }

    pub(crate) fn gemini(&self) -> &FakeGemini {
        self.services.gemini.service()
    }

    fn add_leads(&self, name: &str, count: usize) -> Vec<String> {
        let rows = (0..count).map(|n| lead_row(&format!("{name}{n}")).as_object().unwrap().clone());
        self.services.airtable.service().insert_all(CLIENT_BASE, "Leads", rows.collect()).unwrap()
    }

    /// Posts the webhook of a harvest with a post of each of these leads.
    async fn harvest(&mut self, name: &str, words: impl Fn(usize) -> String) {
        let names: Vec<String> = (0..self.case.leads).map(|n| format!("{name}{n}")).collect();
        let targets: Vec<String> = names.iter().map(|name| profile(name)).collect();
        self.harvests += 1;
        let started_at = format!("2026-11-28T0{}:45:19Z", self.harvests);
        let apify_run = self.services.apify.service().add_run(RunSpec {
            started_at: Some(started_at.parse().unwrap()),
            finished_at: Some("2026-11-28T09:59:00Z".parse().unwrap()),
            input: json!({"targetUrls": targets}),
            items: names.iter().enumerate().map(|(n, name)| post(name, 1, &words(n))).collect(),
            cost_usd: Some(0.01),
            ..RunSpec::default()
        });
        let body = json!({"eventType": "ACTOR.RUN.SUCCEEDED", "resource": {"id": apify_run}});
        self.post("/webhooks/apify?clientId=Guy-Wilson", &body).await;
    }

    /// Posts the harvest of the case.
    pub(crate) async fn begin(&mut self) {
        let contents = self.case.contents.clone();
        let words = move |n: usize| {
            let plain = || format!("Post of lead {n}: we moved twelve reports and saved a day.");
            contents.get(&n).cloned().unwrap_or_else(plain)
        };
        self.harvest("case", words).await;
    }

    /// Posts a harvest of other leads of the same client, of whom nothing is odd.
    pub(crate) async fn begin_another(&mut self) {
        self.add_leads("more", self.case.leads);
        self.harvest("more", |n| format!("Post {n} about saving a day.")).await;
    }

    /// Asks for the leads that wait.
    pub(crate) async fn score_waiting(&self) {
        let body = json!({"clientId": "Guy-Wilson", "kind": "post", "leadIds": self.leads});
        self.post("/runs", &body).await;
    }

    async fn post(&self, path: &str, body: &Value) {
        let request = Request::post(path)
            .header(http::header::AUTHORIZATION, format!("Bearer {WEBHOOK_TOKEN}"))
            .body(Body::Text(body.to_string()))
            .unwrap();
        let status = webhook_intake::handle(&self.intake, request).await.status();
        assert_eq!(status.as_u16(), 202);
    }

    /// Waits until there are so many run records and all of their runs are over.
    pub(crate) async fn ends(&self, runs: usize) {
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let records = self.records();
            let is_over = |record: &Map<String, Value>| {
                let status = record.get(run_record::STATUS).and_then(Value::as_str);
                status.is_some_and(|status| status != "Running")
            };
            if records.len() == runs && records.iter().all(is_over) {
                tokio::time::sleep(Duration::from_secs(5)).await;
                return;
            }
        }
        panic!("it goes on for ten minutes: {:#?}", self.records());
    }

    /// The run records, the oldest run first.
    pub(crate) fn records(&self) -> Vec<Map<String, Value>> {
        let airtable = self.services.airtable.service();
        let rows = airtable.rows(MASTER_BASE, run_record::TABLE).unwrap();
        let mut records: Vec<_> = rows.into_iter().map(|row| row.fields).collect();
        records.sort_by_key(|record| record[run_record::RUN_ID].to_string());
        records
    }

    /// A text on the first run's record.
    pub(crate) fn text(&self, field: &str) -> String {
        let record = self.records().remove(0);
        record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The rows of the leads of the case, in their order.
    pub(crate) fn leads(&self) -> Vec<Map<String, Value>> {
        let rows = self.services.airtable.service().rows(CLIENT_BASE, "Leads").unwrap();
        let of = |id: &String| rows.iter().find(|row| row.id == *id).unwrap().fields.clone();
        self.leads.iter().map(of).collect()
    }

    /// All runs' tokens and cost are what was billed, to the billionth of a dollar.
    #[track_caller]
    pub(crate) fn assert_exact(&self) {
        let bills: Vec<[u64; 4]> = self.calls().iter().filter_map(|call| call.bill).collect();
        let [input, cached, output] = self.case.price;
        let cost: u64 = bills
            .iter()
            .map(|[all, hit, out, _]| (all - hit) * input + hit * cached + out * output)
            .sum();
        let tokens: u64 = bills.iter().map(|bill| bill[3]).sum();
        let sum = |field: &str| -> f64 {
            self.records().iter().filter_map(|record| record.get(field)?.as_f64()).sum()
        };
        assert_eq!(sum(run_record::POST_TOKENS), tokens as f64, "tokens");
        let recorded = sum(run_record::AI_COST);
        assert!((recorded - cost as f64 / 1e9).abs() < 1e-9, "{recorded}, not {cost} billionths");
    }

    pub(crate) fn calls(&self) -> Vec<SeenCall> {
        self.gemini().seen()
    }
}
