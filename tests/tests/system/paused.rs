//! The real functions, queues and event log on paused time, over simulated services in process:
//! hours pass in seconds. All tests share one `Env`, because each further one would compile the
//! functions again.

use crate::counted_log::CountedLog;
use crate::fake_gemini::FakeGemini;
use lambda_http::http::Request;
use lambda_http::{Body, http};
use metrics_finalizer::Adapters;
use runtally::storage::{Database, SqliteEventLog, SqliteQueue};
use runtally::system::{Functions, queue_settings, start_functions};
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::ports::{Env, HttpRequest, HttpResponse, QueueName, Transport, TransportError};
use shared::schema::run_record;
use simulators::airtable::{Airtable, AirtableOptions, Token};
use simulators::apify::{Apify, ApifyOptions, DEFAULT_ACTOR, HttpSender, RunSpec};
use simulators::gemini::{Gemini, GeminiOptions};
use simulators::{Answer, FaultRule, NoStore, RequestCount, Simulated};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::{CLIENT, CLIENT_BASE, MASTER_BASE, WEBHOOK_TOKEN, furnish, lead_row, post, profile};
use webhook_intake::Intake;

/// The services, reached in process by host name.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) airtable: Arc<Simulated<Airtable>>,
    pub(crate) apify: Arc<Simulated<Apify>>,
    pub(crate) gemini: Arc<Simulated<Gemini>>,
    /// A replacement for Gemini, if any.
    pub(crate) fake_gemini: Option<Arc<Simulated<FakeGemini>>>,
    /// The requested paths, in order.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Transport for Services {
    async fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        self.asked.lock().unwrap().push(request.uri().path().to_owned());
        let answer = async {
            match (host.as_str(), &self.fake_gemini) {
                ("airtable.invalid", _) => self.airtable.call(request).await,
                ("apify.invalid", _) => self.apify.call(request).await,
                (_, Some(fake)) => fake.call(request).await,
                (_, None) => self.gemini.call(request).await,
            }
        };
        let lost = |reason: &str| TransportError::AnswerLost {
            host: host.clone(),
            reason: reason.to_owned(),
        };
        match tokio::time::timeout(timeout, answer).await {
            Ok(Answer::Reply(response)) => Ok(response),
            Ok(Answer::Lost) => Err(lost("the connection broke")),
            Err(_elapsed) => Err(lost("timed out")),
        }
    }
}

impl Env for World {
    type Transport = Services;
    type Queue = SqliteQueue;
    type EventLog = CountedLog;
}

/// The whole system on tokio's time.
pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) queue: SqliteQueue,
    pub(crate) database: Database,
    intake: Intake<SqliteQueue>,
    _functions: Functions,
}

pub(crate) fn variable(name: &'static str) -> Option<String> {
    let value = match name {
        "WEBHOOK_TOKEN" => WEBHOOK_TOKEN,
        "AIRTABLE_API_URL" => "https://airtable.invalid",
        "APIFY_API_URL" => "https://apify.invalid/v2",
        "GEMINI_API_URL" => "https://gemini.invalid",
        "AIRTABLE_TOKEN" | "APIFY_TOKEN" | "GEMINI_API_KEY" => "invented",
        "MASTER_BASE_ID" => MASTER_BASE,
        "APIFY_ACTORS" => DEFAULT_ACTOR,
        _ => return None,
    };
    Some(value.to_owned())
}

pub(crate) fn services(clock: &Clock) -> Services {
    services_that_take(Duration::from_millis(150), Duration::from_secs(3), clock)
}

/// Services in which Airtable and the model take this long to answer.
pub(crate) fn services_that_take(airtable: Duration, model: Duration, clock: &Clock) -> Services {
    let now = clock.clone();
    let clock = simulators::Clock::new(move || now.now());
    let airtable = AirtableOptions {
        tokens: vec![Token::full("invented")],
        latency: airtable,
        ..AirtableOptions::default()
    };
    let airtable = Airtable::new(airtable, clock.clone(), Arc::new(NoStore), 1).unwrap();
    let tokens = vec!["invented".to_owned()];
    let apify = ApifyOptions { tokens: tokens.clone(), ..ApifyOptions::default() };
    let sender = Arc::new(HttpSender::new());
    let apify = Apify::new(apify, clock.clone(), Arc::new(NoStore), sender);
    let gemini = GeminiOptions { api_keys: tokens, latency: model, ..GeminiOptions::default() };
    let gemini = Gemini::new(gemini, clock, Arc::new(NoStore));
    Services {
        airtable: Arc::new(Simulated::new(airtable, 1)),
        apify: Arc::new(Simulated::new(apify, 1)),
        gemini: Arc::new(Simulated::new(gemini, 1)),
        fake_gemini: None,
        asked: Arc::default(),
    }
}

/// The adapters of a system with this clock, over furnished bases and an empty database.
pub(crate) fn adapters(clock: &Clock) -> Adapters<World> {
    let transport = services(clock);
    furnish(transport.airtable.service());
    let database = Database::in_memory().unwrap();
    let queue = SqliteQueue::new(database.clone(), clock.clone(), queue_settings(1));
    Adapters { transport, queue, log: CountedLog::new(SqliteEventLog::new(database)) }
}

pub(crate) fn clock() -> Clock {
    Clock::following_tokio("2026-11-23T10:00:00Z".parse().unwrap())
}

impl World {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts with these additional variables.
    pub(crate) fn start_with(set: &[(&str, &str)]) -> Self {
        let clock = clock();
        let services = services(&clock);
        furnish(services.airtable.service());
        Self::start_on(services, Database::in_memory().unwrap(), &clock, set)
    }

    /// Starts on existing services and an existing database, on a machine with this clock.
    pub(crate) fn start_on(
        services: Services,
        database: Database,
        clock: &Clock,
        set: &[(&str, &str)],
    ) -> Self {
        let queue = SqliteQueue::new(database.clone(), clock.clone(), queue_settings(1));
        QueueName::ALL.into_iter().for_each(|name| queue.release(name).unwrap());
        let log = CountedLog::new(SqliteEventLog::new(database.clone()));
        let transport = services.clone();
        let adapters = Adapters::<Self> { transport, queue: queue.clone(), log };
        let value = |name| {
            let set = set.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned()).or_else(|| variable(name))
        };
        let (intake, functions) = start_functions(&value, adapters, clock, 1).unwrap();
        Self { services, queue, database, intake, _functions: functions }
    }

    /// Adds leads. Returns their record ids.
    pub(crate) fn add_leads(&self, names: &[String]) -> Vec<String> {
        let rows = names.iter().map(|name| lead_row(name).as_object().unwrap().clone());
        self.services.airtable.service().insert_all(CLIENT_BASE, "Leads", rows.collect()).unwrap()
    }

    /// Adds leads, and a harvest with a post of each. Returns the Apify run's id.
    pub(crate) fn harvest(&self, names: &[String]) -> String {
        self.add_leads(names);
        self.harvest_of("2026-11-23T09:45:19Z", names, |_| "Some words.".to_owned())
    }

    /// Adds a harvest that started at this time, with one post of each of these leads. Returns the
    /// Apify run's id.
    pub(crate) fn harvest_of(
        &self,
        started_at: &str,
        names: &[String],
        words: impl Fn(usize) -> String,
    ) -> String {
        let targets: Vec<String> = names.iter().map(|name| profile(name)).collect();
        self.services.apify.service().add_run(RunSpec {
            started_at: Some(started_at.parse().unwrap()),
            finished_at: Some("2026-11-23T09:59:00Z".parse().unwrap()),
            input: json!({"targetUrls": targets}),
            items: names.iter().enumerate().map(|(n, name)| post(name, 1, &words(n))).collect(),
            cost_usd: Some(1.0),
            ..RunSpec::default()
        })
    }

    /// Posts the webhook of a harvest. Returns the answer's status.
    pub(crate) async fn webhook(&self, apify_run: &str) -> u16 {
        let body = json!({"eventType": "ACTOR.RUN.SUCCEEDED", "resource": {"id": apify_run}});
        self.post(&format!("/webhooks/apify?clientId={CLIENT}"), &body).await
    }

    /// Posts a body with the webhook's token. Returns the answer's status.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> u16 {
        let request = Request::post(path)
            .header(http::header::AUTHORIZATION, format!("Bearer {WEBHOOK_TOKEN}"))
            .body(Body::Text(body.to_string()))
            .unwrap();
        webhook_intake::handle(&self.intake, request).await.status().as_u16()
    }

    pub(crate) fn take_airtable_away(&self) {
        let away = json!({"fault": "unavailable", "probability": 1});
        let away: FaultRule = serde_json::from_value(away).unwrap();
        self.services.airtable.faults().add(away);
    }

    pub(crate) fn answered(&self, kind: &str) -> u64 {
        count(&self.services.airtable.requests(), kind, 200)
    }

    /// The run records, complete ones first.
    pub(crate) fn records(&self) -> Vec<serde_json::Map<String, Value>> {
        let airtable = self.services.airtable.service();
        let rows = airtable.rows(MASTER_BASE, run_record::TABLE).unwrap();
        let mut records: Vec<_> = rows.into_iter().map(|row| row.fields).collect();
        records.sort_by_key(|record| record[run_record::STATUS].to_string());
        records
    }

    pub(crate) fn record(&self) -> serde_json::Map<String, Value> {
        let airtable = self.services.airtable.service();
        let mut rows = airtable.rows(MASTER_BASE, run_record::TABLE).unwrap();
        assert_eq!(rows.len(), 1, "run records: {rows:#?}");
        rows.remove(0).fields
    }
}

pub(crate) fn count(requests: &[RequestCount], kind: &str, status: u16) -> u64 {
    let requests = requests.iter().filter(|r| r.kind == kind && r.status == status);
    requests.map(|request| request.count).sum()
}
