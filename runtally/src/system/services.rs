//! The simulated services, each on its own port.

use crate::result::{Fault, Hinted};
use crate::storage::{Database, SimulatorStore};
use simulators::airtable::{Airtable, AirtableOptions, Token};
use simulators::apify::{Apify, ApifyOptions, HttpSender};
use simulators::gemini::{Gemini, GeminiOptions, ServiceAccount};
use simulators::{Clock, Service, Simulated, serve};
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The behaviour of the simulators.
#[expect(missing_docs, reason = "the names of the other fields say all")]
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    pub seed: u64,
    /// Whether Airtable keeps its request limits.
    pub rate_limit: bool,
    pub airtable_latency: Duration,
    pub gemini_latency: Duration,
    pub ports: Ports,
    /// The address of this machine on which they listen.
    pub bind: IpAddr,
    /// Whether Gemini accepts the invented service account besides its API key, as Vertex AI does.
    pub offers_service_account: bool,
}

/// A port for each simulator; 0 means any free port.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Ports {
    /// Port of the simulated Airtable
    #[arg(long = "airtable-port", default_value_t = 9101)]
    pub airtable: u16,
    /// Port of the simulated Apify
    #[arg(long = "apify-port", default_value_t = 9102)]
    pub apify: u16,
    /// Port of the simulated Gemini
    #[arg(long = "gemini-port", default_value_t = 9103)]
    pub gemini: u16,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            rate_limit: true,
            airtable_latency: Duration::ZERO,
            gemini_latency: Duration::ZERO,
            ports: Ports::default(),
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            offers_service_account: false,
        }
    }
}

/// The simulators' invented credentials.
#[expect(missing_docs, reason = "each constant has the name of its service")]
pub mod tokens {
    pub const AIRTABLE: &str = "patSimulated";
    pub const APIFY: &str = "apify_api_simulated";
    pub const GEMINI: &str = "simulated-key";
}

/// The running simulators. They stop when this is dropped.
#[expect(missing_docs, reason = "the names of the other fields say all")]
pub struct Services {
    /// Airtable, on [`Services::airtable_url`].
    pub airtable: Arc<Simulated<Airtable>>,
    /// Apify, on [`Services::apify_url`].
    pub apify: Arc<Simulated<Apify>>,
    /// Gemini, on [`Services::gemini_url`].
    pub gemini: Arc<Simulated<Gemini>>,
    pub airtable_url: String,
    pub apify_url: String,
    pub gemini_url: String,
    _servers: JoinSet<()>,
}

impl Services {
    /// Starts the simulators with the state in `database`, and stores every change there.
    ///
    /// # Errors
    /// When a port is taken or the state cannot be read.
    pub async fn start(options: &ServiceOptions, database: &Database) -> Result<Self, Fault> {
        let ports = options.ports;
        let (airtable_listener, airtable_address) =
            bind("Airtable", options.bind, ports.airtable).await?;
        let (apify_listener, apify_address) = bind("Apify", options.bind, ports.apify).await?;
        let (gemini_listener, gemini_address) = bind("Gemini", options.bind, ports.gemini).await?;

        let store = |service| Arc::new(SimulatorStore::new(database.clone(), service));
        let airtable = Airtable::new(
            AirtableOptions {
                rate_limit: options.rate_limit,
                latency: options.airtable_latency,
                tokens: vec![Token::full(tokens::AIRTABLE)],
                ..AirtableOptions::default()
            },
            Clock::system(),
            store("airtable"),
            options.seed,
        )
        .map_err(unreadable)?;
        let apify = Apify::new(
            ApifyOptions {
                tokens: vec![tokens::APIFY.to_owned()],
                seed: options.seed,
                ..ApifyOptions::default()
            },
            Clock::system(),
            store("apify"),
            Arc::new(HttpSender::new()),
        );
        apify.resume();
        let gemini_url = format!("http://{gemini_address}");
        let service_account = options
            .offers_service_account
            .then(|| ServiceAccount::invented(format!("{gemini_url}/token")));
        let gemini = Gemini::new(
            GeminiOptions {
                api_keys: vec![tokens::GEMINI.to_owned()],
                service_account,
                latency: options.gemini_latency,
                seed: options.seed,
                ..GeminiOptions::default()
            },
            Clock::system(),
            store("gemini"),
        );

        let mut servers = JoinSet::new();
        let seed = options.seed;
        Ok(Self {
            airtable: start(&mut servers, airtable_listener, airtable, seed),
            apify: start(&mut servers, apify_listener, apify, seed),
            gemini: start(&mut servers, gemini_listener, gemini, seed),
            airtable_url: format!("http://{airtable_address}"),
            apify_url: format!("http://{apify_address}/v2"),
            gemini_url,
            _servers: servers,
        })
    }

    /// The variables with which the functions reach the simulators and this master base.
    pub fn variables(&self, master_base: &str) -> [(&'static str, String); 7] {
        [
            ("AIRTABLE_API_URL", self.airtable_url.clone()),
            ("AIRTABLE_TOKEN", tokens::AIRTABLE.to_owned()),
            ("MASTER_BASE_ID", master_base.to_owned()),
            ("APIFY_API_URL", self.apify_url.clone()),
            ("APIFY_TOKEN", tokens::APIFY.to_owned()),
            ("GEMINI_API_URL", self.gemini_url.clone()),
            ("GEMINI_API_KEY", tokens::GEMINI.to_owned()),
        ]
    }
}

fn unreadable(error: impl Display) -> String {
    format!("the simulators' state cannot be read: {error}")
}

async fn bind(
    service: &'static str,
    ip: IpAddr,
    port: u16,
) -> Result<(TcpListener, SocketAddr), Fault> {
    let taken = |error| {
        let message =
            format!("port {port} on {ip} is not free for the simulated {service}: {error}");
        let option = service.to_lowercase();
        Hinted::new(message, format!("stop what uses it, or choose another with --{option}-port"))
    };
    let listener = TcpListener::bind((ip, port)).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    Ok((listener, address))
}

fn start<S: Service>(
    servers: &mut JoinSet<()>,
    listener: TcpListener,
    service: S,
    seed: u64,
) -> Arc<Simulated<S>> {
    let simulated = Arc::new(Simulated::new(service, seed));
    servers.spawn(serve(listener, Arc::clone(&simulated)));
    simulated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_simulators_listen_on_the_address_that_they_are_told() {
        let options = ServiceOptions {
            bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            ports: Ports { airtable: 0, apify: 0, gemini: 0 },
            ..ServiceOptions::default()
        };
        let services = Services::start(&options, &Database::in_memory().unwrap()).await.unwrap();
        for url in [&services.airtable_url, &services.apify_url, &services.gemini_url] {
            assert!(url.starts_with("http://0.0.0.0:"), "{url}");
        }
    }
}
