//! The parts of the outside world.

use crate::fault::Fault;

/// A service that is called over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Airtable,
    Gemini,
    Apify,
}

impl Service {
    /// Its name in a script.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Airtable => "airtable",
            Self::Gemini => "gemini",
            Self::Apify => "apify",
        }
    }
}

/// A part of the outside world that can be unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Service(Service),
    Queue,
    Log,
    /// The function itself. It does not start, as if its secret could not be read.
    Scoring,
}

impl Part {
    /// Every part, with the fault that makes it unavailable.
    pub(crate) const ALL: [(Self, Fault); 6] = [
        (Self::Service(Service::Airtable), Fault::AirtableOutage),
        (Self::Service(Service::Gemini), Fault::GeminiOutage),
        (Self::Service(Service::Apify), Fault::ApifyOutage),
        (Self::Queue, Fault::QueueOutage),
        (Self::Log, Fault::LogOutage),
        (Self::Scoring, Fault::ScoringOutage),
    ];
}
