//! Checks the master base and the base of each served client.

use super::airtable::{Api, check_scopes, check_writing, unanswered};
use super::check::Check;
use super::rubric::check_rubric;
use super::tables::{check_profiles, check_tables, check_view, schema};
use crate::cli::clients::{list_clients, tables_of};
use crate::cli::output::of_setting;
use crate::system::Variables;
use scoring::Client;
use shared::adapters::http::HttpTransport;
use shared::config::{AirtableConfig, Vars};
use shared::core::ids::BaseId;
use shared::messages::Kind;
use shared::schema::{MASTER_BASE, clients as client_fields, leads, run_record};
use shared::services::airtable::{Airtable, Limiters, Rate, TableSchema};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Two requests a second. With one, a slow Airtable would not answer all in time.
const RATE: Rate = Rate { requests: 2, per: Duration::from_secs(1) };

/// Checks everything in Airtable, beginning with the token.
pub(super) async fn check(variables: &impl Variables, transport: &HttpTransport) -> Vec<Check> {
    let config = match AirtableConfig::read(&Vars::new(variables)) {
        Ok(config) => config,
        Err(error) => return vec![Check::wrong("Airtable", &error, of_setting(&error))],
    };
    let master = config.master_base.clone();
    let limiters = Arc::new(Limiters::of_one_process(RATE));
    let airtable = Airtable::new(transport.clone(), config.url, config.token, limiters).impatient();
    let mut checks = Vec::new();
    match airtable.whoami(&master).await {
        Ok(identity) => checks.extend(check_scopes(&identity)),
        Err(error) => return vec![unanswered("Airtable token", &error)],
    }
    let what = format!("master base {master}");
    let tables = schema(&airtable, &master, &what, &mut checks).await;
    let is_there = |table: &TableSchema| table.name == run_record::TABLE;
    if tables.as_ref().is_none_or(|tables| tables.iter().any(is_there)) {
        checks.push(check_writing(&airtable, &master, &what, run_record::TABLE).await);
    }
    let Some(tables) = tables else { return checks };
    check_tables(&what, &tables, &MASTER_BASE, &mut checks);
    if !tables.iter().any(|table| table.name == client_fields::TABLE) {
        return checks;
    }
    match list_clients(&airtable, &master).await {
        Ok(clients) => {
            checks.extend(check_list(&clients));
            let mut served: Vec<&Client> = clients.iter().filter(|c| c.is_active()).collect();
            served.dedup();
            let bases = served.iter().map(|client| check_client(&airtable, client));
            checks.extend(futures_util::future::join_all(bases).await.into_iter().flatten());
        }
        Err(error) => {
            let what = format!("table {:?}", client_fields::TABLE);
            checks.push(unanswered(what, &error));
        }
    }
    checks
}

fn check_list(clients: &[Client]) -> Vec<Check> {
    let what = format!("table {:?}", client_fields::TABLE);
    let mut checks = Vec::new();
    let mut seen = BTreeSet::new();
    for client in clients.iter().filter(|client| client.is_active()) {
        if !seen.insert(&client.id) {
            let says = format!("client {:?} is in the table more than once", client.id);
            checks.push(Check::wrong(&what, says, "keep one row; only the oldest counts"));
        }
    }
    for client in clients {
        let (status, id) = (&client.status, &client.id);
        let is_odd = !client.is_active() && status.eq_ignore_ascii_case(client_fields::ACTIVE);
        for says in client.warnings.iter().chain(&client.unreadable_limits()) {
            checks.push(Check::warning(&what, says, "correct the cell in Airtable"));
        }
        if let Some(odd) = client.unreadable() {
            let says = format!("client {id:?} is not served: {odd}");
            checks.push(Check::wrong(&what, says, "correct the cell in Airtable"));
            continue;
        }
        if is_odd || status.trim().is_empty() {
            let says = format!("client {id:?} has the status {status:?} and is not served");
            let todo = format!("set it to {:?} to serve this client", client_fields::ACTIVE);
            checks.push(Check::warning(&what, says, todo));
        }
    }
    if seen.is_empty() {
        let todo = format!("add a client with the status {:?}", client_fields::ACTIVE);
        checks.push(Check::warning(&what, "no client is served", todo));
    } else {
        checks.push(Check::ok(&what, served(seen.len())));
    }
    checks
}

fn served(clients: usize) -> String {
    if clients == 1 {
        "1 client is served".to_owned()
    } else {
        format!("{clients} clients are served")
    }
}

async fn check_client(airtable: &Api, client: &Client) -> Vec<Check> {
    let mut checks = Vec::new();
    let what = format!("client {:?}", client.id);
    let base = match client.base.trim().parse::<BaseId>() {
        Ok(base) => base,
        Err(error) => {
            let todo = format!("correct {:?} in its row", client_fields::BASE_ID);
            return vec![Check::wrong(what, error, todo)];
        }
    };
    let what = format!("base {base} of {what}");
    let Some(tables) = schema(airtable, &base, &what, &mut checks).await else { return checks };
    check_tables(&what, &tables, tables_of(client), &mut checks);
    if tables.iter().any(|table| table.name == leads::TABLE) {
        checks.push(check_writing(airtable, &base, &what, leads::TABLE).await);
    }
    checks.extend(check_profiles(&what, &tables));
    if !client.has_scoring(Kind::Post) {
        checks.push(Check::info(what, "its service level has profile scoring only"));
        return checks;
    }
    checks.extend(check_view(&what, &tables));
    checks.extend(check_rubric(airtable, &base, &what, &tables).await);
    checks
}
