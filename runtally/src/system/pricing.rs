//! The price of scoring the leads that wait, computed at once.

use super::one_machine::OneMachine;
use crate::result::Fault;
use crate::storage::{Database, QueueSettings, SqliteQueue};
use futures_util::future::BoxFuture;
use scoring::{Limits, Scoring, WaitingPrice};
use shared::adapters::http::HttpTransport;
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::core::ids::ClientId;
use shared::messages::ScoreWaiting;
use shared::ports::Env;
use shared::services::airtable::{Limiters, Rate};
use std::sync::Arc;
use std::time::Duration;

/// Longest time for computing a price. It covers as many leads as can be read in this time.
const LONGEST: Duration = Duration::from_mins(10);

/// Computes the price of scoring a client's waiting leads, or says why it is unknown. Nothing else
/// is done.
pub(crate) type Pricer = Arc<
    dyn Fn(ScoreWaiting, ClientId) -> BoxFuture<'static, Result<WaitingPrice, String>>
        + Send
        + Sync,
>;

/// The pricer of a process that scores. An answer takes at most `time`.
pub(super) fn pricer<E: Env>(scoring: &Arc<Scoring<E>>, time: Duration) -> Pricer {
    let scoring = Arc::clone(scoring);
    Arc::new(move |task, client| {
        let scoring = Arc::clone(&scoring);
        Box::pin(async move {
            let deadline = Deadline(tokio::time::Instant::now() + time);
            let priced = scoring::price_waiting(&scoring, &task, &client, deadline).await;
            priced.map_err(|failure| failure.reason)
        })
    })
}

/// The pricer of a process that runs no function. It uses only Airtable and the price table.
///
/// # Errors
/// Names the variable that is missing or wrong.
pub(crate) fn pricer_alone(
    variables: impl Fn(&'static str) -> Option<String>,
) -> Result<Pricer, Fault> {
    // Services that are not called need no token here.
    let needless = |name| match name {
        "APIFY_API_URL" => None,
        "APIFY_TOKEN" => Some("not-needed".to_owned()),
        "GEMINI_API_KEY" if variables("VERTEX_SERVICE_ACCOUNT").is_none() => {
            Some(variables(name).unwrap_or_else(|| "not-needed".to_owned()))
        }
        other => variables(other),
    };
    let config = scoring::Config::read(needless)?;
    let clock = Clock::system();
    let settings =
        QueueSettings { visibility_timeout: Duration::MAX, max_receive_count: 1, seed: 0 };
    let queue = SqliteQueue::new(Database::in_memory()?, clock.clone(), settings);
    let adapters = scoring::Adapters { transport: HttpTransport::new()?, queue };
    let limiters = Arc::new(Limiters::of_one_process(Rate::FINALIZER));
    let limits = Limits::of_the_only_process(&limiters);
    let random = fastrand::Rng::with_seed(0);
    let scoring = Scoring::<OneMachine>::new(config, adapters, limits, clock, random);
    Ok(pricer(&Arc::new(scoring), LONGEST))
}
