//! The invented agency as a whole.

use super::client::{InventedClient, base_id};
use super::{client_base, harvest, master};
use shared::core::ids::BaseId;
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

impl World {
    /// Invents a world. Leads are dealt out evenly, the first clients getting what is left over.
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

    /// Lets so many leads' profiles wait for scoring, at most as many as there are leads.
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
        master::furnish(&self.master_base, &self.clients, airtable)?;
        self.clients.iter().try_for_each(|client| client_base::furnish(client, airtable))
    }

    /// Takes out what is odd about the rubrics, so that a doctor has nothing to say of them.
    ///
    /// # Errors
    /// If the bases are not there.
    pub(crate) fn mend_rubrics(&self, airtable: &Airtable) -> Result<(), EditError> {
        self.clients.iter().try_for_each(|client| client_base::mend_rubric(client, airtable))
    }
}
