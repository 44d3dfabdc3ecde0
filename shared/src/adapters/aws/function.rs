//! The main loop of a function that a queue invokes.

use crate::core::deadline::Deadline;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
pub use lambda_runtime::Error;
use lambda_runtime::{Context, LambdaEvent, run, service_fn};
use std::time::SystemTime;

/// Starts the function once, and answers its invocations until Lambda ends the process. Each batch of
/// messages is handled until the invocation's deadline.
///
/// # Errors
/// What keeps the function from starting; it is logged.
pub async fn answer_batches<App>(
    start: impl Future<Output = Result<App, Error>>,
    handle: impl AsyncFn(&App, SqsEvent, Deadline) -> SqsBatchResponse,
) -> Result<(), Error> {
    let app = &Box::pin(start)
        .await
        .inspect_err(|error| tracing::error!(%error, "the function does not start"))?;
    let ended = Box::pin(run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let deadline = deadline(&event.context);
        Ok::<_, Error>(handle(app, event.payload, deadline).await)
    })))
    .await;
    // Whoever runs the function ends it while it asks for more work, which is no failure of ours.
    ended.or_else(|error| {
        tracing::info!(%error, "the function ends");
        Ok(())
    })
}

#[expect(clippy::disallowed_methods, reason = "the time enters here")]
fn deadline(context: &Context) -> Deadline {
    Deadline::after(context.deadline().duration_since(SystemTime::now()).unwrap_or_default())
}
