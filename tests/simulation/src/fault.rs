//! The kinds of faults, and how often each happens.

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $chance:expr),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name),+ }

        impl Fault {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The probability per opportunity in an ordinary schedule.
            pub(crate) fn chance(self) -> f64 {
                match self { $(Self::$name => $chance),+ }
            }
        }
    };
}

faults! {
    /// A message comes again, 1 to 20 times, after it was handled.
    DeliveredAgain = 0.004,
    /// A message is put on its queue twice, as if its sender had lost the first answer.
    SentTwice = 0.01,
    /// A message is held back for minutes.
    DelayedMinutes = 0.01,
    /// A message is held back for 34 hours; Apify gives up after 32.
    DelayedHours = 0.0018,
    /// Dead letters are redriven only after 28 days.
    RedrivenLate = 0.5,
    /// Groups are served in a different order than their messages came.
    GroupsReordered = 0.1,
    /// A message's visibility timeout ends while it is handled, so a second worker gets it.
    VisibilityLapsed = 0.008,
    CrashBefore = 0.003,
    /// A worker dies after an effect, before it knows of it.
    CrashAfter = 0.003,
    /// An invocation has little time.
    DeadlineShort = 0.04,
    /// Airtable executes the request, but its answer is lost.
    AirtableAnswerLost = 0.01,
    GeminiAnswerLost = 0.012,
    ApifyAnswerLost = 0.03,
    /// A queue accepts the messages, but its answer is lost.
    QueueAnswerLost = 0.008,
    /// The log stores some or all of the data, but its answer is lost.
    LogAnswerLost = 0.01,
    /// A request to Airtable never arrives.
    AirtableNotReached = 0.01,
    /// A call to Gemini never arrives.
    GeminiNotReached = 0.0075,
    /// A request to Apify never arrives.
    ApifyNotReached = 0.02,
    QueueNotReached = 0.005,
    LogNotReached = 0.01,
    /// A queue accepts only some of the messages in one request.
    SendPartial = 0.05,
    /// Airtable answers 429, and refuses everything for 30 seconds.
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
    /// Gemini counts its usage in another way.
    GeminiUsageOdd = 0.03,
    /// Gemini does not report its usage.
    GeminiUsageMissing = 0.006,
    /// Gemini's answer has another form: in a code fence, in an object, without its end.
    GeminiAnswerOdd = 0.03,
    /// The credit at Gemini is used up for two hours.
    GeminiOutOfCredit = 0.2,
    /// Apify answers 429.
    ApifyLimited = 0.02,
    /// Apify answers 500 or 503.
    ApifyBroken = 0.02,
    /// Airtable is unavailable for two hours.
    AirtableOutage = 0.22,
    /// Gemini is unavailable for two hours.
    GeminiOutage = 0.2,
    /// Apify is unavailable for two hours.
    ApifyOutage = 0.22,
    /// The queues are unavailable for two hours.
    QueueOutage = 0.22,
    /// The log is unavailable for two hours.
    LogOutage = 0.22,
    /// Scoring does not start for two hours.
    ScoringOutage = 0.2,
    /// An outage lasts six hours, so messages are given up.
    LongOutage = 0.22,
    /// A message that no function can read is put on a queue.
    PoisonMessage = 0.1,
    /// A field of the leads in a chunk has another name at that moment.
    LeadsFieldGone = 0.012,
    /// Airtable loses its place in a listing.
    StaleIterator = 0.03,
    /// Airtable no longer accepts the offset of a listing.
    OffsetInvalid = 0.03,
    /// Airtable denies requests to a base for some seconds: 401 or 403.
    AirtableDenied = 0.003,
    /// A formula in a lead's row fails, so a cell contains an error.
    ErrorCell = 0.12,
    /// A client's token limit is not a number.
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
    /// A person renames a field of the run records, and renames it back later.
    FieldRenamed = 0.05,
    /// A person locks a field for a while, so the API may not write it.
    FieldLocked = 0.05,
    /// A person renames a choice of the run records' Status, and renames it back later.
    ChoiceRenamed = 0.05,
    LeadDeleted = 0.06,
    WebhookTwice = 0.12,
    WebhookMissing = 0.06,
    /// Apify resurrects a harvest, so it ends a second time, with more items.
    HarvestResurrected = 0.15,
    /// The webhook of a harvest comes again and names another run.
    WebhookOfAnotherRun = 0.2,
    /// A harvest has items that are not posts; some of them have an unknown shape.
    ItemsOdd = 0.15,
    /// A post's text ends in half an emoji, so no strict reader accepts its page.
    UnicodeBroken = 0.15,
    /// The dataset has one post under two URLs.
    PostUnderTwoUrls = 0.15,
    /// The actor stopped because of its limit on items.
    MaxItemsReached = 0.15,
    /// A webhook names an unknown client.
    WebhookOfStranger = 0.1,
}

impl Fault {
    /// Whether it is drawn once per schedule or per person's day, not at every step.
    pub(crate) fn is_rare(self) -> bool {
        self.chance() >= 0.04 && !matches!(self, Self::GroupsReordered | Self::SendPartial)
    }

    /// Whether it makes a message be handled twice, or again in its state before an attempt.
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

    /// Whether it is something that people do in Airtable.
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
