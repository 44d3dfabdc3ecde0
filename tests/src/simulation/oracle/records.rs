//! Run records while the run goes on.

use super::run_book::State;
use super::{Invariant, Oracle, count, master, parsed, text};
use serde_json::Value;
use shared::schema::run_record as schema;
use simulators::airtable::Airtable;

impl Oracle {
    /// The finalizer wrote run records.
    pub(in super::super) fn records_written(&mut self, asked: &[u8], airtable: &Airtable) {
        let request = parsed(&String::from_utf8_lossy(asked));
        if request.get("performUpsert").is_none() {
            return;
        }
        for row in request["records"].as_array().into_iter().flatten() {
            self.check_record(&row["fields"], airtable);
        }
    }

    fn check_record(&mut self, cells: &Value, airtable: &Airtable) {
        let cell = |name: &str| cells.get(name).cloned().unwrap_or_default();
        let run = cell(schema::RUN_ID).as_str().unwrap_or_default().to_owned();
        let status = cell(schema::STATUS);
        let status = status.as_str();
        let has_all = [schema::POST_TOKENS, schema::POSTS_EXAMINED, schema::POSTS_SCORED]
            .iter()
            .all(|name| cells.get(*name).is_some());
        let is_end = status.is_some_and(|status| status.starts_with("Completed"));
        let shown = |is_settled| State {
            tokens: count(&cell(schema::POST_TOKENS), ""),
            examined: count(&cell(schema::POSTS_EXAMINED), ""),
            scored: count(&cell(schema::POSTS_SCORED), ""),
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
        let same = rows_of(airtable, &run);
        if same != 1 {
            self.violate(
                Invariant::OneRecord,
                format!("run {run} has {same} records after a write"),
            );
        }
    }
}

/// How many records have a run's identity.
fn rows_of(airtable: &Airtable, run: &str) -> usize {
    let rows = airtable.rows(master(), schema::TABLE).unwrap_or_default();
    let of_run = |row: &&simulators::airtable::Row| {
        text(&Value::Object(row.fields.clone()), &format!("/{}", schema::RUN_ID)) == run
    };
    rows.iter().filter(of_run).count()
}
