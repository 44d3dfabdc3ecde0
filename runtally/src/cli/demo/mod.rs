//! `runtally demo`: the whole pipeline in one process, on invented data, with its proof.

mod progress;
mod proof;
mod show;

use super::CommandResult;
use crate::invented::{Expected, ExpectedProfiles, InventedClient, Size, World};
use crate::storage::Database;
use crate::system::{ServiceOptions, Services, System, Variables, tokens};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::NON_ALPHANUMERIC;
use proof::Proof;
use serde_json::json;
use shared::adapters::http::HttpTransport;
use shared::core::ids::{RunId, RunStamp};
use shared::ports::Transport;
use simulators::apify::{RunSpec, RunStatus, Webhook, WebhookSpec};
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Options of `runtally demo`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How many leads, over all clients (at most 25,000)
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=25_000))]
    leads: u32,
    /// How many of them have a profile that waits for scoring, scored in the same runs
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=25_000))]
    profiles: u32,
    /// How many leads the model is asked about at once (the system's own choice without it)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10))]
    leads_per_call: Option<u32>,
    /// Compare what a post-scored lead costs with one lead in each call of the model, on the same
    /// data without profiles
    #[arg(long)]
    compare: bool,
    /// How many clients
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    clients: u32,
    /// Feeds everything that is invented or drawn
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long the simulated Gemini takes for an answer
    #[arg(long, default_value_t = 200)]
    latency_ms: u64,
    /// How long the simulated Airtable takes for an answer
    #[arg(long, default_value_t = 50)]
    airtable_latency_ms: u64,
    /// Switch the simulated Airtable's request limits off
    #[arg(long)]
    no_rate_limit: bool,
    /// Answer with one JSON object
    #[arg(long)]
    json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            leads: 60,
            profiles: 0,
            leads_per_call: None,
            compare: false,
            clients: 2,
            seed: 1,
            latency_ms: 200,
            airtable_latency_ms: 50,
            no_rate_limit: false,
            json: false,
        }
    }
}

/// How long before the demo its harvests ended: Apify's figures are final by then.
const HARVESTED_AGO: SignedDuration = SignedDuration::from_secs(60);

/// A harvest of the demo and the run it belongs to.
pub(crate) struct Dispatched<'a> {
    client: &'a InventedClient,
    run: RunId,
    expected: Expected,
    profiles: ExpectedProfiles,
}

/// Runs the demo. Succeeds only if the proof holds.
///
/// # Errors
/// When the system cannot be started on this machine, or more profiles are asked for than leads.
pub async fn run(options: &Options) -> CommandResult {
    if options.profiles > options.leads {
        let (profiles, leads) = (options.profiles, options.leads);
        return Err(format!("{profiles} profiles need as many leads; there are {leads}").into());
    }
    let proof = run_once(options).await?;
    let comparison = if options.compare { Some(compare(options).await?) } else { None };
    if options.json {
        show::json(&proof, comparison.as_ref())?
    } else {
        show::tables(&proof, comparison.as_ref())?
    }
    let holds = proof.holds() && comparison.is_none_or(|comparison| comparison.holds);
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a post-scored lead costs, with several leads in each call and with one.
pub(crate) struct Comparison {
    /// Dollars per lead with several leads in a call, as the system does it by itself.
    pub(crate) several: f64,
    /// Dollars per lead with one lead in a call.
    pub(crate) one: f64,
    /// Whether the proof of both runs holds.
    pub(crate) holds: bool,
}

/// Scores the same posts twice.
async fn compare(options: &Options) -> Result<Comparison, Box<dyn Error + Send + Sync>> {
    let options = Options { profiles: 0, json: true, ..options.clone() };
    let several = run_once(&options).await?;
    let one = run_once(&Options { leads_per_call: Some(1), ..options }).await?;
    Ok(Comparison {
        several: several.cost_per_scored_lead(),
        one: one.cost_per_scored_lead(),
        holds: several.holds() && one.holds(),
    })
}

/// Runs the whole pipeline once on a world of its own.
async fn run_once(options: &Options) -> Result<Proof, Box<dyn Error + Send + Sync>> {
    let world = World::invent(Size {
        leads: options.leads as usize,
        clients: options.clients as usize,
        seed: options.seed,
    });
    let world = match options.profiles {
        0 => world,
        profiles => world.with_waiting_profiles(profiles as usize),
    };
    let database = Database::in_memory()?;
    let services = Services::start(&service_options(options), &database).await?;
    world.furnish(services.airtable.service())?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let webhook_token = format!("{:032x}", fastrand::u128(..));
    let variable = variables(&services, &world, webhook_token.clone(), options.leads_per_call);
    let system = System::start(variable, &database, listener, options.seed)?;

    let started = Instant::now();
    let dispatched = dispatch(&services, &world, address, &webhook_token);
    for run in dispatched.iter().filter(|run| run.profiles.waiting > 0) {
        score_profiles(run, address, &webhook_token).await?;
    }
    let finished = progress::follow(&services, &system, &world, &dispatched, !options.json).await?;
    Proof::of(&services, &system, &world, &dispatched, started.elapsed(), finished).await
}

/// Asks for the profiles of a client to be scored in the run that its harvest belongs to.
async fn score_profiles(
    run: &Dispatched<'_>,
    address: SocketAddr,
    webhook_token: &str,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let body = json!({"clientId": run.client.id, "kind": "profile", "runId": run.run});
    let request = http::Request::post(format!("http://{address}/runs"))
        .header("Authorization", format!("Bearer {webhook_token}"))
        .body(body.to_string().into())?;
    let answer = HttpTransport::new()?.send(request, Duration::from_secs(10)).await?;
    if answer.status() != http::StatusCode::ACCEPTED {
        return Err(format!("POST /runs was answered {}", answer.status()).into());
    }
    Ok(())
}

fn service_options(options: &Options) -> ServiceOptions {
    ServiceOptions {
        seed: options.seed,
        rate_limit: !options.no_rate_limit,
        airtable_latency: Duration::from_millis(options.airtable_latency_ms),
        gemini_latency: Duration::from_millis(options.latency_ms),
        ..ServiceOptions::default()
    }
}

fn variables(
    services: &Services,
    world: &World,
    webhook_token: String,
    leads_per_call: Option<u32>,
) -> impl Variables + use<> {
    let mut values = vec![
        ("WEBHOOK_TOKEN", webhook_token),
        ("AIRTABLE_API_URL", services.airtable_url.clone()),
        ("AIRTABLE_TOKEN", tokens::AIRTABLE.to_owned()),
        ("MASTER_BASE_ID", world.master_base.to_string()),
        ("APIFY_API_URL", services.apify_url.clone()),
        ("APIFY_TOKEN", tokens::APIFY.to_owned()),
        ("GEMINI_API_URL", services.gemini_url.clone()),
        ("GEMINI_API_KEY", tokens::GEMINI.to_owned()),
    ];
    values.extend(leads_per_call.map(|leads| ("LEADS_PER_CALL", leads.to_string())));
    move |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
}

/// Lets Apify announce a harvest of each client: every other one belongs to an orchestrated run,
/// whose id comes along, the others stand alone.
fn dispatch<'a>(
    services: &Services,
    world: &'a World,
    address: SocketAddr,
    webhook_token: &str,
) -> Vec<Dispatched<'a>> {
    let finished_at = Timestamp::now() - HARVESTED_AGO;
    let started_at = finished_at - SignedDuration::from_mins(4);
    let orchestrated = RunStamp::at(started_at - SignedDuration::from_mins(30));
    let mut dispatched = Vec::new();
    for (at, client) in world.clients.iter().enumerate() {
        let id = percent_encoding::utf8_percent_encode(client.id.as_str(), NON_ALPHANUMERIC);
        let mut url = format!("http://{address}/webhooks/apify?clientId={id}");
        let run_stamp = if at % 2 == 0 {
            url = format!("{url}&runId={orchestrated}");
            orchestrated.clone()
        } else {
            RunStamp::at(started_at)
        };
        let headers = json!({"Authorization": format!("Bearer {webhook_token}")});
        let webhook = Webhook::try_from(WebhookSpec {
            headers_template: Some(headers.to_string()),
            ..WebhookSpec::new(url)
        })
        .expect("the template is a constant that Apify takes");
        let harvest = client.harvest();
        services.apify.service().add_run(RunSpec {
            status: RunStatus::Succeeded,
            started_at: Some(started_at),
            finished_at: Some(finished_at),
            input: harvest.input,
            items: harvest.items,
            cost_usd: Some(harvest.cost_usd),
            webhooks: vec![webhook],
            ..RunSpec::default()
        });
        let run = RunId::new(&run_stamp, &client.id);
        let profiles = client.expected_profiles();
        dispatched.push(Dispatched { client, run, expected: harvest.expected, profiles });
    }
    dispatched
}
