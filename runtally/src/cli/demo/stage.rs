//! The demo's environment: simulated services, the functions, and invented clients.

use super::options::Options;
use crate::invented::{self, Expected, ExpectedProfiles, Harvest, InventedClient, Size, World};
use crate::result::Fault;
use crate::storage::Database;
use crate::system::{ServiceOptions, Services, System};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::NON_ALPHANUMERIC;
use serde_json::json;
use shared::adapters::http::HttpTransport;
use shared::core::ids::{BaseId, RunId, RunStamp};
use shared::ports::Transport;
use simulators::airtable::Row;
use simulators::apify::{EventType, Webhook};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;

/// How long a killed system is down: as long as Airtable remembers earlier requests, because the
/// next process does not know about them.
const DOWN_FOR: Duration = Duration::from_millis(1_100);

pub(super) struct Dispatched {
    pub(super) client: InventedClient,
    /// Apify's id of the harvest, and the webhook that announces its end.
    harvest: (String, Webhook),
    pub(super) run: RunId,
    pub(super) expected: Expected,
    pub(super) profiles: ExpectedProfiles,
}

pub(super) struct Stage {
    pub(super) services: Services,
    pub(super) system: System,
    pub(super) world: World,
    database: Database,
    address: SocketAddr,
    variables: HashMap<&'static str, String>,
    seed: u64,
}

impl Stage {
    /// Starts everything. The invented bases exist, and nothing is to be scored yet.
    pub(super) async fn set(options: &Options) -> Result<Self, Fault> {
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
        let mut variables = HashMap::from(services.variables(world.master_base.as_str()));
        variables.insert("WEBHOOK_TOKEN", webhook_token);
        variables.extend(options.leads_per_call.map(|leads| ("LEADS_PER_CALL", leads.to_string())));
        let seed = options.seed;
        let system = System::start(|name| variables.get(name).cloned(), &database, listener, seed)?;
        Ok(Self { services, system, world, database, address, variables, seed })
    }

    /// Stops the system like a crash, and starts it again with the same data and address.
    pub(super) async fn kill_and_start(&mut self) -> Result<(), Fault> {
        self.system.kill().await;
        tokio::time::sleep(DOWN_FOR).await;
        let listener = TcpListener::bind(self.address).await?;
        self.seed += 1;
        let variable = |name: &'static str| self.variables.get(name).cloned();
        self.system = System::start(variable, &self.database, listener, self.seed)?;
        Ok(())
    }

    fn webhook_token(&self) -> &str {
        &self.variables["WEBHOOK_TOKEN"]
    }

    pub(super) fn rows(&self, base: &BaseId, table: &str) -> Result<Vec<Row>, Fault> {
        let airtable = self.services.airtable.service();
        airtable.rows(base.as_str(), table).map_err(|error| error.to_string().into())
    }

    /// Requests scoring of a client's profiles, in the run of its harvest.
    pub(super) async fn score_profiles(&self, run: &Dispatched) -> Result<(), Fault> {
        let body = json!({"clientId": run.client.id, "kind": "profile", "runId": run.run});
        let request = http::Request::post(format!("http://{}/runs", self.address))
            .header("Authorization", format!("Bearer {}", self.webhook_token()))
            .body(body.to_string().into())?;
        let answer = HttpTransport::new()?.send(request, Duration::from_secs(10)).await?;
        if answer.status() != http::StatusCode::ACCEPTED {
            return Err(format!("POST /runs was answered {}", answer.status()).into());
        }
        Ok(())
    }

    /// Makes Apify announce the end of a harvest again.
    pub(super) fn announce(&self, run: &Dispatched) {
        let (harvest, webhook) = &run.harvest;
        self.services.apify.service().dispatch(harvest, EventType::Succeeded, webhook);
    }

    /// Makes Apify announce a harvest of each client that has leads. Every second harvest belongs
    /// to an orchestrated run, whose id the webhook names; the others are standalone.
    pub(super) fn dispatch(&self) -> Vec<Dispatched> {
        let now = Timestamp::now();
        let started_at = Harvest::started_at(now);
        let orchestrated = RunStamp::at(started_at - SignedDuration::from_mins(30));
        let mut dispatched = Vec::new();
        let harvests = self.world.clients.iter().map(|client| (client, client.harvest()));
        let with_targets = harvests.filter(|(_, harvest)| harvest.expected.targets > 0);
        for (at, (client, harvest)) in with_targets.enumerate() {
            let id = percent_encoding::utf8_percent_encode(client.id.as_str(), NON_ALPHANUMERIC);
            let mut url = format!("http://{}/webhooks/apify?clientId={id}", self.address);
            let run_stamp = if at % 2 == 0 {
                url = format!("{url}&runId={orchestrated}");
                orchestrated.clone()
            } else {
                RunStamp::at(started_at)
            };
            let webhook = invented::webhook(url, self.webhook_token());
            let spec = harvest.run(now, Some(webhook.clone()));
            let apify_run = self.services.apify.service().add_run(spec);
            let run = RunId::new(&run_stamp, &client.id);
            let profiles = client.expected_profiles();
            dispatched.push(Dispatched {
                client: client.clone(),
                harvest: (apify_run, webhook),
                run,
                expected: harvest.expected,
                profiles,
            });
        }
        dispatched
    }
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
