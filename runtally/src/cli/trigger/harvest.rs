//! Makes the simulated Apify finish a harvest.

use super::event::Event;
use super::running::Running;
use super::simulator::{Simulator, refuse_real};
use crate::cli::operator::Place;
use crate::cli::output::print_json;
use crate::invented::{Harvest, webhook_for};
use crate::result::{CommandResult, Fault, Hinted};
use crate::system::{Injection, Service, Variables};
use scoring::Client;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shared::adapters::http::HttpTransport;
use shared::config::Vars;
use shared::core::clock::Clock;
use shared::core::counted::counted;
use shared::core::ids::{BaseId, ClientId, RunId, RunStamp};
use shared::core::linkedin::ProfileKey;
use shared::messages::Kind;
use shared::schema::{clients, leads};
use simulators::apify::{RunSpec, RunStatus};
use std::io::Write;
use std::process::ExitCode;

/// Leads of a harvest, unless the user gives a number.
const USUAL_LEADS: usize = 10;

/// Options of `runtally trigger harvest`.
#[derive(Debug, clap::Args)]
pub(super) struct HarvestOptions {
    #[command(flatten)]
    pub(super) place: Place,
    /// Whose leads are harvested (default: the first client that is served)
    #[arg(long)]
    pub(super) client: Option<ClientId>,
    /// How many of the client's leads (default: 10, or all if there are fewer)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=25_000))]
    leads: Option<u32>,
    /// A fault for a simulated service first, such as gemini:unavailable:20; can be repeated
    #[arg(long = "fault", value_name = "SERVICE:FAULT:REQUESTS")]
    faults: Vec<Injection>,
    /// Root of the system's URL (default: that of the `runtally serve` on --data)
    #[arg(long)]
    pub(super) url: Option<String>,
}

/// The harvest's client, and the harvested profiles.
struct Targets {
    client: ClientId,
    profiles: Vec<String>,
}

pub(super) async fn run(options: &HarvestOptions) -> CommandResult {
    finish(options, Event::Ended(RunStatus::Succeeded), RunStatus::Succeeded).await
}

/// Makes the simulated Apify end a harvest with this event, and send its webhook.
pub(super) async fn finish(
    options: &HarvestOptions,
    event: Event,
    status: RunStatus,
) -> CommandResult {
    refuse_real(Service::Airtable)?;
    let (variables, transport) = (options.place.variables()?, HttpTransport::new()?);
    let apify = Simulator::find(Service::Apify, &variables, &transport).await?;
    let running = Running::find(&options.place, options.url.as_deref())?;
    running.greet(&transport).await?;
    let targets = targets(options, &variables, &transport).await?;
    for fault in &options.faults {
        let simulator = Simulator::find(fault.service, &variables, &transport).await?;
        simulator.post(&transport, "_sim/faults", &fault.rule()).await?;
    }
    let now = Clock::system().now();
    let started_at = Harvest::started_at(now);
    let webhook = webhook_for(&running.webhook(), running.token.expose_secret(), &targets.client);
    let harvest = Harvest::of_profiles(&targets.profiles, now.as_millisecond().unsigned_abs());
    let spec = RunSpec { status, ..harvest.run(now, Some(webhook)) };
    let added = apify.post(&transport, "_sim/runs", &spec).await?;
    let run = RunId::new(&RunStamp::at(started_at), &targets.client);
    let told = Told { event, run, added: &added, targets: &targets, running: &running };
    told.print(options)?;
    Ok(ExitCode::SUCCESS)
}

/// The answer of the command.
struct Told<'a> {
    event: Event,
    run: RunId,
    added: &'a Value,
    targets: &'a Targets,
    running: &'a Running,
}

impl Told<'_> {
    fn print(&self, options: &HarvestOptions) -> Result<(), Fault> {
        let (run, client) = (&self.run, &self.targets.client);
        let count = self.targets.profiles.len();
        if options.place.json {
            let faults: Vec<String> = options.faults.iter().map(Injection::in_words).collect();
            return print_json(&json!({"run": run, "apify_run": self.added["runId"],
                "client": client, "leads": count, "event": self.event.name(), "faults": faults}));
        }
        let mut out = std::io::stdout().lock();
        for fault in &options.faults {
            writeln!(out, "{}", fault.in_words())?;
        }
        let (name, leads) = (self.event.name(), counted(count, "lead"));
        writeln!(out, "Apify sends {name}: a harvest of {leads} of {client}. Its run is {run}.")?;
        let root = &self.running.root;
        Ok(writeln!(out, "Watch it with `runtally runs --watch`, or at {root}/.")?)
    }
}

/// The profiles of the client's first leads. They come from the simulator's control endpoint,
/// because API requests would count against the system's limit.
async fn targets(
    options: &HarvestOptions,
    variables: &impl Variables,
    transport: &HttpTransport,
) -> Result<Targets, Fault> {
    let airtable = Simulator::find(Service::Airtable, variables, transport).await?;
    let purpose = "the id of the base that lists the clients";
    let master: BaseId = Vars::new(variables).required("MASTER_BASE_ID", purpose)?;
    let rows = airtable.rows(transport, &master, clients::TABLE).await?;
    let mut listed: Vec<Client> = rows.iter().map(Client::read).collect();
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    let client = chosen(&listed, options.client.as_ref())?;
    let id: ClientId = client.id.parse()?;
    let base: BaseId = client.base.trim().parse()?;
    let rows = airtable.rows(transport, &base, leads::TABLE).await?;
    let urls = rows.iter().map(|row| row.text(leads::PROFILE_URL));
    let mut profiles: Vec<String> = urls.filter(|url| ProfileKey::of(url).is_some()).collect();
    let wanted = options.leads.map_or(USUAL_LEADS.min(profiles.len()), |leads| leads as usize);
    if profiles.is_empty() || wanted > profiles.len() {
        let all = counted(profiles.len(), "lead");
        let message = format!("client {id} has {all} with a LinkedIn profile URL");
        let table = leads::TABLE;
        let hint = format!("use fewer --leads, or add leads to the table {table:?} of {base}");
        return Err(Hinted::new(message, hint));
    }
    profiles.truncate(wanted);
    Ok(Targets { client: id, profiles })
}

/// The client with this id, or the first client whose posts are scored.
fn chosen<'a>(clients: &'a [Client], named: Option<&ClientId>) -> Result<&'a Client, Fault> {
    let mut served = clients.iter().filter(|client| client.is_active());
    let found = match named {
        Some(named) => served.clone().find(|client| client.id == named.as_str()),
        None => served.find(|client| client.has_scoring(Kind::Post)),
    };
    found.ok_or_else(|| {
        let named = named.map_or("no client is served".to_owned(), |named| {
            format!("no client {named} is served")
        });
        let ids = clients.iter().filter(|client| client.is_active()).map(|client| &*client.id);
        let ids = ids.collect::<Vec<_>>().join(", ");
        Hinted::new(named, format!("clients that are served: {ids}"))
    })
}
