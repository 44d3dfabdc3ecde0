//! The metrics, with name and unit.

/// Declares the enum and a list of all its variants.
macro_rules! metrics {
    ($($(#[$doc:meta])* $metric:ident,)+) => {
        /// What is measured, with its name and unit in CloudWatch. The template's alarms and
        /// dashboard use these names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric {
            $(
                $(#[$doc])*
                #[doc = concat!("The metric `", stringify!($metric), "`.")]
                $metric,
            )+
        }

        impl Metric {
            /// All metrics.
            pub const ALL: [Self; [$(stringify!($metric)),+].len()] = [$(Self::$metric),+];
        }
    };
}

metrics! {
    /// Refused requests to the webhook.
    RequestsRefused,
    /// Refused requests without the right token.
    RequestsUnauthorized,
    /// Messages that were put back on their queue.
    MessagesGivenBack,
    /// Messages that were moved to a dead-letter queue.
    MessagesParked,
    AirtableRequests,
    /// Requests to Airtable that were answered with 429.
    AirtableThrottled,
    AirtableLatency,
    ModelCalls,
    ModelCallsRefused,
    ModelCallsLost,
    ModelLatency,
    ModelCost,
    /// Calls that the model refused until a person tops up its credit or replaces its key.
    ModelHalted,
    /// Answers whose model or tier has no price, so that their cost is unknown.
    UnpricedAnswers,
    /// Prompt tokens, including cached ones.
    PromptTokens,
    /// Prompt tokens from the model's cache.
    CachedTokens,
    OutputTokens,
    ThoughtsTokens,
    ToolTokens,
    RunsEnded,
    RunsFailed,
    /// Ended runs whose numbers contradict each other, or that have scores but no tokens.
    /// Unobserved calls alone do not count.
    RunsUnbalanced,
    /// Ended runs whose cost is only a lower bound, because of calls with unknown usage or answers
    /// without a price.
    RunsCostIncomplete,
    /// Ended runs with scores but without tokens.
    RunsWithoutTokens,
    RunsStalled,
    /// Failed attempts to write a run's record. Several at once count as one if their number is
    /// unknown.
    RunsUnprojected,
    Ticks,
    /// How long a run took, from its first event to its end.
    RunTime,
    LeadsScored,
    /// Leads of ended runs that were skipped.
    LeadsSkipped,
    LeadsFailed,
    /// Model calls of ended runs whose answer is unknown.
    UnobservedCalls,
}

impl Metric {
    /// Its name in CloudWatch.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Its unit.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most metrics are counts")]
    pub fn unit(self) -> &'static str {
        match self {
            Self::AirtableLatency | Self::ModelLatency => "Milliseconds",
            Self::RunTime => "Seconds",
            Self::ModelCost => "None",
            _ => "Count",
        }
    }
}
