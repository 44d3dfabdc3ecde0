//! Planted bugs, to show that the oracle catches them.

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
    /// Only complete answers report their usage.
    TokensOfUselessAnswersDropped,
    /// A new run id is made from the clock at every delivery.
    RunIdFromClock,
    /// Airtable refuses a record because of a wrong type, and the refusal is treated as success.
    RefusalIgnored,
    /// An error of Airtable is treated as "the record does not exist", so one is created.
    ErrorTakenForMissing,
    /// A record is looked up, and created later if it did not exist.
    CheckThenCreate,
    /// A number is read, added to and written back.
    ReadAddWrite,
    /// Only orchestrated runs are counted.
    StandaloneNotCounted,
    /// The posts of a harvest are not found, without an error.
    PostsNotFound,
    /// A record is closed when its work begins.
    ClosedTooEarly,
    /// The rubric and the row are read again for each lead.
    RequestsPerLead,
    /// A lead whose call failed is dated as if it were scored.
    FailedLeadDated,
    /// The totals of a second harvest overwrite the first one's.
    SecondHarvestOverwrites,
    /// A truncated answer is repaired and treated as complete.
    CutAnswerAccepted,
    /// A message counts as done before its events are stored.
    EventsNotStored,
    /// The failed messages of a batch are not reported, so they are deleted with the others.
    FailuresIgnored,
    /// A retry reports its calls a second time.
    BilledTwice,
    /// A written record is overwritten with older numbers.
    OlderStateWritten,
    /// Two leads' rows are mixed up.
    LeadsMixedUp,
    /// New posts replace the existing ones.
    PostsOverwritten,
    /// A run's scores are forgotten when its message comes again.
    ScoreForgotten,
    /// A dead letter does not have its reason.
    ReasonOfDeadLetterLost,
    /// A write clears cells that it does not name.
    HumanFieldCleared,
    /// The record always claims to be balanced.
    BalanceClaimed,
    WebhookNotQueued,
    /// No tick comes, so people's changes to records stay.
    TicksLost,
    /// Every lead seems to have nothing new.
    EverythingSkipped,
    /// Only the first page of waiting leads is planned.
    SecondPageLost,
    /// A lead's last post is left out of the report.
    PostNotReported,
    /// A record gets its end together with its beginning.
    EndedAtOnce,
    /// A stalled record does not name what is missing.
    StallNamesNothing,
    /// Two profiles' assessments are mixed up.
    ProfilesMixedUp,
    /// A temporary denial is treated as final.
    DenialTakenForFinal,
    /// A cell with an error is read as empty.
    ErrorCellTakenForEmpty,
    /// An unreadable token limit is read as no limit.
    UnreadableLimitIgnored,
    /// The record does not mention leads in a request that do not exist.
    UnknownLeadsIgnored,
    /// A limit on items is not noticed: targets that were never tried count as empty.
    LimitOfItemsNotSeen,
    /// Items that are not posts vanish without being counted.
    OddItemsDropped,
    /// The cost of a harvest that two runs name is on both records.
    CostCountedTwice,
    /// A request is sent at once to a base that asked to wait.
    PenaltyIgnored,
    /// A failed task keeps its place, so those behind it wait.
    FailedTaskKeepsPlace,
    /// The attempt is taken from the message's receive count.
    AttemptFromReceiveCount,
    /// Calls continue although the model's credit is used up.
    CreditIgnored,
    /// Thoughts that are only in the total are not counted.
    ThoughtsOfTotalDropped,
    /// An answer that is not bare JSON is thrown away.
    WrappedAnswerDropped,
    /// A second end of a harvest is treated as the first one.
    SecondEndLost,
    /// The next attempt at a chunk does not know which calls were paid for.
    PaidCallsForgotten,
    /// Every attempt claims to have settled leads, so none counts.
    ProgressClaimed,
    /// The next attempt at a chunk believes that all its leads are settled.
    LeadsTakenForSettled,
    /// The outcome of a wave's calls is reported for the previous wave.
    BilledUnderAnotherWave,
    /// A chunk's waves overlap although it has a token limit.
    LimitedWavesOverlap,
}
