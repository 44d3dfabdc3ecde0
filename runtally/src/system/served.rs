//! What `runtally serve` leaves in its folder for the operator's commands: where the services are
//! that it simulates. It holds no secret; real services are found by the environment.

use super::services::Services;
use crate::invented::World;
use serde::{Deserialize, Serialize};
use simulators::apify::DEFAULT_ACTOR;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

const FILE: &str = "served.json";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Service {
    Airtable,
    Apify,
    Gemini,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Served {
    pub(crate) url: String,
    /// Variables that point at the simulators.
    simulated: BTreeMap<Service, BTreeMap<String, String>>,
}

impl Served {
    pub(crate) fn new(url: &str, services: &Services, world: &World) -> Self {
        let mut simulated: BTreeMap<Service, BTreeMap<String, String>> = BTreeMap::new();
        let actors = [("APIFY_ACTORS", DEFAULT_ACTOR.to_owned())];
        for (name, value) in
            services.variables(world.master_base.as_str()).into_iter().chain(actors)
        {
            let service = match name.split('_').next() {
                Some("APIFY") => Service::Apify,
                Some("GEMINI") => Service::Gemini,
                _ => Service::Airtable,
            };
            simulated.entry(service).or_default().insert(name.to_owned(), value);
        }
        Self { url: url.to_owned(), simulated }
    }

    /// A variable of the environment, or else of the simulator of a service that is not real.
    pub(crate) fn variable(&self, name: &'static str) -> Option<String> {
        std::env::var(name).ok().or_else(|| {
            let simulated = self.simulated.iter().filter(|(service, _)| !is_real(**service));
            simulated.into_iter().find_map(|(_, variables)| variables.get(name).cloned())
        })
    }

    pub(crate) fn write(&self, data: &Path) -> io::Result<()> {
        std::fs::write(data.join(FILE), serde_json::to_vec_pretty(self)?)
    }

    /// Reads what the last `serve` on the folder `data` left; empty where none ever ran.
    pub(crate) fn read(data: &Path) -> io::Result<Self> {
        match std::fs::read(data.join(FILE)) {
            Ok(json) => Ok(serde_json::from_slice(&json)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }
}

/// Whether the service's token is set in the environment: then it is the real one.
pub(crate) fn is_real(service: Service) -> bool {
    let tokens: &[&str] = match service {
        Service::Airtable => &["AIRTABLE_TOKEN"],
        Service::Apify => &["APIFY_TOKEN"],
        Service::Gemini => &["GEMINI_API_KEY", "VERTEX_SERVICE_ACCOUNT"],
    };
    let is_set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    tokens.iter().any(is_set)
}
