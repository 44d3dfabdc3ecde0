//! The master base: clients, harvests, run records.

use super::client::InventedClient;
use super::tables::{Cells, fill, row, table_spec, with};
use super::words::WORDS;
use serde_json::json;
use shared::core::ids::BaseId;
use shared::schema::{MASTER_BASE, clients, run_record};
use simulators::airtable::{Airtable, EditError, FieldSpec};

/// Fields of the run record that belong to people and that nothing else may touch: a text, a
/// checkbox and a formula.
pub(super) const HUMAN_FIELDS: [&str; 3] = ["Notes", "Invoiced", "Cost per Scored Post"];

/// The base of the former client, which no longer exists.
const FORMER_BASE: &str = "app00000000000000";
const SERVICE_LEVEL: &str = "2-Lead and Post Scoring";

pub(super) fn furnish(
    base: &BaseId,
    clients: &[InventedClient],
    airtable: &Airtable,
) -> Result<(), EditError> {
    let base = base.as_str();
    airtable.add_base(base, "Agency")?;
    let [notes, invoiced, cost_per_post] = HUMAN_FIELDS;
    for table in &MASTER_BASE {
        let changed = match table.name {
            clients::TABLE => {
                let choices = [clients::ACTIVE, clients::INACTIVE];
                vec![FieldSpec::single_select(clients::STATUS, &choices)]
            }
            run_record::TABLE => vec![
                FieldSpec::long_text(notes),
                FieldSpec::checkbox(invoiced),
                FieldSpec::formula(cost_per_post, Some(json!(0))),
            ],
            _ => Vec::new(),
        };
        airtable.add_table(base, with(table_spec(table), changed))?;
    }
    let served = clients.iter().map(|client| {
        client_row((client.id.as_str(), &client.name), clients::ACTIVE, client.base.as_str())
    });
    let former = client_row(WORDS.former_client, clients::INACTIVE, FORMER_BASE);
    fill(airtable, base, clients::TABLE, served.chain([former]))
}

fn client_row((id, name): (&str, &str), status: &str, base: &str) -> Cells {
    row([
        (clients::CLIENT_ID, json!(id)),
        (clients::CLIENT_NAME, json!(name)),
        (clients::STATUS, json!(status)),
        (clients::BASE_ID, json!(base)),
        (clients::SERVICE_LEVEL, json!(SERVICE_LEVEL)),
    ])
}
