//! Invented profiles, and what a correct system must arrive at when they are scored once.

use super::client::InventedClient;
use super::leads::Lead;
use super::random::rng;
use fastrand::Rng;
use simulators::gemini::Marker;

/// Of this many profiles, the model refuses one, and the answer about one is cut off.
const ROUND: usize = 100;

/// What a correct system must arrive at for one client's waiting profiles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpectedProfiles {
    /// Leads whose profile waits.
    pub waiting: u64,
    /// Waiting profiles that say too little to be judged.
    pub thin: u64,
    /// Waiting profiles for which the model gives no usable answer.
    pub failed: u64,
}

impl ExpectedProfiles {
    /// Profiles that are sent to the model.
    pub fn examined(&self) -> u64 {
        self.waiting - self.thin
    }

    /// Profiles that get a score.
    pub fn scored(&self) -> u64 {
        self.examined() - self.failed
    }

    /// Counts the lead at `place`, whose profile waits.
    pub(super) fn count(&mut self, lead: &Lead, place: usize) {
        self.waiting += 1;
        if is_thin(&mut drawn_for(lead)) {
            self.thin += 1;
        } else if marker(place).is_some() {
            self.failed += 1;
        }
    }
}

impl InventedClient {
    /// What a correct system must arrive at when the client's waiting profiles are scored once.
    pub fn expected_profiles(&self) -> ExpectedProfiles {
        let mut expected = ExpectedProfiles::default();
        for (place, lead) in self.leads().enumerate().take(self.profiles.unwrap_or(0)) {
            expected.count(&lead, place);
        }
        expected
    }
}

pub(super) fn drawn_for(lead: &Lead) -> Rng {
    rng(&[lead.number, 5])
}

pub(super) fn about(lead: &Lead, rng: &mut Rng) -> String {
    if is_thin(rng) {
        return "Hello!".to_owned();
    }
    format!(
        "{} with a liking for plain numbers. Before {} I spent {} years in the field, mostly \
         putting right what nobody had written down.",
        lead.person.role,
        lead.person.company,
        rng.u8(2..25)
    )
}

/// The marker that makes the model misbehave about the waiting profile at `place`.
pub(super) fn marker(place: usize) -> Option<Marker> {
    match place % ROUND {
        7 => Some(Marker::SafetyBlock),
        31 => Some(Marker::Truncate),
        _ => None,
    }
}

fn is_thin(rng: &mut Rng) -> bool {
    rng.u8(..12) == 0
}
