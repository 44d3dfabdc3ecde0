//! What `runtally serve` tells the operator's commands: where the services are that it simulates.
//! Holds no secret: what is real is found by the environment, here as there.

use super::services::{Services, tokens};
use crate::invented::World;
use serde::{Deserialize, Serialize};
use simulators::apify::DEFAULT_ACTOR;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The file in the folder of the data.
const FILE: &str = "served.json";

/// An outside service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Service {
    Airtable,
    Apify,
    Gemini,
}

/// Where things are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Served {
    /// Root of the webhook's URL.
    pub(crate) url: String,
    /// Variables that point at the simulators.
    simulated: BTreeMap<Service, BTreeMap<String, String>>,
}

impl Served {
    pub(crate) fn new(url: &str, services: &Services, world: &World) -> Self {
        let variables = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let airtable = variables(&[
            ("AIRTABLE_API_URL", &services.airtable_url),
            ("AIRTABLE_TOKEN", tokens::AIRTABLE),
            ("MASTER_BASE_ID", world.master_base.as_str()),
        ]);
        let apify = variables(&[
            ("APIFY_API_URL", &services.apify_url),
            ("APIFY_TOKEN", tokens::APIFY),
            ("APIFY_ACTORS", DEFAULT_ACTOR),
        ]);
        let gemini = variables(&[
            ("GEMINI_API_URL", &services.gemini_url),
            ("GEMINI_API_KEY", tokens::GEMINI),
        ]);
        let simulated =
            [(Service::Airtable, airtable), (Service::Apify, apify), (Service::Gemini, gemini)];
        Self { url: url.to_owned(), simulated: simulated.into() }
    }

    /// A variable of the environment, or else where the simulator is of a service that is not
    /// the real one.
    pub(crate) fn variable(&self, name: &'static str) -> Option<String> {
        std::env::var(name).ok().or_else(|| {
            let simulated = self.simulated.iter().filter(|(service, _)| !is_real(**service));
            simulated.into_iter().find_map(|(_, variables)| variables.get(name).cloned())
        })
    }

    /// Leaves word in the folder `data`.
    pub(crate) fn write(&self, data: &Path) -> io::Result<()> {
        std::fs::write(data.join(FILE), serde_json::to_vec_pretty(self)?)
    }

    /// What the last `serve` on the folder `data` left; nothing where none ever ran.
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
