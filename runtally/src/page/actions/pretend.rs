//! Actions on the simulators: harvests, faults, and what people do to records. An action exists
//! only if its service is simulated.

use super::form::{Preview, select};
use super::{Done, failed, of_run, wrong};
use crate::invented::{self, Harvest, InventedClient};
use crate::page::book::Book;
use crate::page::query::Query;
use crate::page::site::Problem;
use crate::page::source::Source;
use crate::system::{FAULTS, Injection, MOST_FAULTS, Service};
use maud::html;
use serde_json::{Map, Value};
use shared::core::ids::{ClientId, RunId, RunStamp};
use shared::core::linkedin::ProfileKey;
use shared::schema::{leads, run_record};
use simulators::airtable::Airtable;
use simulators::apify::{Apify, Webhook};

/// The fault that a form describes: the service, what goes wrong, and how many requests are
/// affected.
pub(super) fn fault(query: &Query) -> Option<Injection> {
    let next = u32::try_from(query.number("next").unwrap_or(1)).unwrap_or(MOST_FAULTS);
    Injection::named(query.get("service")?, query.get("fault")?, next)
}

fn only_simulated(service: &str) -> Problem {
    Problem::NotFound(format!(
        "{service} is not simulated here: this can only be done to a simulator."
    ))
}

/// The simulated Apify, if its invented data reaches no real base.
fn apify(source: &Source) -> Result<&Apify, Problem> {
    let airtable = Service::Airtable;
    if source.services.iter().any(|state| state.name == airtable.name() && state.is_real) {
        let (why, what_to_do) = airtable.refusal();
        return Err(Problem::NotFound(format!("{why}. {what_to_do}.")));
    }
    source
        .simulators
        .apify
        .as_ref()
        .map(|apify| apify.service())
        .ok_or_else(|| only_simulated("Apify"))
}

fn airtable(source: &Source) -> Result<&Airtable, Problem> {
    let airtable = source.simulators.airtable.as_ref().map(|airtable| airtable.service());
    airtable.ok_or_else(|| only_simulated("Airtable"))
}

pub(super) fn preview_harvest(source: &Source) -> Result<Preview, Problem> {
    apify(source)?;
    let clients: Vec<(&str, &str)> = source
        .simulators
        .clients
        .iter()
        .map(|client| (client.id.as_str(), client.name.as_str()))
        .collect();
    Ok(Preview {
        title: "Fire a harvest".to_owned(),
        does: vec![
            "The simulated Apify finishes a harvest of new invented posts of a client's leads, and sends its webhook.".to_owned(),
            "Everything after that is real work: the harvest is read, planned and scored, and its record is written.".to_owned(),
        ],
        costs: if source.simulators.gemini.is_some() {
            "nothing: the model is simulated"
        } else {
            "what the calls of the real model cost"
        }
        .to_owned(),
        hidden: Vec::new(),
        fields: select("Client", "client", &clients, ""),
        button: (!clients.is_empty()).then_some("Fire it"),
        is_danger: false,
        back: "/".to_owned(),
    })
}

pub(super) async fn harvest(
    source: &Source,
    book: &Book,
    client: Option<&ClientId>,
) -> Result<Done, Problem> {
    let apify = apify(source)?;
    let clients = &source.simulators.clients;
    let chosen: Option<&InventedClient> = clients.iter().find(|known| Some(&known.id) == client);
    let client =
        chosen.ok_or_else(|| Problem::NotFound("There is no such invented client.".to_owned()))?;
    let now = source.now();
    let started_at = Harvest::started_at(now);
    let heads = book.heads(&source.deployment, now - source.verify_for).await?;
    let is_first = !heads.iter().any(|head| head.run.client() == client.id);
    let harvest = if is_first { client.harvest() } else { newer(source, client)? };
    apify.add_run(harvest.run(now, webhook(source, client)));
    let run = RunId::new(&RunStamp::at(started_at), &client.id);
    Ok(Done {
        says: format!("Apify announces a harvest; its run will be {run}."),
        look_at: "/".to_owned(),
    })
}

/// A harvest of new posts of the client's leads. The first harvest again would bring only posts
/// that are scored.
fn newer(source: &Source, client: &InventedClient) -> Result<Harvest, Problem> {
    let rows = airtable(source)?.rows(client.base.as_str(), leads::TABLE);
    let rows = rows.map_err(|error| failed(error.to_string()))?;
    let urls = rows.iter().filter_map(|row| row.fields.get(leads::PROFILE_URL)?.as_str());
    let urls = urls.filter(|url| ProfileKey::of(url).is_some());
    let profiles: Vec<String> = urls.map(ToOwned::to_owned).collect();
    Ok(Harvest::of_profiles(&profiles, source.now().as_millisecond().unsigned_abs()))
}

fn webhook(source: &Source, client: &InventedClient) -> Option<Webhook> {
    let (url, token) = source.simulators.webhook.as_ref()?;
    Some(invented::webhook_for(url, token, &client.id))
}

pub(super) fn preview_fault(source: &Source) -> Result<Preview, Problem> {
    let services = simulated(source);
    if services.is_empty() {
        return Err(only_simulated("No service"));
    }
    let faults = FAULTS.map(|(name, _, words)| (name, words));
    let fields = html! {
        (select("Service", "service", &services, ""))
        (select("What goes wrong", "fault", &faults, "unavailable"))
        label { span { "How many of its next requests" } input type="number" name="next" min="1" max=(MOST_FAULTS) value="20"; }
    };
    Ok(Preview {
        title: "Inject a fault".to_owned(),
        does: vec![
            "The next requests to the simulated service fail. Watch what waits, why, and how it \
             continues."
                .to_owned(),
        ],
        costs: "answers that are lost are on the model's bill all the same".to_owned(),
        hidden: Vec::new(),
        fields,
        button: Some("Inject it"),
        is_danger: true,
        back: "/system".to_owned(),
    })
}

fn simulated(source: &Source) -> Vec<(&'static str, &'static str)> {
    let simulators = &source.simulators;
    let is_there = |service: &Service| match service {
        Service::Airtable => simulators.airtable.is_some(),
        Service::Apify => simulators.apify.is_some(),
        Service::Gemini => simulators.gemini.is_some(),
    };
    let services = Service::ALL.into_iter().filter(is_there);
    services.map(|service| (service.id(), service.name())).collect()
}

pub(super) fn inject(source: &Source, fault: Option<Injection>) -> Result<Done, Problem> {
    let injection = fault.ok_or_else(|| wrong("There is no such fault, or no such service."))?;
    let simulators = &source.simulators;
    let faults = match injection.service {
        Service::Airtable => simulators.airtable.as_ref().map(|service| service.faults()),
        Service::Apify => simulators.apify.as_ref().map(|service| service.faults()),
        Service::Gemini => simulators.gemini.as_ref().map(|service| service.faults()),
    };
    let faults = faults.ok_or_else(|| only_simulated("This service"))?;
    faults.add(injection.rule());
    Ok(Done { says: injection.in_words(), look_at: "/system".to_owned() })
}

pub(super) fn preview_delete(source: &Source, run: &RunId) -> Result<Preview, Problem> {
    rows_of(airtable(source)?, source, run)?;
    Ok(Preview {
        title: format!("Delete the record of {run}"),
        does: vec![
            "Deletes its row in the simulated Airtable, as a person might by mistake.".to_owned(),
            "Then send a tick, or wait for one: the metrics finalizer creates the record again from the log, and notes it.".to_owned(),
        ],
        costs: "nothing".to_owned(),
        hidden: vec![("run", run.to_string())],
        fields: html! {},
        button: Some("Delete the record"),
        is_danger: true,
        back: of_run(run),
    })
}

pub(super) fn delete(source: &Source, run: &RunId) -> Result<Done, Problem> {
    let airtable = airtable(source)?;
    let rows = rows_of(airtable, source, run)?;
    for row in &rows {
        let deleted = airtable.delete_record(source.master.as_str(), run_record::TABLE, row);
        deleted.map_err(|error| failed(error.to_string()))?;
    }
    source.last.records.forget();
    Ok(Done {
        says: format!("{} deleted.", shared::core::counted::counted(rows.len(), "record")),
        look_at: of_run(run),
    })
}

/// The names of the cells that may be edited. Without its identity, a row would belong to another
/// run.
fn editable() -> impl Iterator<Item = &'static str> {
    let names = run_record::FIELDS.iter().map(|field| field.name);
    names.filter(|name| ![run_record::RUN_ID, run_record::CLIENT_ID].contains(name))
}

pub(super) fn preview_edit(source: &Source, run: &RunId) -> Result<Preview, Problem> {
    rows_of(airtable(source)?, source, run)?;
    let fields: Vec<(&str, &str)> = editable().map(|name| (name, name)).collect();
    let fields = html! {
        (select("Cell", "field", &fields, run_record::POST_TOKENS))
        label { span { "New value" } input type="text" name="value" value="1" autocomplete="off"; }
    };
    Ok(Preview {
        title: format!("Edit the record of {run}"),
        does: vec![
            "Changes a cell in the simulated Airtable, as a person might.".to_owned(),
            "Then send a tick, or wait for one: the metrics finalizer writes the cell again from the log, and notes it.".to_owned(),
        ],
        costs: "nothing".to_owned(),
        hidden: vec![("run", run.to_string())],
        fields,
        button: Some("Change the cell"),
        is_danger: true,
        back: of_run(run),
    })
}

pub(super) fn edit(source: &Source, run: &RunId, form: &Query) -> Result<Done, Problem> {
    let airtable = airtable(source)?;
    let field = form.get("field").unwrap_or_default();
    if !editable().any(|name| name == field) {
        return Err(wrong("There is no such cell to edit."));
    }
    let text = form.get("value").unwrap_or_default();
    // JSON has neither NaN nor infinity.
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    let value = number.map_or_else(|| Value::from(text), Value::from);
    let cells = Map::from_iter([(field.to_owned(), value)]);
    for row in rows_of(airtable, source, run)? {
        let edited = airtable.edit(source.master.as_str(), run_record::TABLE, &row, cells.clone());
        edited.map_err(|error| wrong(error.to_string()))?;
    }
    source.last.records.forget();
    Ok(Done { says: format!("{field} is changed."), look_at: of_run(run) })
}

/// The ids of a run's rows: at least one.
fn rows_of(airtable: &Airtable, source: &Source, run: &RunId) -> Result<Vec<String>, Problem> {
    let rows = airtable.rows(source.master.as_str(), run_record::TABLE);
    let rows = rows.map_err(|error| failed(error.to_string()))?;
    let is_of_run = |fields: &Map<String, Value>| {
        fields.get(run_record::RUN_ID).and_then(Value::as_str) == Some(run.as_str())
    };
    let rows: Vec<String> =
        rows.into_iter().filter(|row| is_of_run(&row.fields)).map(|row| row.id).collect();
    if rows.is_empty() {
        return Err(Problem::NotFound(format!("There is no record of a run {run}.")));
    }
    Ok(rows)
}
