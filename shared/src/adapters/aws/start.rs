//! How each function starts: its log, its secret, its clients of AWS.

use super::lambda::Aws;
use crate::adapters::http::HttpTransport;
use crate::config::Vars;
use crate::core::clock::Clock;
use crate::telemetry::logs;
use std::error::Error;
use tokio::join;

/// Turns of the runtime until a request is sent: to connect, to hand over the connection, to write.
const TURNS_TO_SEND: usize = 4;

/// What a function has once its secret is read.
#[derive(Debug)]
pub struct Started<V, C> {
    /// A variable by its name, as [`Aws::with_secret`] says.
    pub variable: V,
    pub http: HttpTransport,
    pub clock: Clock,
    /// What the function made of [`Aws`].
    pub clients: C,
}

/// Starts `function`, whose log lines bear that name. What needs no secret is set up while the secret
/// is on its way: that is a part of each cold start.
///
/// # Errors
/// A variable of Lambda's that is missing, no TLS, or a secret that cannot be read.
#[expect(clippy::disallowed_methods, reason = "the environment and the time enter here")]
pub async fn start<C>(
    function: &'static str,
    make_clients: impl FnOnce(&Aws) -> C,
) -> Result<Started<impl Fn(&'static str) -> Option<String>, C>, Box<dyn Error + Send + Sync>> {
    let environment = |name| std::env::var(name).ok();
    let vars = Vars::new(environment);
    // Set up while the secret is on its way, or earlier if something fails.
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
