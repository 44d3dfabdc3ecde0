//! Faults that a person injects into a simulated service.

use super::served::Service;
use simulators::{Fault, FaultRule};
use std::str::FromStr;

/// Most requests that one fault affects.
pub(crate) const MOST_FAULTS: u32 = 1_000;

/// Every fault: its name, and what goes wrong.
pub(crate) const FAULTS: [(&str, Fault, &str); 6] = [
    ("too_many_requests", Fault::TooManyRequests, "429: too many requests"),
    ("internal_error", Fault::InternalError, "500: internal error"),
    ("unavailable", Fault::Unavailable, "503: unavailable"),
    ("lost_before", Fault::LostBefore, "the connection breaks before it does anything"),
    ("lost_after", Fault::LostAfter, "it does what was asked, and the answer is lost"),
    ("malformed_body", Fault::MalformedBody, "its answer is cut off in the middle"),
];

/// A fault for the next requests to a simulated service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Injection {
    pub(crate) service: Service,
    pub(crate) fault: Fault,
    /// How many of the next requests are affected.
    pub(crate) next: u32,
}

impl Injection {
    /// The fault with these names. `next` is limited to the bounds.
    pub(crate) fn named(service: &str, fault: &str, next: u32) -> Option<Self> {
        let service = Service::ALL.into_iter().find(|known| known.id() == service)?;
        let (_, fault, _) = FAULTS.into_iter().find(|(name, ..)| *name == fault)?;
        Some(Self { service, fault, next: next.clamp(1, MOST_FAULTS) })
    }

    /// The rule for the simulator.
    pub(crate) fn rule(&self) -> FaultRule {
        FaultRule { fault: self.fault, next: Some(self.next), probability: None, kind: None }
    }

    /// The effect, in a sentence.
    pub(crate) fn in_words(&self) -> String {
        let words = FAULTS.iter().find(|(_, fault, _)| *fault == self.fault);
        let words = words.map_or("", |(.., words)| words);
        let requests = match self.next {
            1 => "The next request".to_owned(),
            next => format!("The next {next} requests"),
        };
        format!("{requests} to {} will fail ({words}).", self.service.name())
    }
}

impl FromStr for Injection {
    type Err = String;

    /// Reads `service:fault` or `service:fault:requests`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (service, fault, next) = (parts.next(), parts.next(), parts.next());
        let next = next.map_or(Ok(1), str::parse::<u32>).ok().filter(|next| *next > 0);
        let known = next.zip(service.zip(fault));
        let known = known.and_then(|(next, (service, fault))| Self::named(service, fault, next));
        known.filter(|_| parts.next().is_none()).ok_or_else(|| {
            let services = Service::ALL.map(Service::id).join(", ");
            let faults = FAULTS.map(|(name, ..)| name).join(", ");
            format!(
                "it needs SERVICE:FAULT:REQUESTS, such as gemini:unavailable:20; services: \
                 {services}; faults: {faults}"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_as_it_is_typed() {
        let typed = |text: &str| text.parse::<Injection>();
        let fault = typed("gemini:unavailable:20").unwrap();
        let expected = Injection { service: Service::Gemini, fault: Fault::Unavailable, next: 20 };
        assert_eq!(fault, expected);
        assert_eq!(
            fault.in_words(),
            "The next 20 requests to Gemini will fail (503: unavailable)."
        );
        assert_eq!(typed("airtable:lost_after").unwrap().next, 1);
        for wrong in [
            "",
            "gemini",
            "gemini:tired:2",
            "slack:unavailable:2",
            "gemini:unavailable:0",
            "gemini:unavailable:x",
            "gemini:unavailable:2:3",
        ] {
            let error = typed(wrong).unwrap_err();
            assert!(error.contains("gemini:unavailable:20"), "{wrong}: {error}");
        }
    }
}
