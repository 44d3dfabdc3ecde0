//! The master base: clients, harvests, run records.

use super::World;
use super::random::{letters, rng};
use super::tables::{Cells, fill, row, table_spec, with};
use super::words::WORDS;
use serde_json::json;
use shared::core::ids::{BaseId, ClientId};
use shared::schema::{MASTER_BASE, clients, run_record};
use simulators::airtable::{Airtable, EditError, FieldSpec};

/// Fields of the run record that people own, and that nothing else may touch: a text, a checkbox
/// and a formula.
pub const HUMAN_FIELDS: [&str; 3] = ["Notes", "Invoiced", "Cost per Scored Post"];

/// The base of the former client, which is gone.
const FORMER_BASE: &str = "app00000000000000";
const SERVICE_LEVEL: &str = "2-Lead and Post Scoring";

/// The id of the `number`th base of the world that `seed` makes.
pub(super) fn base_id(seed: u64, number: u64) -> BaseId {
    let id = format!("app{}", letters(&mut rng(&[seed, number, 4]), 14));
    id.parse().expect("`app` and 14 letters and digits are a base id")
}

/// The id and name of the client at `place`. No two places have the same.
pub(super) fn client_name(place: usize) -> (ClientId, String) {
    let clients = &WORDS.clients;
    let (id, name) = clients[place % clients.len()];
    let (id, name) = match place / clients.len() {
        0 => (id.to_owned(), name.to_owned()),
        round => (format!("{id}-{}", round + 1), format!("{name} {}", round + 1)),
    };
    (id.parse().expect("the clients' ids follow the rule"), name)
}

/// Makes the master base.
pub(super) fn furnish(world: &World, airtable: &Airtable) -> Result<(), EditError> {
    let base = world.master_base.as_str();
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
    let served = world.clients.iter().map(|client| {
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
