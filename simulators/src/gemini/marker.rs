//! Words in a prompt that make the simulated model misbehave.

/// A misbehaviour, asked for by putting [`Marker::text`] into the user's text.
///
/// Put a marker that concerns one post into that post. Outside of all posts, it concerns the
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Marker {
    /// The prompt is blocked: status 200, `promptFeedback` and no candidate.
    SafetyBlock,
    /// The answer is cut within what it says of the post that holds it, and says `MAX_TOKENS`.
    Truncate,
    /// The answer is a polite sentence in place of JSON.
    Prose,
    /// The answer is valid JSON of another shape than the schema's.
    WrongShape,
    /// The post that holds it gets no answer.
    MissPost,
    /// Numbers about the post that holds it are above their maximum.
    ScoreOutOfRange,
    /// One more answer, about a post that was not asked for.
    StrangerPost,
    /// The answer is cut within what it says of the post that holds it, and says `SAFETY`.
    PartialSafety,
    /// The whole answer, with a finish reason that no documentation lists.
    UnknownFinish,
    /// Every call that contains it is refused: 400 `INVALID_ARGUMENT`.
    RefuseText,
    /// Every call that contains it fails: 500.
    FailText,
    /// About every second call that contains it stops for `RECITATION`, without a word.
    Recitation,
    /// About every second call that contains it stops without a word.
    Silence,
}

impl Marker {
    /// All of them.
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
