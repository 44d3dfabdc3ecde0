//! `runtally trigger`: makes a simulated Apify finish a harvest or send a webhook, so that there is
//! something to watch. On real services it refuses everything that would invent data.

mod event;
mod harvest;
mod running;
mod simulator;
mod webhook;

use crate::result::CommandResult;
use clap::Subcommand;
use harvest::HarvestOptions;
use webhook::WebhookOptions;

/// Options of `runtally trigger`.
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Let the simulated Apify finish a harvest of new invented posts, and send its webhook
    Harvest(HarvestOptions),
    /// Send one webhook of Apify's: succeeded, failed, aborted, timed-out or test
    Webhook(WebhookOptions),
}

impl Options {
    /// Whether a program reads the answer.
    pub fn answers_json(&self) -> bool {
        match &self.what {
            What::Harvest(options) => options.place.json,
            What::Webhook(options) => options.harvest.place.json,
        }
    }
}

/// Triggers the harvest or webhook.
///
/// # Errors
/// When no system or no simulator answers, or a service that would get invented data is real.
pub async fn run(options: &Options) -> CommandResult {
    match &options.what {
        What::Harvest(options) => harvest::run(options).await,
        What::Webhook(options) => webhook::run(options).await,
    }
}
