//! What `runtally serve` leaves in its folder for the operator's commands: where the services are
//! that it simulates. It holds no secret. Real services are found through the environment.

use super::services::Services;
use crate::invented::World;
use crate::storage::private_file;
use serde::{Deserialize, Serialize};
use shared::config::is_on_this_machine;
use simulators::apify::DEFAULT_ACTOR;
use std::collections::BTreeMap;
use std::io::{self, Write};
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

    /// A variable of the environment, or else of the simulator, if the service is simulated.
    pub(crate) fn variable(&self, name: &'static str) -> Option<String> {
        set(name).or_else(|| {
            let simulated = self.simulated.iter().filter(|(service, _)| !service.has_token());
            simulated.into_iter().find_map(|(_, variables)| variables.get(name).cloned())
        })
    }

    /// Writes the file completely or not at all, because a server may be killed in its first
    /// second.
    pub(crate) fn write(&self, data: &Path) -> io::Result<()> {
        let new = data.join(format!("{FILE}.new"));
        let mut file = private_file(&new)?;
        file.set_len(0)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(new, data.join(FILE))
    }

    /// Reads what the last `serve` on the folder `data` left; empty if it never ran.
    pub(crate) fn read(data: &Path) -> io::Result<Self> {
        match std::fs::read(data.join(FILE)) {
            Ok(json) => Ok(serde_json::from_slice(&json)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }
}

impl Service {
    pub(crate) const ALL: [Self; 3] = [Self::Airtable, Self::Apify, Self::Gemini];

    /// Its name in arguments and forms.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Airtable => "airtable",
            Self::Apify => "apify",
            Self::Gemini => "gemini",
        }
    }

    /// Why nothing is invented if the service is real, and what to do.
    pub(crate) fn refusal(self) -> (&'static str, &'static str) {
        match self {
            Self::Airtable => (
                "Airtable is the real one: invented posts would be written to your bases",
                "`runtally ingest APIFY_RUN_ID --client ID` brings in a harvest that exists; to \
                 play, start `runtally serve` without AIRTABLE_TOKEN",
            ),
            Self::Apify => (
                "Apify is the real one: a harvest there costs money and cannot be invented",
                "start the actor at Apify, then `runtally ingest APIFY_RUN_ID --client ID`; to \
                 play, start `runtally serve` without APIFY_TOKEN",
            ),
            Self::Gemini => (
                "Gemini is the real one: faults can be put only into a simulated one",
                "start `runtally serve` without GEMINI_API_KEY and VERTEX_SERVICE_ACCOUNT to play",
            ),
        }
    }

    /// The variable with the root of its API.
    pub(crate) fn place(self) -> &'static str {
        self.places()[0]
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Airtable => "Airtable",
            Self::Apify => "Apify",
            Self::Gemini => "Gemini",
        }
    }

    /// The token variables. If one of them is set, `serve` does not simulate the service.
    pub(crate) fn tokens(self) -> &'static [&'static str] {
        match self {
            Self::Airtable => &["AIRTABLE_TOKEN"],
            Self::Apify => &["APIFY_TOKEN"],
            Self::Gemini => &["GEMINI_API_KEY", "VERTEX_SERVICE_ACCOUNT"],
        }
    }

    /// The variables with another address of the service.
    fn places(self) -> &'static [&'static str] {
        match self {
            Self::Airtable => &["AIRTABLE_API_URL"],
            Self::Apify => &["APIFY_API_URL"],
            Self::Gemini => &["GEMINI_API_URL", "VERTEX_API_URL"],
        }
    }

    /// Whether the environment has a token of the service, and so decides where it is.
    pub(crate) fn has_token(self) -> bool {
        self.tokens().iter().any(|name| set(name).is_some())
    }

    /// Whether the service is the vendor's own: it has a token, and no address on this machine.
    pub(crate) fn is_real(self) -> bool {
        let is_here = |name: &&str| set(name).is_some_and(|url| is_on_this_machine(&url));
        self.has_token() && !self.places().iter().any(is_here)
    }
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
