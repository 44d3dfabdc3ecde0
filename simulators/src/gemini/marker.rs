//! Markers in a prompt that make the simulated model misbehave.

/// A misbehaviour, requested by putting [`Marker::text`] into the user's text.
///
/// Put a marker that concerns one post into that post. Outside all posts, it concerns the first
/// post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Marker {
    /// The prompt is blocked: status 200 with `promptFeedback` and without a candidate.
    SafetyBlock,
    /// The answer is cut off within the part about the marked post, with `MAX_TOKENS`.
    Truncate,
    /// The answer is a polite sentence instead of JSON.
    Prose,
    /// The answer is valid JSON of a shape that differs from the schema.
    WrongShape,
    /// The marked post gets no answer.
    MissPost,
    /// Numbers about the marked post are above their maximum.
    ScoreOutOfRange,
    /// There is one more answer, about a post that is not in the call.
    StrangerPost,
    /// The answer is cut off within the part about the marked post, with `SAFETY`.
    PartialSafety,
    /// The answer is complete, with a finish reason that is not documented.
    UnknownFinish,
    /// Every call with this marker is refused: 400 `INVALID_ARGUMENT`.
    RefuseText,
    /// Every call with this marker fails: 500.
    FailText,
    /// About every second call with this marker stops with `RECITATION` and without text.
    Recitation,
    /// About every second call with this marker stops without text.
    Silence,
}

impl Marker {
    /// All markers.
    pub const ALL: [Self; 13] = [
        Self::SafetyBlock,
        Self::Truncate,
        Self::Prose,
        Self::WrongShape,
        Self::MissPost,
        Self::ScoreOutOfRange,
        Self::StrangerPost,
        Self::PartialSafety,
        Self::UnknownFinish,
        Self::RefuseText,
        Self::FailText,
        Self::Recitation,
        Self::Silence,
    ];

    /// The text to put into the prompt.
    pub const fn text(self) -> &'static str {
        match self {
            Self::SafetyBlock => "[[sim:safety-block]]",
            Self::Truncate => "[[sim:truncate]]",
            Self::Prose => "[[sim:prose]]",
            Self::WrongShape => "[[sim:wrong-shape]]",
            Self::MissPost => "[[sim:miss-post]]",
            Self::ScoreOutOfRange => "[[sim:score-out-of-range]]",
            Self::StrangerPost => "[[sim:stranger-post]]",
            Self::PartialSafety => "[[sim:partial-safety]]",
            Self::UnknownFinish => "[[sim:unknown-finish]]",
            Self::RefuseText => "[[sim:refuse-text]]",
            Self::FailText => "[[sim:fail-text]]",
            Self::Recitation => "[[sim:recitation]]",
            Self::Silence => "[[sim:silence]]",
        }
    }

    pub(super) fn is_in(self, text: &str) -> bool {
        text.contains(self.text())
    }
}
