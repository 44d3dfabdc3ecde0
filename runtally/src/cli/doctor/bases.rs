//! Airtable: the token, the master base, and the base of each client that is served.

use super::check::Check;
use super::services::corrected;
use crate::cli::clients::{self, Client};
use crate::cli::gaps::{Gap, gaps};
use crate::cli::operator::airtable;
use serde_json::{Map, Value};
use shared::adapters::http::HttpTransport;
use shared::config::{AirtableConfig, Vars};
use shared::core::ids::{BaseId, ClientId};
use shared::schema::{
    MASTER_BASE, Table, clients as client_fields, leads, post_attributes, post_instructions,
};
use shared::services::airtable::{
    Airtable, AirtableError, Identity, ListQuery, Record, TableSchema,
};
use std::collections::BTreeSet;
use std::sync::Arc;

type Api = Airtable<Arc<HttpTransport>>;

/// What the functions do with their token.
const SCOPES: [&str; 3] = ["data.records:read", "data.records:write", "schema.bases:read"];
const SCHEMA_SCOPE: &str = SCOPES[2];

/// Checks everything in Airtable, from the token inwards.
pub(super) async fn check(
    variables: &impl Fn(&'static str) -> Option<String>,
    transport: &Arc<HttpTransport>,
) -> Vec<Check> {
    let config = match AirtableConfig::read(&Vars::new(variables)) {
        Ok(config) => config,
        Err(error) => return vec![Check::wrong("Airtable", &error, corrected(&error))],
    };
    let master = config.master_base.clone();
    let airtable = airtable(config, Arc::clone(transport));
    let mut checks = Vec::new();
    match airtable.whoami(&master).await {
        Ok(identity) => checks.extend(check_scopes(&identity)),
        Err(error) => return vec![Check::wrong("Airtable token", &error, token_todo(&error))],
    }
    let what = format!("master base {master}");
    let Some(tables) = schema(&airtable, &master, &what, &mut checks).await else { return checks };
    check_tables(&what, &tables, &MASTER_BASE, &mut checks);
    if !tables.iter().any(|table| table.name == client_fields::TABLE) {
        return checks;
    }
    match clients::listed(&airtable, &master).await {
        Ok(clients) => {
            checks.extend(check_list(&clients));
            let mut served: Vec<&Client> = clients.iter().filter(|c| c.is_served()).collect();
            served.dedup();
            let bases = served.iter().map(|client| check_client(&airtable, client));
            checks.extend(futures_util::future::join_all(bases).await.into_iter().flatten());
        }
        Err(error) => {
            let what = format!("table {:?}", client_fields::TABLE);
            checks.push(Check::wrong(what, &error, token_todo(&error)));
        }
    }
    checks
}

fn check_scopes(identity: &Identity) -> Vec<Check> {
    let what = "Airtable token";
    let Some(scopes) = &identity.scopes else {
        let says = format!("Airtable accepts it ({}) and does not say its scopes", identity.id);
        return vec![Check::info(what, says)];
    };
    let mut checks: Vec<Check> = SCOPES
        .iter()
        .filter(|scope| !scopes.iter().any(|has| has == *scope))
        .map(|scope| {
            let says = format!("it lacks the scope {scope}");
            Check::wrong(what, says, "add it at https://airtable.com/create/tokens")
        })
        .collect();
    if checks.is_empty() {
        checks.push(Check::ok(what, format!("Airtable accepts it ({})", identity.id)));
    }
    checks
}

fn token_todo(error: &AirtableError) -> &'static str {
    match error {
        AirtableError::Denied { .. } => {
            "set AIRTABLE_TOKEN to a valid personal access token with access to the base"
        }
        AirtableError::Transport(_) => "check AIRTABLE_API_URL and the way to it",
        AirtableError::QuotaSpent => "upgrade the plan, or wait for the first of the month",
        AirtableError::RateLimited { .. } | AirtableError::Unavailable { .. } => "ask again later",
        AirtableError::Refused { .. } | AirtableError::Unreadable { .. } => {
            "check AIRTABLE_API_URL: this is not what Airtable answers"
        }
    }
}

/// The base's tables; `None`, with a check that says so, when they cannot be read.
async fn schema(
    airtable: &Api,
    base: &BaseId,
    what: &str,
    checks: &mut Vec<Check>,
) -> Option<Vec<TableSchema>> {
    match airtable.tables(base).await {
        Ok(tables) => Some(tables),
        Err(error @ AirtableError::Denied { .. }) => {
            checks.push(Check::wrong(
                what,
                error,
                format!("add the base to the token's list, with the scope {SCHEMA_SCOPE}, or correct its id"),
            ));
            None
        }
        Err(error) => {
            checks.push(Check::wrong(what, &error, token_todo(&error)));
            None
        }
    }
}

/// What the base lacks, or one line that it lacks nothing.
fn check_tables(
    what: &str,
    tables: &[TableSchema],
    wanted: &'static [Table],
    checks: &mut Vec<Check>,
) {
    let found = gaps(tables, wanted);
    let mut left_out: Vec<String> = Vec::new();
    for gap in &found {
        match gap {
            gap if gap.matters() => {
                checks.push(Check::wrong(what, gap.says(), gap.what_to_do()));
            }
            Gap::NoTable { table } => left_out.push(format!("table {:?}", table.name)),
            Gap::NoField { field, .. } => left_out.push(format!("{:?}", field.name)),
            Gap::WrongType { .. } | Gap::NoChoice { .. } => {
                checks.push(Check::warning(what, gap.says(), gap.what_to_do()));
            }
        }
    }
    if !found.iter().any(Gap::matters) {
        let fields: usize = wanted.iter().map(|table| table.fields().count()).sum();
        let says = format!(
            "{} tables and {fields} fields are known, none is missing that must be there",
            wanted.len()
        );
        checks.push(Check::ok(what, says));
    }
    if !left_out.is_empty() {
        let says = format!("optional and not there, so left out: {}", left_out.join(", "));
        checks.push(Check::info(what, says));
    }
}

/// What is wrong with the list of clients itself.
fn check_list(clients: &[Client]) -> Vec<Check> {
    let what = format!("table {:?}", client_fields::TABLE);
    let mut checks = Vec::new();
    let mut seen = BTreeSet::new();
    for client in clients.iter().filter(|client| client.is_served()) {
        if let Err(error) = client.id.parse::<ClientId>() {
            let todo = format!("correct its {:?}", client_fields::CLIENT_ID);
            checks.push(Check::wrong(&what, error, todo));
        }
        if !seen.insert(&client.id) {
            let says = format!("client {:?} is there more than once", client.id);
            checks.push(Check::wrong(
                &what,
                says,
                "keep one row; the oldest is the one that counts",
            ));
        }
    }
    for client in clients {
        let (status, id) = (&client.status, &client.id);
        let is_odd = !client.is_served() && status.eq_ignore_ascii_case(client_fields::ACTIVE);
        if is_odd || status.trim().is_empty() {
            let says = format!("client {id:?} has the status {status:?} and is not served");
            let todo = format!("set it to {:?} if it is to be served", client_fields::ACTIVE);
            checks.push(Check::warning(&what, says, todo));
        }
    }
    if seen.is_empty() {
        let todo = format!("add a client with the status {:?}", client_fields::ACTIVE);
        checks.push(Check::warning(&what, "no client is served", todo));
    } else {
        checks.push(Check::ok(&what, format!("{} clients are served", seen.len())));
    }
    checks
}

async fn check_client(airtable: &Api, client: &Client) -> Vec<Check> {
    let mut checks = Vec::new();
    let what = format!("client {:?}", client.id);
    let base = match client.base() {
        Ok(base) => base,
        Err(error) => {
            let todo = format!("correct {:?} in its row", client_fields::BASE_ID);
            return vec![Check::wrong(what, error, todo)];
        }
    };
    let what = format!("base {base} of {what}");
    let Some(tables) = schema(airtable, &base, &what, &mut checks).await else { return checks };
    check_tables(&what, &tables, client.tables(), &mut checks);
    checks.extend(check_profiles(&what, &tables));
    if !client.has_posts_scored() {
        checks.push(Check::info(what, "its service level has profile scoring only"));
        return checks;
    }
    checks.extend(check_view(&what, &tables));
    checks.extend(check_rubric(airtable, &base, &what, &tables).await);
    checks
}

/// The leads' profiles have no place, where there is none.
fn check_profiles(what: &str, tables: &[TableSchema]) -> Option<Check> {
    let table = tables.iter().find(|table| table.name == leads::TABLE)?;
    let holds = |name: &str| table.fields.iter().any(|field| field.name == name);
    if leads::PROFILE_SOURCES.iter().any(|source| holds(source.name)) {
        return None;
    }
    let says = format!(
        "table {:?} has neither {:?} nor {:?}: no profile can be scored",
        leads::TABLE,
        leads::RAW_PROFILE,
        leads::PROFILE_JSON
    );
    Some(Check::wrong(what, says, "run `runtally setup --apply`, and fill one with the profiles"))
}

fn check_view(what: &str, tables: &[TableSchema]) -> Option<Check> {
    let leads = tables.iter().find(|table| table.name == leads::TABLE)?;
    let view = leads::WAITING_VIEW;
    Some(if leads.views.iter().any(|known| known.name == view) {
        Check::ok(what, format!("the view {view:?} is there"))
    } else {
        Check::info(
            what,
            format!("there is no view {view:?}: waiting leads are found by their fields instead"),
        )
    })
}

/// Whether a prompt can be made of the client's rubric, as far as its tables are there.
async fn check_rubric(
    airtable: &Api,
    base: &BaseId,
    what: &str,
    tables: &[TableSchema],
) -> Vec<Check> {
    let table = |name: &str| tables.iter().find(|table| table.name == name);
    let (texts, criteria) = futures_util::join!(
        rows(airtable, base, table(post_instructions::TABLE)),
        rows(airtable, base, table(post_attributes::TABLE)),
    );
    let mut checks = Vec::new();
    for result in [&texts, &criteria] {
        if let Err(error) = result {
            checks.push(Check::wrong(what, error, token_todo(error)));
        }
    }
    if let Ok(Some(texts)) = texts {
        checks.push(check_texts(what, &texts));
    }
    if let (Ok(Some(criteria)), Some(table)) = (criteria, table(post_attributes::TABLE)) {
        let has_active = table.fields.iter().any(|field| field.name == post_attributes::ACTIVE);
        checks.extend(check_criteria(what, &criteria, has_active));
    }
    checks
}

fn check_texts(what: &str, texts: &[Row]) -> Check {
    let (table, header) = (post_instructions::TABLE, post_instructions::SCORING_HEADER);
    if texts.is_empty() {
        let says = format!("table {table:?} is empty: there is no prompt");
        Check::wrong(what, says, "add the prompt's texts")
    } else if texts.iter().any(is_header) {
        Check::ok(what, format!("a prompt of {} texts", texts.len()))
    } else {
        let says =
            format!("table {table:?} has no component {header:?}: the criteria stand at the end");
        Check::warning(what, says, "add it where the criteria belong")
    }
}

fn check_criteria(what: &str, criteria: &[Row], has_active: bool) -> Vec<Check> {
    let table = post_attributes::TABLE;
    let is_active =
        |row: &&Row| !has_active || row.get(post_attributes::ACTIVE) == Some(&Value::Bool(true));
    let active: Vec<&Row> = criteria.iter().filter(is_active).collect();
    if active.is_empty() {
        let says = format!("table {table:?} has no active criterion: nothing can be scored");
        return vec![Check::wrong(what, says, "add criteria, or switch them on")];
    }
    let mut checks = vec![Check::ok(what, format!("{} active criteria", active.len()))];
    let odd: Vec<&str> = active.into_iter().filter_map(odd_category).collect();
    if !odd.is_empty() {
        let says = format!("criteria of an unknown category count as positive: {}", odd.join(", "));
        let todo = format!("set it to one of {:?}", post_attributes::CATEGORIES);
        checks.push(Check::warning(what, says, todo));
    }
    checks
}

type Row = Map<String, Value>;

/// The rows of a table; `None` for one that is not there.
async fn rows(
    airtable: &Api,
    base: &BaseId,
    table: Option<&TableSchema>,
) -> Result<Option<Vec<Row>>, AirtableError> {
    let Some(table) = table else { return Ok(None) };
    let rows: Vec<Record<Row>> = airtable.list(base, &table.name, &ListQuery::default()).await?;
    Ok(Some(rows.into_iter().map(|row| row.fields).collect()))
}

fn is_header(row: &Row) -> bool {
    let id = row.get(post_instructions::COMPONENT_ID).and_then(Value::as_str);
    id.map(str::trim) == Some(post_instructions::SCORING_HEADER)
}

/// The id of a criterion whose category is none of those there are.
fn odd_category(row: &Row) -> Option<&str> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().trim();
    let known = post_attributes::CATEGORIES.contains(&text(post_attributes::CATEGORY));
    (!known).then(|| text(post_attributes::ID))
}
