//! The promises of the system.

/// A promise of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// The tokens on the record are those of every answer that reached a worker that lived to
    /// report it. Every other billed answer is counted as unobserved.
    Tokens,
    /// Each run and client has one record.
    OneRecord,
    /// A record shows only states that occurred, and the right one at the end.
    Numbers,
    /// What people wrote stays unchanged.
    HumanFields,
    /// A run is Completed only if every planned lead is settled. Every run ends or says what it
    /// waits for.
    Ends,
    /// A lead's row has results for its own posts, from complete answers, and loses no post.
    Leads,
    /// A scored lead is not scored again in its run.
    ScoredOnce,
    /// An accepted webhook leads to a record. A message ends as done, or as a dead letter with its
    /// reason, and redriving the dead letter completes the run.
    Messages,
    /// A failing task does not hold up another task. Its attempts are counted and its waits end.
    Lanes,
    /// No base gets more requests than Airtable allows.
    Rates,
    /// `Balance` is true.
    Balance,
    /// Paid answers are used, and without credit no calls are made.
    Payments,
}

/// A promise that was broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    pub what: String,
}
