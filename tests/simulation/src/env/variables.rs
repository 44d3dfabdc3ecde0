//! The functions' configuration in a schedule.

use runtally::system::tokens;
use simulators::apify::DEFAULT_ACTOR;
use tests::{MASTER_BASE, WEBHOOK_TOKEN};

/// The functions' configuration by variable name.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = match name {
        "WEBHOOK_TOKEN" => WEBHOOK_TOKEN,
        "AIRTABLE_API_URL" => "https://airtable.invalid",
        "AIRTABLE_TOKEN" => tokens::AIRTABLE,
        "MASTER_BASE_ID" => MASTER_BASE,
        "APIFY_API_URL" => "https://apify.invalid/v2",
        "APIFY_TOKEN" => tokens::APIFY,
        "APIFY_ACTORS" => DEFAULT_ACTOR,
        "GEMINI_API_URL" => "https://gemini.invalid",
        "GEMINI_API_KEY" => tokens::GEMINI,
        _ => return None,
    };
    Some(value.to_owned())
}
