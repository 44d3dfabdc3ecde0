//! Run records while the run goes on.

use super::run_book::State;
use super::{Invariant, Oracle, master, parsed};
use serde_json::Value;
use shared::schema::run_record as schema;
use simulators::airtable::{Airtable, Row};

impl Oracle {
    /// The finalizer wrote run records.
    pub(in super::super) fn records_written(&mut self, asked: &[u8], airtable: &Airtable) {
        let request = parsed(asked);
        if request.get("performUpsert").is_none() {
            return;
        }
        let rows = airtable.rows(master(), schema::TABLE).unwrap_or_default();
        for row in request["records"].as_array().into_iter().flatten() {
            self.check_record(&row["fields"], &rows);
        }
    }

    fn check_record(&mut self, cells: &Value, rows: &[Row]) {
        let cell = |name: &str| cells.get(name).unwrap_or(&Value::Null);
        let run = cell(schema::RUN_ID).as_str().unwrap_or_default().to_owned();
        let status = cell(schema::STATUS);
        let status = status.as_str();
        let has_all = [schema::POST_TOKENS, schema::POSTS_EXAMINED, schema::POSTS_SCORED]
            .iter()
            .all(|name| cells.get(*name).is_some());
        let is_end = status.is_some_and(|status| status.starts_with("Completed"));
        let shown = |is_settled| State {
            tokens: cell(schema::POST_TOKENS).as_u64().unwrap_or_default(),
            examined: cell(schema::POSTS_EXAMINED).as_u64().unwrap_or_default(),
            scored: cell(schema::POSTS_SCORED).as_u64().unwrap_or_default(),
            is_settled,
        };
        let history = &self.run(&run).history;
        let was_settled = history.contains(&shown(true));
        if has_all && !was_settled && !history.contains(&shown(false)) {
            let what = format!("record of {run} shows {:?}, which never was", shown(is_end));
            self.violate(Invariant::Numbers, what);
        } else if has_all && is_end && !was_settled {
            let what = format!("record of {run} is {status:?} while leads are open");
            self.violate(Invariant::Ends, what);
        }
        let notes = cell(schema::SYSTEM_NOTES);
        if status == Some("Stalled") && !notes.as_str().is_some_and(|n| n.contains("missing")) {
            self.violate(Invariant::Ends, format!("record of {run} is Stalled and names nothing"));
        }
        let is_same = |row: &&Row| row.fields.get(schema::RUN_ID) == cells.get(schema::RUN_ID);
        let same = rows.iter().filter(is_same).count();
        if same != 1 {
            self.violate(
                Invariant::OneRecord,
                format!("run {run} has {same} records after a write"),
            );
        }
    }
}
