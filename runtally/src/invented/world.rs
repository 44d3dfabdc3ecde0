//! The invented agency as a whole.

use super::client::{InventedClient, base_id};
use super::{client_base, harvest, master};
use shared::core::ids::BaseId;
use simulators::airtable::{Airtable, EditError};

/// How much is invented, and the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Leads of all clients together.
    pub leads: usize,
    /// Clients that are served. One more client is no longer served.
    pub clients: usize,
    /// The seed for everything.
    pub seed: u64,
}

impl Default for Size {
    /// The demo's default: 60 leads of two clients.
    fn default() -> Self {
        Self { leads: 60, clients: 2, seed: 1 }
    }
}

/// An invented agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// The base with clients and run records.
    pub master_base: BaseId,
    /// The clients that are served.
    pub clients: Vec<InventedClient>,
}

impl World {
    /// Invents a world. Leads are distributed evenly; the first clients get the remainder.
    pub fn invent(size: Size) -> Self {
        let mut first_person = 0;
        let clients = (0..size.clients).map(|place| {
            let leads = size.leads / size.clients + usize::from(place < size.leads % size.clients);
            let client = InventedClient::invent(size.seed, place, leads, first_person);
            first_person += harvest::people(leads);
            client
        });
        let clients = clients.collect();
        Self { master_base: base_id(size.seed, u64::MAX), clients }
    }

    /// Makes the profiles of this many leads wait for scoring, at most all leads.
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
    /// If the simulator refuses something because the bases exist.
    pub fn furnish(&self, airtable: &Airtable) -> Result<(), EditError> {
        master::furnish(&self.master_base, &self.clients, airtable)?;
        self.clients.iter().try_for_each(|client| client_base::furnish(client, airtable))
    }

    /// Removes the oddities of the rubrics, so that the doctor has nothing to report about them.
    ///
    /// # Errors
    /// If the bases do not exist.
    pub(crate) fn mend_rubrics(&self, airtable: &Airtable) -> Result<(), EditError> {
        self.clients.iter().try_for_each(|client| client_base::mend_rubric(client, airtable))
    }
}
