//! Wires webhook intake. All decisions are made in the library and in `shared`.

use lambda_http::{Error, Request, run, service_fn};
use shared::adapters::aws::lambda::Aws;
use shared::adapters::aws::sqs::SqsQueue;
use shared::adapters::aws::start::{self, Started};
use shared::config::Vars;
use webhook_intake::{Config, Intake, handle, queue_urls};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = &Box::pin(start())
        .await
        .inspect_err(|error| tracing::error!(%error, "the function does not start"))?;
    let answer = async |request: Request| Ok::<_, Error>(handle(app, request).await);
    // The runtime is ended while it waits for more work. That is not an error of the function.
    Box::pin(run(service_fn(answer))).await.or_else(|error| {
        tracing::info!(%error, "the function ends");
        Ok(())
    })
}

async fn start() -> Result<Intake<SqsQueue>, Error> {
    let Started { variable, clock, clients: sqs, .. } =
        start::start("webhook-intake", Aws::sqs).await?;
    let config = Config::read(&variable)?;
    let queue = SqsQueue::new(sqs, queue_urls(&Vars::new(&variable))?);
    Ok(Intake::new(config, queue, clock))
}
