//! One row of a client's leads, read from Airtable on request.

use super::layout::{Content, Place, run_link};
use super::query::Query;
use super::site::Problem;
use super::source::Source;
use crate::result::Fault;
use maud::{Markup, html};
use serde_json::{Map, Value};
use shared::core::ids::{BaseId, ClientId, RecordId, RunId};
use shared::schema::{clients, leads};
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{ListQuery, Row};

/// Longest cell text that is shown at once.
const MAX_CELL: usize = 4_000;

/// The cells that scoring writes, the most important first, and those that name the lead.
const SHOWN: [&str; 5] = [
    leads::POSTS_SCORE,
    leads::TOP_POST,
    leads::POSTS_EVALUATION,
    leads::DATE_POSTS_SCORED,
    leads::PROFILE_URL,
];

pub(super) async fn page(source: &Source, id: &str, query: &Query) -> Result<Content, Problem> {
    let wrong = || Problem::NotFound(format!("There is no row {id} of a run's lead."));
    let record: RecordId = id.parse().map_err(|_| wrong())?;
    let run: RunId = query.get("run").and_then(|run| run.parse().ok()).ok_or_else(wrong)?;
    let base = base_of(source, &run.client()).await?.ok_or_else(wrong)?;
    let by_id = Some(Formula::record_id(record.as_str()));
    let of_row = ListQuery { formula: by_id, fields: &[] };
    let rows = source.airtable.list(&base, leads::TABLE, &of_row).await;
    let rows: Vec<Row> = rows.map_err(Fault::from)?;
    let is_real = source.simulators.airtable.is_none();
    let table = if is_real { table_id(source, &base).await } else { None };
    let link = table.map(|table| format!("https://airtable.com/{base}/{table}/{record}"));
    let name = |row: &Row| {
        let name = format!("{} {}", row.text(leads::FIRST_NAME), row.text(leads::LAST_NAME));
        if name.trim().is_empty() { record.to_string() } else { name.trim().to_owned() }
    };
    let title = rows.first().map_or_else(|| record.to_string(), name);
    let body = html! {
        p .crumb { a href="/" { "Runs" } " / " (run_link(&run)) " / " }
        h1 { (title) }
        p .who { "Row " code { (record) } " of base " code { (base) } ", read just now"
            @if let Some(link) = &link { " · " a href=(link) rel="noreferrer" { "open it in Airtable" } } }
        @match rows.first() {
            Some(row) => (cells(&row.fields)),
            None => p .verdict .bad { "The row is gone: somebody deleted it." },
        }
    };
    Ok(Content::new(title, Place::Below, body))
}

/// The base of a client, according to the master base.
pub(super) async fn base_of(source: &Source, client: &ClientId) -> Result<Option<BaseId>, Problem> {
    let formula = Some(Formula::equals(clients::CLIENT_ID, client.as_str()));
    let query = ListQuery { formula, fields: &[] };
    let rows = source.airtable.list(&source.master, clients::TABLE, &query).await;
    let rows: Vec<Row> = rows.map_err(Fault::from)?;
    Ok(rows.first().and_then(|row| row.text(clients::BASE_ID).parse().ok()))
}

/// Reads the scores of these rows on request, and keeps them for a while.
pub(super) async fn read_scores(
    source: &Source,
    client: &ClientId,
    records: &[RecordId],
) -> Result<(), Problem> {
    let Some(base) = base_of(source, client).await? else { return Ok(()) };
    if records.is_empty() {
        return Ok(());
    }
    let by_id = records.iter().map(|record| Formula::record_id(record.as_str()));
    let query = ListQuery { formula: Some(Formula::any(by_id)), fields: &[] };
    let rows = source.airtable.list(&base, leads::TABLE, &query).await;
    let rows: Vec<Row> = rows.map_err(Fault::from)?;
    let score = |row: &Row| {
        let cells = [leads::POSTS_SCORE, leads::AI_SCORE].map(|name| row.number(name));
        match cells {
            [None, None] => "none".to_owned(),
            [Some(posts), None] => format!("posts {posts}"),
            // A percent field holds a fraction of 1.
            [None, Some(profile)] => format!("profile {:.0} %", profile * 100.0),
            [Some(posts), Some(profile)] => {
                format!("posts {posts}, profile {:.0} %", profile * 100.0)
            }
        }
    };
    let read = rows.iter().map(|row| (row.id.clone(), score(row))).collect();
    source.last.scores.keep(source.now(), read);
    Ok(())
}

async fn table_id(source: &Source, base: &BaseId) -> Option<String> {
    let tables = source.airtable.tables(base).await.ok()?;
    tables.into_iter().find(|table| table.name == leads::TABLE).map(|table| table.id)
}

fn cells(fields: &Map<String, Value>) -> Markup {
    let first = SHOWN.iter().filter_map(|name| Some((*name, fields.get(*name)?)));
    let others = fields.iter().map(|(name, value)| (name.as_str(), value));
    let others = others.filter(|(name, _)| !SHOWN.contains(name));
    html! {
        div .scroll tabindex="0" role="region" aria-label="Cells of the row" {
            table .cells {
                thead { tr { th scope="col" { "Field" } th scope="col" { "Value" } } }
                tbody {
                    @for (name, value) in first.chain(others) {
                        tr { th scope="row" { (name) } td { span .text { (shown(value)) } } }
                    }
                }
            }
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    shared::core::text::bounded(&text, MAX_CELL)
}
