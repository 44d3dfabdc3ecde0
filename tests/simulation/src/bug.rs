//! Bugs that are planted, to show that the oracle catches them.

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Bug { $($(#[$doc])* $name),+ }

        impl Bug {
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

bugs! {
    /// Token usage is read and dropped on the way to the record.
    TokensDropped,
    /// Only whole answers report their usage.
    TokensOfUselessAnswersDropped,
    /// A run's id is made anew from the clock at every delivery.
    RunIdFromClock,
    /// Airtable refuses a record for a wrong type; the refusal is taken for success.
    RefusalIgnored,
    /// An error of Airtable is taken for "there is no such record": one is created.
    ErrorTakenForMissing,
    /// A record is looked for, and created later if it was not there.
    CheckThenCreate,
    /// A number is read, added to and written back.
    ReadAddWrite,
    /// Only orchestrated runs are counted.
    StandaloneNotCounted,
    /// The posts of a harvest are not found, without an error.
    PostsNotFound,
    /// A record is closed when its work is begun.
    ClosedTooEarly,
    /// The rubric and the row are read anew for each lead.
    RequestsPerLead,
    /// A lead whose call failed is dated as if it were scored.
    FailedLeadDated,
    /// The totals of a second harvest overwrite the first one's.
    SecondHarvestOverwrites,
    /// An answer that was cut off is mended and taken for whole.
    CutAnswerAccepted,
    /// A message counts as done before its events are stored.
    EventsNotStored,
    /// The failed messages of a batch are not reported: they are deleted with the others.
    FailuresIgnored,
    /// A retry reports its calls a second time.
    BilledTwice,
    /// A record that was written already is written again with older numbers.
    OlderStateWritten,
    /// Two leads' rows are mixed up.
    LeadsMixedUp,
    /// New posts take the place of those that were there.
    PostsOverwritten,
    /// What a run scored is forgotten when its message comes again.
    ScoreForgotten,
    /// A dead letter does not say why it is one.
    ReasonOfDeadLetterLost,
    /// Cells that a write does not name are cleared.
    HumanFieldCleared,
    /// The record claims to be balanced whatever it is.
    BalanceClaimed,
    WebhookNotQueued,
    /// No tick comes: what people did to records stays.
    TicksLost,
    /// Every lead is found to have nothing new.
    EverythingSkipped,
    /// Of the leads that wait only the first page is planned.
    SecondPageLost,
    /// A lead's last post is left out of the report.
    PostNotReported,
    /// A record is given its end when it is given its beginning.
    EndedAtOnce,
    /// A stalled record does not name what is missing.
    StallNamesNothing,
    /// Two profiles' assessments are mixed up.
    ProfilesMixedUp,
    /// A denial that passes is taken for the last word.
    DenialTakenForFinal,
    /// A cell with an error is read as an empty one.
    ErrorCellTakenForEmpty,
    /// A token limit that nobody can read is read as none.
    UnreadableLimitIgnored,
    /// Leads that a request names and that do not exist are not told of.
    UnknownLeadsIgnored,
    /// A limit of items is not seen: targets that were never tried count as empty.
    LimitOfItemsNotSeen,
    /// Items that are no posts vanish without being counted.
    OddItemsDropped,
    /// The cost of a harvest that two runs name stands on both records.
    CostCountedTwice,
    /// A base that asked an invocation to wait is asked again at once.
    PenaltyIgnored,
    /// A task that failed is put back where it was: those behind it wait.
    FailedTaskKeepsPlace,
    /// Which attempt it is is read from how often the message was received.
    AttemptFromReceiveCount,
    /// Calls go on though the credit at the model is used up.
    CreditIgnored,
    /// Thoughts that stand in the total alone are not counted.
    ThoughtsOfTotalDropped,
    /// An answer that is not bare JSON is thrown away.
    WrappedAnswerDropped,
    /// A second end of a harvest is taken for the first one.
    SecondEndLost,
    /// The next attempt at a chunk does not know what was paid for already.
    PaidCallsForgotten,
    /// Every attempt is said to have settled leads: none counts.
    ProgressClaimed,
    /// The next attempt at a chunk believes that all its leads are settled.
    LeadsTakenForSettled,
    /// What the calls of a wave became is reported of the wave before it.
    BilledUnderAnotherWave,
    /// A chunk's waves overlap although it has a token limit.
    LimitedWavesOverlap,
}
