//! The runs according to their records in Airtable.

use super::listed::{Listed, SHOWN};
use jiff::Timestamp;
use shared::adapters::http::HttpTransport;
use shared::core::ids::BaseId;
use shared::schema::run_record;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Row};
use std::collections::BTreeMap;

/// Reads the records of running, stalled, failed and recent runs, with their ids.
pub(super) async fn read(
    airtable: &Airtable<HttpTransport>,
    master: &BaseId,
    since: Timestamp,
) -> Result<BTreeMap<String, Listed>, AirtableError> {
    let tables = airtable.tables(master).await?;
    let known = tables.iter().filter(|table| table.name == run_record::TABLE);
    let known: Vec<&str> =
        known.flat_map(|table| &table.fields).map(|field| field.name.as_str()).collect();
    let fields: Vec<&str> =
        SHOWN.map(|(_, name)| name).into_iter().filter(|name| known.contains(name)).collect();
    let [running, _, _, stalled, failed] = run_record::STATUSES;
    let looked_for = [running, stalled, failed].map(|s| Formula::equals(run_record::STATUS, s));
    let recent = Formula::after(run_record::START_TIME, since);
    // The status is empty if the table lacks the choice.
    let others = [Formula::blank(run_record::STATUS), recent];
    let query = ListQuery {
        fields: &fields,
        formula: Some(Formula::any(looked_for.into_iter().chain(others))),
    };
    let rows: Vec<Row> = airtable.list(master, run_record::TABLE, &query).await?;
    let listed = |row: Row| {
        let id = row.text(run_record::RUN_ID);
        (id, Listed { cells: row.fields, ..Listed::default() })
    };
    Ok(rows.into_iter().map(listed).collect())
}
