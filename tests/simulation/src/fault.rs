//! The kinds of faults, and how often each happens.

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $chance:expr),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name),+ }

        impl Fault {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// In which share of its opportunities it happens in an ordinary schedule.
            pub(crate) fn chance(self) -> f64 {
                match self { $(Self::$name => $chance),+ }
            }
        }
    };
}

faults! {
    /// A message comes again, 1 to 20 times, after it was handled.
    DeliveredAgain = 0.004,
    /// A message is put on its queue twice, as by a sender whose first answer was lost.
    SentTwice = 0.01,
    /// A message is held back for minutes.
    DelayedMinutes = 0.01,
    /// A message is held back for 34 hours: Apify gives up after 32.
    DelayedHours = 0.0018,
    /// Dead letters are redriven only after 28 days.
    RedrivenLate = 0.5,
    /// Groups are served in another order than their messages came.
    GroupsReordered = 0.1,
    /// A message's visibility ends while it is being handled: a second worker gets it.
    VisibilityLapsed = 0.008,
    CrashBefore = 0.003,
    /// A worker dies after an effect, before it hears of it.
    CrashAfter = 0.003,
    /// An invocation has little time.
    DeadlineShort = 0.04,
    /// Airtable does what was asked; its answer is lost.
    AirtableAnswerLost = 0.01,
    GeminiAnswerLost = 0.012,
    ApifyAnswerLost = 0.03,
    /// A queue takes the messages; its answer is lost.
    QueueAnswerLost = 0.008,
    /// The log stores some or all of what it was given; its answer is lost.
    LogAnswerLost = 0.01,
    /// A request to Airtable never arrives.
    AirtableNotReached = 0.01,
    /// A call of Gemini never arrives.
    GeminiNotReached = 0.0075,
    /// A request to Apify never arrives.
    ApifyNotReached = 0.02,
    QueueNotReached = 0.005,
    LogNotReached = 0.01,
    /// Of several messages in one request a queue takes only some.
    SendPartial = 0.05,
    /// Airtable answers 429 and nothing for 30 seconds.
    AirtableLimited = 0.004,
    /// Airtable answers 500.
    AirtableBroken = 0.008,
    /// Airtable answers 503.
    AirtableOverloaded = 0.008,
    /// Gemini answers 429.
    GeminiLimited = 0.0075,
    /// Gemini answers 500.
    GeminiBroken = 0.006,
    /// Gemini answers 503.
    GeminiOverloaded = 0.006,
    /// Gemini counts what it used in another way.
    GeminiUsageOdd = 0.03,
    /// Gemini does not say what it used.
    GeminiUsageMissing = 0.006,
    /// Gemini says its answer in other words: in a code fence, in an object, without its end.
    GeminiAnswerOdd = 0.03,
    /// The credit at Gemini is used up for two hours.
    GeminiOutOfCredit = 0.2,
    /// Apify answers 429.
    ApifyLimited = 0.02,
    /// Apify answers 500 or 503.
    ApifyBroken = 0.02,
    /// Airtable is away for two hours.
    AirtableOutage = 0.22,
    /// Gemini is away for two hours.
    GeminiOutage = 0.2,
    /// Apify is away for two hours.
    ApifyOutage = 0.22,
    /// The queues are away for two hours.
    QueueOutage = 0.22,
    /// The log is away for two hours.
    LogOutage = 0.22,
    /// Scoring does not start for two hours.
    ScoringOutage = 0.2,
    /// An outage lasts for six hours: messages are given up.
    LongOutage = 0.22,
    /// Something that no function can read is put on a queue.
    PoisonMessage = 0.1,
    /// A field of the leads that a chunk reads has another name just then.
    LeadsFieldGone = 0.012,
    /// Airtable forgets where a listing was.
    StaleIterator = 0.03,
    /// Airtable does not take the offset of a listing any more.
    OffsetInvalid = 0.03,
    /// Airtable denies what a base is asked for some seconds: 401 or 403.
    AirtableDenied = 0.003,
    /// A formula in a lead's row fails: a cell that is read holds an error.
    ErrorCell = 0.12,
    /// A client's token limit is no number.
    LimitUnreadable = 0.08,
    /// A request names a lead that does not exist.
    UnknownLeadNamed = 0.13,
    RecordDeleted = 0.06,
    /// A person edits the numbers of a run record.
    RecordEdited = 0.06,
    /// A person edits the Run ID of a run record.
    RunIdEdited = 0.05,
    /// A person ticks `Retry` on a run record.
    RetryTicked = 0.04,
    RecordDuplicated = 0.06,
    /// A person renames a field of the run records, and names it back later.
    FieldRenamed = 0.05,
    /// A person locks a field for a while: the API may not write it.
    FieldLocked = 0.05,
    /// A person renames a choice of the run records' Status, and names it back later.
    ChoiceRenamed = 0.05,
    LeadDeleted = 0.06,
    WebhookTwice = 0.12,
    WebhookMissing = 0.06,
    /// Apify resurrects a harvest: it ends a second time, with more items.
    HarvestResurrected = 0.15,
    /// The webhook of a harvest comes again and names another run.
    WebhookOfAnotherRun = 0.2,
    /// A harvest has items that are no posts: some nobody understands.
    ItemsOdd = 0.15,
    /// A post's text ends in half an emoji: no strict reader takes its page.
    UnicodeBroken = 0.15,
    /// The dataset has one post under two of its URLs.
    PostUnderTwoUrls = 0.15,
    /// The actor stopped because it may push no more items.
    MaxItemsReached = 0.15,
    /// A webhook names a client that nobody knows.
    WebhookOfStranger = 0.1,
}

impl Fault {
    /// Whether it is drawn once for a schedule or a person's day, not at every step.
    pub(crate) fn is_rare(self) -> bool {
        self.chance() >= 0.04 && !matches!(self, Self::GroupsReordered | Self::SendPartial)
    }

    /// Whether a message is handled twice by it, or again as it was before an attempt.
    pub(crate) fn repeats(self) -> bool {
        matches!(
            self,
            Self::DeliveredAgain
                | Self::SentTwice
                // The same plan is queued again.
                | Self::WebhookTwice
                | Self::VisibilityLapsed
                | Self::QueueAnswerLost
                | Self::QueueNotReached
                | Self::QueueOutage
                | Self::CrashBefore
                | Self::CrashAfter
        )
    }

    /// Whether it is what people do in Airtable.
    pub(crate) fn is_of_people(self) -> bool {
        matches!(
            self,
            Self::RecordDeleted
                | Self::RecordEdited
                | Self::RunIdEdited
                | Self::RetryTicked
                | Self::RecordDuplicated
                | Self::FieldRenamed
                | Self::FieldLocked
                | Self::ChoiceRenamed
                | Self::LeadDeleted
        )
    }
}
