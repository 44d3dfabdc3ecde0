//! The trace of a webhook, which its messages carry from queue to queue (X-Ray).
//!
//! Lambda starts a new trace for each request and for each batch of messages. To make one webhook
//! traceable, every message carries the header of the trace that it comes from. Messages that a
//! function sends while it works on a message carry the same header, and every log line has the
//! trace's id.
//!
//! Header and id: <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>

use std::future::Future;
use tracing::Instrument;

/// The message attribute with the header.
pub const ATTRIBUTE: &str = "AWSTraceHeader";

/// Longest header that is accepted. AWS's headers have about half this length.
const MAX_HEADER: usize = 256;

tokio::task_local! {
    /// The header of the message in work.
    static HEADER: Option<TraceHeader>;
}

/// A tracing header with a readable root, such as
/// `Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceHeader(String);

impl TraceHeader {
    /// The header in `text`; `None` if it is not valid. It comes from outside, and if a queue
    /// refused the header it would refuse the whole message.
    pub fn read(text: &str) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "=;:-_.".contains(c);
        let header = Self(text.to_owned());
        (text.len() <= MAX_HEADER && text.chars().all(is_plain) && is_id(header.root()?))
            .then_some(header)
    }

    /// The header as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The trace's id.
    pub fn id(&self) -> &str {
        self.root().expect("a header has a root")
    }

    fn root(&self) -> Option<&str> {
        self.0.split(';').find_map(|part| part.strip_prefix("Root="))
    }
}

/// Whether `text` consists of a version, a time and a random part.
fn is_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_hexdigit());
    matches!(parts.as_slice(), ["1", time, random] if is_hex(time, 8) && is_hex(random, 24))
}

/// Works on a message with this header. Log lines have the id of its trace, and sent messages carry
/// its header.
pub async fn follow<F: Future>(header: Option<TraceHeader>, work: F) -> F::Output {
    let span = tracing::info_span!("message", trace.id = header.as_ref().map(TraceHeader::id));
    HEADER.scope(header, work.instrument(span)).await
}

/// Works on several messages together. Log lines list the ids of their traces.
pub async fn link<F: Future>(headers: impl Iterator<Item = TraceHeader>, work: F) -> F::Output {
    let mut ids: Vec<String> = headers.map(|header| header.id().to_owned()).collect();
    ids.sort();
    ids.dedup();
    let links = (!ids.is_empty()).then(|| ids.join(","));
    work.instrument(tracing::info_span!("batch", trace.links = links)).await
}

/// The header of the message in work.
pub fn header() -> Option<TraceHeader> {
    HEADER.try_with(Clone::clone).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    #[test]
    fn a_header_names_its_trace_and_anything_else_is_none() {
        let read = TraceHeader::read(HEADER).unwrap();
        assert_eq!(read.id(), "1-5759e988-bd862e3fe1be46a994272793");
        let by_a_balancer = format!("Self=1-67891234-12456789abcdef012345678;{HEADER}");
        assert_eq!(TraceHeader::read(&by_a_balancer).unwrap().id(), read.id());
        let long = format!("{HEADER};Lineage={}", "a".repeat(MAX_HEADER));
        for text in [
            "",
            "Sampled=1",
            "Root=",
            "Root=1-5759e988",
            "Root=1-5759e988-xd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a994272793;\u{1}",
            long.as_str(),
        ] {
            assert_eq!(TraceHeader::read(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_done_for_a_message_has_its_trace_and_what_is_not_has_none() {
        let read = TraceHeader::read(HEADER);
        assert_eq!(header(), None);
        follow(read.clone(), async {
            assert_eq!(header(), read);
            follow(None, async { assert_eq!(header(), None, "a tick") }).await;
        })
        .await;
        assert_eq!(header(), None);
    }
}
