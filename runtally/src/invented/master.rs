//! The master base: clients, harvests, run records.

use super::World;
use super::fields::{Cells, field_spec, fill, row};
use super::random::{letters, rng};
use super::words::{CLIENTS, FORMER_CLIENT};
use serde_json::json;
use shared::core::ids::{BaseId, ClientId};
use shared::schema::{apify, clients, run_record};
use simulators::airtable::{Airtable, EditError, FieldSpec, TableSpec};

/// Fields of the run record that people own, and that nothing else may touch: a text, a checkbox
/// and a formula.
pub const HUMAN_FIELDS: [&str; 3] = ["Notes", "Invoiced", "Cost per Scored Post"];

/// The base of the former client, which is gone.
const FORMER_BASE: &str = "app00000000000000";
const SERVICE_LEVELS: [&str; 2] = ["1-Lead Scoring", "2-Lead and Post Scoring"];

/// The id of the `number`th base of the world that `seed` makes.
pub(super) fn base_id(seed: u64, number: u64) -> BaseId {
    let id = format!("app{}", letters(&mut rng(&[seed, number, 4]), 14));
    id.parse().expect("`app` and 14 letters and digits are a base id")
}

/// The id and name of the client at `place`. No two places have the same.
pub(super) fn client_name(place: usize) -> (ClientId, String) {
    let (id, name) = CLIENTS[place % CLIENTS.len()];
    let (id, name) = match place / CLIENTS.len() {
        0 => (id.to_owned(), name.to_owned()),
        round => (format!("{id}-{}", round + 1), format!("{name} {}", round + 1)),
    };
    (id.parse().expect("the clients' ids follow the rule"), name)
}

/// Makes the master base.
pub(super) fn furnish(world: &World, airtable: &Airtable) -> Result<(), EditError> {
    let base = world.master_base.as_str();
    airtable.add_base(base, "Agency")?;
    for table in [clients_table(), apify_table(), run_record_table()] {
        airtable.add_table(base, table)?;
    }
    let served = world.clients.iter().map(|client| {
        client_row((client.id.as_str(), &client.name), clients::ACTIVE, client.base.as_str())
    });
    let former = client_row(FORMER_CLIENT, clients::INACTIVE, FORMER_BASE);
    fill(airtable, base, clients::TABLE, served.chain([former]))
}

fn client_row((id, name): (&str, &str), status: &str, base: &str) -> Cells {
    row([
        (clients::CLIENT_ID, json!(id)),
        (clients::CLIENT_NAME, json!(name)),
        (clients::STATUS, json!(status)),
        (clients::BASE_ID, json!(base)),
        (clients::SERVICE_LEVEL, json!(SERVICE_LEVELS[1])),
    ])
}

fn clients_table() -> TableSpec {
    TableSpec::new(
        clients::TABLE,
        vec![
            FieldSpec::text(clients::CLIENT_ID),
            FieldSpec::text(clients::CLIENT_NAME),
            FieldSpec::single_select(clients::STATUS, &[clients::ACTIVE, clients::INACTIVE]),
            FieldSpec::text(clients::BASE_ID),
            FieldSpec::single_select(clients::SERVICE_LEVEL, &SERVICE_LEVELS),
            FieldSpec::number(clients::PROFILE_TOKEN_LIMIT, 0),
            FieldSpec::number(clients::POST_TOKEN_LIMIT, 0),
        ],
    )
}

fn apify_table() -> TableSpec {
    TableSpec::new(
        apify::TABLE,
        vec![
            FieldSpec::text(apify::RUN_ID),
            FieldSpec::text(apify::CLIENT_ID),
            FieldSpec::text(apify::APIFY_RUN_ID),
            FieldSpec::text(apify::STATUS),
            FieldSpec::date_time(apify::CREATED_AT),
            FieldSpec::date_time(apify::COMPLETED_AT),
            FieldSpec::text(apify::DATASET_ID),
            FieldSpec::long_text(apify::ERROR),
        ],
    )
}

fn run_record_table() -> TableSpec {
    let [notes, invoiced, cost_per_post] = HUMAN_FIELDS;
    let mut fields: Vec<FieldSpec> =
        run_record::FIELDS.iter().chain(&run_record::OPERATOR_FIELDS).map(field_spec).collect();
    fields.push(FieldSpec::long_text(notes));
    fields.push(FieldSpec::checkbox(invoiced));
    fields.push(FieldSpec::formula(cost_per_post, Some(json!(0))));
    TableSpec::new(run_record::TABLE, fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn clients_have_ids_of_their_own() {
        let ids: HashSet<ClientId> = (0..200).map(|place| client_name(place).0).collect();
        assert_eq!(ids.len(), 200);
        assert!(ids.iter().any(|id| id.as_str().contains(' ')));
        assert!(ids.iter().any(|id| id.as_str().matches('-').count() > 1));
    }
}
