//! What people do in the bases while a pipeline runs, and what the services contain.

use super::bases::{self, CLIENT_BASE, MASTER_BASE};
use super::pipeline::Harvest;
use super::pipeline::Pipeline;
use serde_json::{Map, Value, json};
use shared::schema::{clients, leads, run_record};
use simulators::FaultRule;
use simulators::airtable::Row;

impl Pipeline {
    /// Edits cells of a run record, as a person would.
    pub fn edit_record(&self, record: &str, cells: &Value) {
        self.edit(MASTER_BASE, run_record::TABLE, record, cells);
    }

    /// Edits cells of a lead's row, as a person would.
    pub fn edit_lead(&self, record: &str, cells: &Value) {
        self.edit(CLIENT_BASE, leads::TABLE, record, cells);
    }

    /// Edits cells of the client's row in the master base.
    pub fn edit_client(&self, cells: &Value) {
        let airtable = self.services.airtable.service();
        let rows = airtable.rows(MASTER_BASE, clients::TABLE).expect("the table of clients");
        let is_it = |row: &&Row| row.fields[clients::CLIENT_ID] == bases::CLIENT;
        let row = rows.iter().find(is_it).expect("the client's row");
        self.edit(MASTER_BASE, clients::TABLE, &row.id, cells);
    }

    fn edit(&self, base: &str, table: &str, record: &str, cells: &Value) {
        let cells = cells.as_object().cloned().unwrap_or_default();
        let airtable = self.services.airtable.service();
        airtable.edit(base, table, record, cells).expect("the cells fit");
    }

    /// Adds a row to a table. Returns its record id.
    pub fn insert(&self, base: &str, table: &str, row: Value) -> String {
        bases::insert(self.services.airtable.service(), base, table, row)
    }

    /// Ticks `Retry` on the first run record, and sends a tick that finds it.
    pub async fn retry(&self) {
        let record = self.records().remove(0).id;
        self.edit_record(&record, &json!({run_record::RETRY: true}));
        self.tick().await;
    }

    /// Adds leads named `lead0`, `lead1`…, and a harvest with one post of each.
    pub fn harvest_of_many(&self, words: &[String]) -> (Vec<String>, String) {
        let names: Vec<String> = (0..words.len()).map(|n| format!("lead{n}")).collect();
        let leads = names.iter().map(|name| self.add_lead(name, json!({}))).collect();
        let items = names.iter().zip(words).map(|(name, words)| super::posts::post(name, 1, words));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        (leads, self.harvest(Harvest::of(&names, items.collect())))
    }

    /// Deletes a run record, as a person would.
    pub fn delete_record(&self, record: &str) {
        let airtable = self.services.airtable.service();
        airtable.delete_record(MASTER_BASE, run_record::TABLE, record).expect("it was there");
    }

    pub fn record_of(&self, id: &str) -> Map<String, Value> {
        let row = self.records().into_iter().find(|row| row.id == id);
        row.expect("the record is there").fields
    }

    /// Makes requests to Airtable fail by `rule`.
    pub fn break_airtable(&self, rule: &Value) {
        self.services.airtable.faults().add(fault(rule));
    }

    /// Makes requests to the model fail by `rule`.
    pub fn break_gemini(&self, rule: &Value) {
        self.services.gemini.faults().add(fault(rule));
    }

    /// Makes requests to Apify fail by `rule`.
    pub fn break_apify(&self, rule: &Value) {
        self.services.apify.faults().add(fault(rule));
    }

    pub fn records(&self) -> Vec<Row> {
        let airtable = self.services.airtable.service();
        airtable.rows(MASTER_BASE, run_record::TABLE).expect("the table of run records")
    }

    /// The only run record.
    pub fn record(&self) -> Map<String, Value> {
        let records = self.records();
        assert_eq!(records.len(), 1, "run records: {records:#?}");
        records[0].fields.clone()
    }

    /// A text cell of the only run record; empty if it has none.
    pub fn text(&self, field: &str) -> String {
        let record = self.record();
        record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Fails unless a text cell of the only run record contains these words.
    pub fn assert_shows(&self, field: &str, words: &str) {
        let text = self.text(field);
        assert!(text.contains(words), "{words:?} is not in {field}:\n{text}");
    }

    /// The only run record, in an operator's summary.
    pub fn told(&self) -> String {
        told(&self.record())
    }

    pub fn lead(&self, record: &str) -> Map<String, Value> {
        let airtable = self.services.airtable.service();
        let rows = airtable.rows(CLIENT_BASE, leads::TABLE).expect("the table of leads");
        rows.into_iter().find(|row| row.id == record).expect("the lead's row").fields
    }

    /// Fails unless the only run record has this summary and counts every billed token.
    #[track_caller]
    pub fn assert_exact(&self, told: &str) {
        assert_eq!(self.told(), told);
        assert_eq!(self.record()[run_record::POST_TOKENS], self.billed_tokens());
    }

    /// Tokens of every answer that the model billed.
    pub fn billed_tokens(&self) -> u64 {
        self.services.gemini.service().billed_totals().usage.total
    }

    pub fn airtable_requests(&self, kind: &str) -> u64 {
        let requests = self.services.airtable.requests();
        requests.iter().filter(|count| count.kind == kind).map(|count| count.count).sum()
    }
}

/// A run record, in an operator's summary.
pub fn told(record: &Map<String, Value>) -> String {
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let number = |name: &str| record.get(name).map_or("-".to_owned(), Value::to_string);
    format!(
        "{}: {} harvested, {} examined, {} scored; {}",
        text(run_record::STATUS),
        number(run_record::POSTS_HARVESTED),
        number(run_record::POSTS_EXAMINED),
        number(run_record::POSTS_SCORED),
        text(run_record::BALANCE),
    )
}

fn fault(rule: &Value) -> FaultRule {
    serde_json::from_value(rule.clone()).expect("a fault rule")
}
