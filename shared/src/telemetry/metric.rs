//! The metrics by name and unit.

/// What is measured, with its name and unit in CloudWatch. The template's alarms and dashboard
/// name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Requests to the webhook that were refused.
    RequestsRefused,
    /// Those of them without the right token.
    RequestsUnauthorized,
    /// Messages that went back to their queue.
    MessagesGivenBack,
    /// Messages that went to a dead-letter queue.
    MessagesParked,
    /// Requests to Airtable.
    AirtableRequests,
    /// Those of them that were answered 429.
    AirtableThrottled,
    /// How long Airtable took for an answer.
    AirtableLatency,
    /// Calls of the model.
    ModelCalls,
    /// Those of them that were refused.
    ModelCallsRefused,
    /// Those of them without an answer.
    ModelCallsLost,
    /// How long the model took for an answer.
    ModelLatency,
    /// What the model's answers cost in US dollars.
    ModelCost,
    /// Answers whose model or tier has no price: their cost is not known.
    UnpricedAnswers,
    /// Tokens of requests, cached ones included.
    PromptTokens,
    /// Those of them from the model's cache.
    CachedTokens,
    /// Tokens of answers.
    OutputTokens,
    /// Tokens of thoughts.
    ThoughtsTokens,
    /// Tokens of tool results.
    ToolTokens,
    /// Runs that came to their end.
    RunsEnded,
    /// Those of them that failed.
    RunsFailed,
    /// Those of them whose numbers contradict each other; calls that are only unobserved do not count.
    RunsUnbalanced,
    /// Those of them with scores and without tokens.
    RunsWithoutTokens,
    /// Runs that were found stalled.
    RunsStalled,
    /// Runs whose record could not be written, each time. Several at once count as one where their
    /// number is not known.
    RunsUnprojected,
    /// Looks at the open runs.
    Ticks,
    /// How long a run took, from its first event to its last settlement.
    RunTime,
    /// Leads of ended runs with a score.
    LeadsScored,
    /// Leads of ended runs that needed nothing.
    LeadsSkipped,
    /// Leads of ended runs that could not be scored.
    LeadsFailed,
    /// Model calls of ended runs whose answer is not known.
    UnobservedCalls,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::RequestsRefused,
        Self::RequestsUnauthorized,
        Self::MessagesGivenBack,
        Self::MessagesParked,
        Self::AirtableRequests,
        Self::AirtableThrottled,
        Self::AirtableLatency,
        Self::ModelCalls,
        Self::ModelCallsRefused,
        Self::ModelCallsLost,
        Self::ModelLatency,
        Self::ModelCost,
        Self::UnpricedAnswers,
        Self::PromptTokens,
        Self::CachedTokens,
        Self::OutputTokens,
        Self::ThoughtsTokens,
        Self::ToolTokens,
        Self::RunsEnded,
        Self::RunsFailed,
        Self::RunsUnbalanced,
        Self::RunsWithoutTokens,
        Self::RunsStalled,
        Self::RunsUnprojected,
        Self::Ticks,
        Self::RunTime,
        Self::LeadsScored,
        Self::LeadsSkipped,
        Self::LeadsFailed,
        Self::UnobservedCalls,
    ];

    /// Its name in CloudWatch.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Its unit.
    #[must_use]
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
