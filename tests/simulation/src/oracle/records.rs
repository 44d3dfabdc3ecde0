//! Run records during the run: each shows what the log said when its writer read it.

use super::json::{at, cell, cell_text, list, parsed};
use super::log_book::{LogBook, State};
use super::oracle::Oracle;
use super::promise::Invariant;
use serde_json_borrow::Value;
use shared::schema::run_record as schema;
use simulators::airtable::{Airtable, Row};
use std::collections::BTreeSet;
use tests::MASTER_BASE;

/// Most missing things that a record names.
const NAMED: usize = 5;

impl Oracle {
    /// How many events of a run were stored, including repetitions.
    pub(crate) fn stored_of(&self, run: &str) -> u64 {
        self.runs.get(run).map_or(0, |book| book.log.stored)
    }

    /// The finalizer read a run's log, page by page, when `before` events were stored. Later events
    /// may or may not have been read.
    pub(crate) fn log_read(&mut self, invocation: u64, run: &str, before: u64, events: &[String]) {
        let state = match self.runs.get(run) {
            Some(book) if book.log.stored == before => book.log.state(),
            Some(_) | None => {
                let mut read = LogBook::default();
                events.iter().for_each(|event| read.stored(&parsed(event)));
                read.state()
            }
        };
        self.logs_read.insert((invocation, run.to_owned()), state);
    }

    pub(crate) fn records_written(&mut self, invocation: u64, asked: &[u8], airtable: &Airtable) {
        let request = parsed(asked);
        if at(&request, "/performUpsert").is_none() {
            return;
        }
        let rows = airtable.rows(MASTER_BASE, schema::TABLE).unwrap_or_default();
        for cells in list(&request, "/records").filter_map(|row| at(row, "/fields")) {
            self.check_record(invocation, cells, &rows);
        }
    }

    fn check_record(&mut self, invocation: u64, cells: &Value<'_>, rows: &[Row]) {
        let run = cell_text(cells, schema::RUN_ID).to_owned();
        let read = self.logs_read.get(&(invocation, run.clone())).cloned().unwrap_or_default();
        for (field, should) in &read.numbers {
            let is = cell(cells, field).map(|cell| cell.as_u64().unwrap_or_default());
            if is.is_some_and(|is| is != *should) {
                let what = format!("record of {run} shows {field} {is:?}, which never was");
                self.violate(Invariant::Numbers, what);
            }
        }
        let status = cell_text(cells, schema::STATUS);
        if status.starts_with("Completed") && !read.is_settled {
            self.violate(Invariant::Ends, format!("record of {run} is {status} too early"));
        }
        let notes = cell_text(cells, schema::SYSTEM_NOTES);
        if status == "Stalled" && !names_missing(notes, &read) {
            let what = format!("record of {run} is Stalled and does not name {:?}", read.missing);
            self.violate(Invariant::Ends, what);
        }
        let is_same =
            |row: &&Row| row.fields.get(schema::RUN_ID).is_some_and(|id| id.as_str() == Some(&run));
        let same = rows.iter().filter(is_same).count();
        if same != 1 {
            self.violate(
                Invariant::OneRecord,
                format!("run {run} has {same} records after a write"),
            );
        }
    }
}

/// Whether the notes name what is missing: everything, or as many things as a record has room for.
/// The notes leave out plan ids, so things that two plans lack may be one line.
fn names_missing(notes: &str, read: &State) -> bool {
    let without_plan = read.missing.iter().map(|what| what.split(" (plan ").next().unwrap_or(what));
    let missing: BTreeSet<&str> = without_plan.collect();
    let named = missing.iter().filter(|what| notes.contains(**what)).count();
    named >= missing.len().clamp(1, NAMED)
}
