//! The clients of the invented agency.

use super::random::{letters, rng};
use super::words::WORDS;
use shared::core::ids::{BaseId, ClientId};
use shared::schema::leads;

/// A client of the invented agency.
#[expect(missing_docs, reason = "the names of the other fields say all")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventedClient {
    pub id: ClientId,
    pub name: String,
    pub base: BaseId,
    pub leads: usize,
    /// How many of its leads have a profile that waits for scoring, beginning with the first;
    /// random if `None`.
    pub(super) profiles: Option<usize>,
    /// Its place among the clients.
    pub(super) place: usize,
    pub(super) seed: u64,
    /// The number of its first lead, in the whole world.
    pub(super) first_person: u64,
}

impl InventedClient {
    pub(super) fn invent(seed: u64, place: usize, leads: usize, first_person: u64) -> Self {
        let (id, name) = client_name(place);
        let base = base_id(seed, place as u64);
        Self { id, name, base, leads, profiles: None, place, seed, first_person }
    }

    /// Whether the base has all optional fields of `Leads`. Every other base lacks some, and the
    /// field that says whether people acted on a lead.
    pub(super) fn has_all_fields(&self) -> bool {
        self.place.is_multiple_of(2)
    }

    pub(super) fn has_field(&self, name: &str) -> bool {
        if self.has_all_fields() {
            return true;
        }
        let mut optional = leads::POST_FIELDS.iter().filter(|field| field.optional);
        let left_out = optional.position(|field| field.name == name).is_some_and(|at| at % 2 == 0);
        name != leads::POSTS_ACTIONED && !left_out
    }
}

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
