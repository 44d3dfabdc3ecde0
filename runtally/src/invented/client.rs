//! The clients of the invented agency.

use super::random::{letters, rng};
use super::words::WORDS;
use shared::core::ids::{BaseId, ClientId};

/// A client of the invented agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventedClient {
    /// Its id.
    pub id: ClientId,
    /// Its name.
    pub name: String,
    /// Its base.
    pub base: BaseId,
    /// How many leads it has.
    pub leads: usize,
    /// How many of its leads' profiles wait for scoring, those of the first ones; left to chance
    /// without.
    pub(super) profiles: Option<usize>,
    /// Its place among the clients.
    pub(super) place: usize,
    pub(super) seed: u64,
    /// The number of its first lead in the world.
    pub(super) first_person: u64,
}

impl InventedClient {
    pub(super) fn invent(seed: u64, place: usize, leads: usize, first_person: u64) -> Self {
        let (id, name) = client_name(place);
        let base = base_id(seed, place as u64);
        Self { id, name, base, leads, profiles: None, place, seed, first_person }
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
