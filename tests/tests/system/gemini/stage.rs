//! Plays a case: the real functions on paused time, with a Gemini that answers as the case says.

use crate::fake_gemini::{Case, FakeGemini, SeenCall};
use crate::paused::{World, clock, services_that_take};
use runtally::storage::Database;
use serde_json::{Map, Value, json};
use shared::schema::{clients, run_record};
use simulators::Simulated;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tests::{CLIENT, CLIENT_BASE, MASTER_BASE, furnish};

/// A case in play.
pub(crate) struct Stage {
    pub(crate) case: Case,
    world: World,
    fake_gemini: Arc<Simulated<FakeGemini>>,
    leads: Vec<String>,
    harvests: usize,
}

pub(crate) fn case(name: &str) -> Case {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/gemini");
    let text = std::fs::read_to_string(folder.join(name).with_extension("json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

impl Stage {
    /// Starts a case with its leads in the client's base.
    pub(crate) fn set(case: Case) -> Self {
        let clock = clock();
        let fake_gemini = Arc::new(Simulated::new(FakeGemini::new(case.steps.clone()), 1));
        let mut services = services_that_take(Duration::ZERO, Duration::ZERO, &clock);
        services.fake_gemini = Some(Arc::clone(&fake_gemini));
        furnish(services.airtable.service());
        let env = case.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let set: Vec<_> = env.chain([("PROJECT_SECONDS", "1")]).collect();
        let world = World::start_on(services, Database::in_memory().unwrap(), &clock, &set);
        let leads = world.add_leads(&names("case", case.leads));
        Self { case, world, fake_gemini, leads, harvests: 0 }
    }

    /// Gives the client a limit of tokens for each run.
    pub(crate) fn limit(&self, tokens: u64) {
        let airtable = self.world.services.airtable.service();
        let rows = airtable.rows(MASTER_BASE, clients::TABLE).unwrap();
        let row = rows.iter().find(|row| row.fields[clients::CLIENT_ID] == CLIENT).unwrap();
        let cells = json!({clients::POST_TOKEN_LIMIT: tokens}).as_object().unwrap().clone();
        airtable.edit(MASTER_BASE, clients::TABLE, &row.id, cells).unwrap();
    }

    pub(crate) fn gemini(&self) -> &FakeGemini {
        self.fake_gemini.service()
    }

    /// Posts the webhook of a harvest with one post of each of these leads.
    async fn harvest(&mut self, name: &str, words: impl Fn(usize) -> String) {
        self.harvests += 1;
        let started_at = format!("2026-11-23T0{}:45:19Z", self.harvests);
        let names = names(name, self.case.leads);
        let apify_run = self.world.harvest_of(&started_at, &names, words);
        assert_eq!(self.world.webhook(&apify_run).await, 202);
    }

    /// Posts the webhook of the case's harvest.
    pub(crate) async fn begin(&mut self) {
        let contents = self.case.contents.clone();
        let words = move |n: usize| {
            let plain = || format!("Post of lead {n}: we moved twelve reports and saved a day.");
            contents.get(&n).cloned().unwrap_or_else(plain)
        };
        self.harvest("case", words).await;
    }

    /// Posts the webhook of a harvest of other leads of the same client, without oddities.
    pub(crate) async fn begin_another(&mut self) {
        self.world.add_leads(&names("more", self.case.leads));
        self.harvest("more", |n| format!("Post {n} about saving a day.")).await;
    }

    /// Requests scoring of the waiting leads.
    pub(crate) async fn score_waiting(&self) {
        let body = json!({"clientId": "Guy-Wilson", "kind": "post", "leadIds": self.leads});
        assert_eq!(self.world.post("/runs", &body).await, 202);
    }

    /// Waits until there are this many run records and all their runs are over.
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
        let airtable = self.world.services.airtable.service();
        let rows = airtable.rows(MASTER_BASE, run_record::TABLE).unwrap();
        let mut records: Vec<_> = rows.into_iter().map(|row| row.fields).collect();
        records.sort_by_key(|record| record[run_record::RUN_ID].to_string());
        records
    }

    /// A text cell of the first run's record.
    pub(crate) fn text(&self, field: &str) -> String {
        let record = self.records().remove(0);
        record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The rows of the case's leads, in order.
    pub(crate) fn leads(&self) -> Vec<Map<String, Value>> {
        let rows = self.world.services.airtable.service().rows(CLIENT_BASE, "Leads").unwrap();
        let of = |id: &String| rows.iter().find(|row| row.id == *id).unwrap().fields.clone();
        self.leads.iter().map(of).collect()
    }

    /// Checks that all runs' tokens and cost are the billed ones, to the billionth of a dollar.
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

fn names(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{name}{n}")).collect()
}
