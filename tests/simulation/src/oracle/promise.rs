//! What is promised.

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// Tokens on the record are those of every answer that reached a worker that lived to report
    /// it; every other billed answer is counted as unobserved.
    Tokens,
    /// There is one record for each run and client.
    OneRecord,
    /// A record shows only states that the history passed through, and in the end the right one.
    Numbers,
    /// What people wrote stays.
    HumanFields,
    /// A run is Completed only when every planned lead is settled; every run ends or says what it
    /// waits for.
    Ends,
    /// A lead's row holds results of its own posts, from whole answers, and loses no post.
    Leads,
    /// A scored lead is not scored again in its run.
    ScoredOnce,
    /// An accepted webhook ends in a record; a message ends done, or as a dead letter with its
    /// reason, and redriving that completes the run.
    Messages,
    /// A task that fails holds up no other; its attempts are counted and its waits end.
    Lanes,
    /// No base gets more requests than Airtable allows.
    Rates,
    /// `Balance` tells the truth.
    Balance,
    /// What was paid for is used, and without credit nobody is asked.
    Payments,
}

/// A promise that was broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    pub what: String,
}
