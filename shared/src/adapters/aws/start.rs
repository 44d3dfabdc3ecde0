//! How each function starts: its logs, its secret, and its AWS clients.

use super::lambda::Aws;
use crate::adapters::http::HttpTransport;
use crate::config::Vars;
use crate::core::clock::Clock;
use crate::telemetry::logs;
use std::error::Error;
use tokio::join;

/// How many times the task yields until the request for the secret is sent: to connect, to hand
/// over the connection, and to write.
const TURNS_TO_SEND: usize = 4;

/// What a function has once its secret is read.
#[derive(Debug)]
pub struct Started<V, C> {
    /// Returns a variable by name; see [`Aws::with_secret`].
    pub variable: V,
    pub http: HttpTransport,
    pub clock: Clock,
    /// The clients that the function made from [`Aws`].
    pub clients: C,
}

/// Starts `function`; its log lines carry this name. Everything that does not need the secret is
/// set up while the secret is being fetched, because this time is a part of each cold start.
///
/// # Errors
/// A variable of Lambda is missing, TLS cannot be set up, or the secret cannot be read.
#[expect(clippy::disallowed_methods, reason = "the environment and the time enter here")]
pub async fn start<C>(
    function: &'static str,
    make_clients: impl FnOnce(&Aws) -> C,
) -> Result<Started<impl Fn(&'static str) -> Option<String>, C>, Box<dyn Error + Send + Sync>> {
    let environment = |name| std::env::var(name).ok();
    let vars = Vars::new(environment);
    // Called while the secret is being fetched, or earlier to log an error.
    let init_logs = || logs::init(function, &vars);
    let http = HttpTransport::new().inspect_err(|_| init_logs())?;
    let aws = Aws::read(&vars, &http).inspect_err(|_| init_logs())?;
    let clock = Clock::system();
    let (variable, clients) = join!(aws.with_secret(environment, &clock), async {
        for _ in 0..TURNS_TO_SEND {
            tokio::task::yield_now().await;
        }
        init_logs();
        make_clients(&aws)
    });
    Ok(Started { variable: variable?, http, clock, clients })
}
