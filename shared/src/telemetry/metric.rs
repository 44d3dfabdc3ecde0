//! The metrics by name and unit.

/// Declares the enum and the list of its variants.
macro_rules! metrics {
    ($($(#[$doc:meta])* $metric:ident,)+) => {
        /// What is measured, with its name and unit in CloudWatch. The template's alarms and
        /// dashboard name them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric {
            $(
                $(#[$doc])*
                #[doc = concat!("The metric `", stringify!($metric), "`.")]
                $metric,
            )+
        }

        impl Metric {
            /// All of them.
            pub const ALL: [Self; [$(stringify!($metric)),+].len()] = [$(Self::$metric),+];
        }
    };
}

metrics! {
    /// Requests to the webhook that were refused.
    RequestsRefused,
    /// Those of them without the right token.
    RequestsUnauthorized,
    /// Messages that went back to their queue.
    MessagesGivenBack,
    /// Messages that went to a dead-letter queue.
    MessagesParked,
    AirtableRequests,
    /// Those of them that were answered 429.
    AirtableThrottled,
    AirtableLatency,
    ModelCalls,
    ModelCallsRefused,
    ModelCallsLost,
    ModelLatency,
    ModelCost,
    /// Calls that the model refused until a person tops up its credit or replaces its key.
    ModelHalted,
    /// Answers whose model or tier has no price: their cost is not known.
    UnpricedAnswers,
    /// Tokens of requests, cached ones included.
    PromptTokens,
    /// Those of them from the model's cache.
    CachedTokens,
    OutputTokens,
    ThoughtsTokens,
    ToolTokens,
    RunsEnded,
    RunsFailed,
    /// Those of them whose numbers contradict each other, or that have scores and no tokens; calls that are
    /// only unobserved do not count.
    RunsUnbalanced,
    /// Those of them whose cost is at least so much: calls of unknown usage, or answers without a price.
    RunsCostIncomplete,
    /// Those of them with scores and without tokens.
    RunsWithoutTokens,
    RunsStalled,
    /// Runs whose record could not be written, each time. Several at once count as one where their
    /// number is not known.
    RunsUnprojected,
    Ticks,
    /// How long a run took, from its first event to its last settlement.
    RunTime,
    LeadsScored,
    /// Leads of ended runs that needed nothing.
    LeadsSkipped,
    LeadsFailed,
    /// Model calls of ended runs whose answer is not known.
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
