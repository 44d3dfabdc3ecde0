//! Wires webhook intake. Every decision is made in the library and in `shared`.

use lambda_http::{Error, Request, run, service_fn};
use shared::adapters::aws::lambda::Aws;
use shared::adapters::aws::sqs::SqsQueue;
use shared::adapters::http::HttpTransport;
use shared::config::Vars;
use shared::core::clock::Clock;
use tokio::join;
use webhook_intake::{Config, Intake, handle, queue_urls};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = &Box::pin(start())
        .await
        .inspect_err(|error| tracing::error!(%error, "the function does not start"))?;
    let answer = async |request: Request| Ok::<_, Error>(handle(app, request).await);
    // Whoever runs the function ends it while it asks for more work, which is no failure of ours.
    Box::pin(run(service_fn(answer))).await.or_else(|error| {
        tracing::info!(%error, "the function ends");
        Ok(())
    })
}

/// Turns of the runtime until a request is sent: to connect, to hand over the connection, to write.
const TURNS_TO_SEND: usize = 4;

#[expect(clippy::disallowed_methods, reason = "the environment and the time enter here")]
async fn start() -> Result<Intake<SqsQueue>, Error> {
    let environment = |name| std::env::var(name).ok();
    let vars = Vars::new(environment);
    // Set up while the secret is on its way, or earlier if something fails.
    let logs = || shared::telemetry::logs::init("webhook-intake", &vars);
    let http = HttpTransport::new().inspect_err(|_| logs())?;
    let aws = Aws::read(&vars, &http).inspect_err(|_| logs())?;
    let clock = Clock::system();
    // What needs no secret is set up while the secret is on its way.
    let (variable, sqs) = join!(aws.with_secret(environment, &clock), async {
        for _ in 0..TURNS_TO_SEND {
            tokio::task::yield_now().await;
        }
        logs();
        aws.sqs()
    });
    let variable = variable?;
    let config = Config::read(&variable)?;
    let queue = SqsQueue::new(sqs, queue_urls(&Vars::new(&variable))?);
    Ok(Intake::new(config, queue, clock))
}
