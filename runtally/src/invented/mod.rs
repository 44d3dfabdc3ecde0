//! Invented clients, leads, posts and harvests, for the demo and for tests of the whole system.
//!
//! Everything is made from a seed: the same [`Size`] gives the same world. The world holds every
//! oddity that real data is known for, and each harvest comes with what a correct system must
//! arrive at. Items are made client by client, when they are asked for.

mod cases;
mod client_base;
mod expected;
mod harvest;
mod items;
mod leads;
mod master;
mod people;
mod posts;
mod profiles;
mod random;
mod rows;
mod rubric;
mod spelling;
mod stored;
mod tables;
#[cfg(test)]
mod tests;
mod texts;
mod words;

pub use expected::Expected;
pub use master::HUMAN_FIELDS;
pub use profiles::ExpectedProfiles;
pub use tables::{field_spec, table_spec};

use serde_json::Value;
use shared::core::ids::{BaseId, ClientId};
use simulators::airtable::{Airtable, EditError};

/// How much is invented, and from what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Leads of all clients together.
    pub leads: usize,
    /// Clients that are served; one more is served no more.
    pub clients: usize,
    /// What everything is made from.
    pub seed: u64,
}

impl Default for Size {
    /// The demo's: 60 leads of two clients.
    fn default() -> Self {
        Self { leads: 60, clients: 2, seed: 1 }
    }
}

/// An invented agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// The base of clients and run records.
    pub master_base: BaseId,
    /// The clients that are served.
    pub clients: Vec<InventedClient>,
}

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
    profiles: Option<usize>,
    /// Its place among the clients.
    place: usize,
    seed: u64,
    /// The number of its first lead in the world.
    first_person: u64,
}

/// What Apify has to tell of one run of the actor, and what must come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Harvest {
    /// The actor's input.
    pub input: Value,
    /// The dataset's items, in no order.
    pub items: Vec<Value>,
    /// What the run cost.
    pub cost_usd: f64,
    /// What a correct system arrives at when it scores this harvest once.
    pub expected: Expected,
}

impl World {
    /// Invents a world. Leads are dealt out evenly, the first clients getting what is left over.
    #[must_use]
    pub fn invent(size: Size) -> Self {
        let mut first_person = 0;
        let clients = (0..size.clients).map(|place| {
            let leads = size.leads / size.clients + usize::from(place < size.leads % size.clients);
            let client = InventedClient::invent(size.seed, place, leads, first_person);
            first_person += harvest::people(leads);
            client
        });
        let clients = clients.collect();
        Self { master_base: master::base_id(size.seed, u64::MAX), clients }
    }

    /// Lets so many leads' profiles wait for scoring, at most as many as there are leads.
    #[must_use]
    pub fn with_waiting_profiles(mut self, profiles: usize) -> Self {
        let clients = self.clients.len().max(1);
        let mut left = profiles;
        for (place, client) in self.clients.iter_mut().enumerate() {
            let part = profiles / clients + usize::from(place < profiles % clients);
            let waiting = part.min(client.leads).min(left);
            client.profiles = Some(waiting);
            left -= waiting;
        }
        self
    }

    /// Puts the master base and every client's base into a simulated Airtable.
    ///
    /// # Errors
    /// If the simulator refuses something: the bases are there already.
    pub fn furnish(&self, airtable: &Airtable) -> Result<(), EditError> {
        master::furnish(self, airtable)?;
        self.clients.iter().try_for_each(|client| client_base::furnish(client, airtable))
    }
}

impl InventedClient {
    fn invent(seed: u64, place: usize, leads: usize, first_person: u64) -> Self {
        let (id, name) = master::client_name(place);
        let base = master::base_id(seed, place as u64);
        Self { id, name, base, leads, profiles: None, place, seed, first_person }
    }

    /// The client's harvest. It is made anew each time, always the same.
    #[must_use]
    pub fn harvest(&self) -> Harvest {
        harvest::harvest(self)
    }

    /// What a correct system arrives at when the client's waiting profiles are scored once.
    #[must_use]
    pub fn expected_profiles(&self) -> ExpectedProfiles {
        let mut expected = ExpectedProfiles::default();
        for (place, lead) in self.leads().enumerate().take(self.profiles.unwrap_or(0)) {
            expected.count(&lead, place);
        }
        expected
    }
}
