//! Sends one webhook as Apify would.

use super::event::Event;
use super::harvest::{HarvestOptions, finish};
use super::running::Running;
use crate::cli::output::print_json;
use crate::result::CommandResult;
use serde_json::json;
use shared::adapters::http::HttpTransport;
use shared::core::ids::ApifyRunId;
use std::io::Write;
use std::process::ExitCode;

/// Options of `runtally trigger webhook`.
#[derive(Debug, clap::Args)]
pub(super) struct WebhookOptions {
    /// succeeded, failed, aborted, timed-out or test; or Apify's own name
    event: Event,
    /// Announce this existing Apify run once more, and invent nothing
    #[arg(long, value_name = "APIFY_RUN_ID")]
    apify_run: Option<ApifyRunId>,
    #[command(flatten)]
    pub(super) harvest: HarvestOptions,
}

pub(super) async fn run(options: &WebhookOptions) -> CommandResult {
    match (options.event, &options.apify_run) {
        (Event::Ended(status), None) => finish(&options.harvest, options.event, status).await,
        (Event::Test, _) => tell(options, None).await,
        (Event::Ended(_), Some(run)) => tell(options, Some(run)).await,
    }
}

/// Posts the webhook itself, about an existing run or as a test.
async fn tell(options: &WebhookOptions, run: Option<&ApifyRunId>) -> CommandResult {
    let HarvestOptions { place, url, client, .. } = &options.harvest;
    let transport = HttpTransport::new()?;
    let running = Running::find(place, url.as_deref())?;
    let name = options.event.name();
    let body = json!({"eventType": name, "eventData": run.map(|run| json!({"actorRunId": run})),
        "resource": run.map_or(json!({}), |run| json!({"id": run}))});
    let query = client.as_ref().map(|client| {
        let id: String = url::form_urlencoded::byte_serialize(client.as_str().as_bytes()).collect();
        format!("?clientId={id}")
    });
    let query = query.unwrap_or_default();
    let (status, said) = running.post(&transport, &query, &body).await?;
    if place.json {
        print_json(&json!({"event": name, "apify_run": run, "status": status.as_u16(),
            "answer": said}))?;
    } else {
        let (url, status) = (running.webhook(), status.as_u16());
        writeln!(std::io::stdout(), "{name} was sent to {url}, which answers {status}: {said}")?;
    }
    Ok(ExitCode::SUCCESS)
}
