//! The kinds of leads, the most important first: a small client has the front of the list.

/// After so many leads the list begins again; the leads in between are [`Case::Mixed`].
const ROUND: usize = 200;

/// What is special about a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Case {
    /// Posts of its own, with comments and reactions below the first.
    Originals,
    /// A post is stored as JSON and harvested again under another URL, another is only stored.
    Stored,
    /// The model refuses to speak about one of its posts.
    Blocked,
    /// The harvest found nothing.
    NoPosts,
    /// The model's answer leaves one of its posts out.
    Missed,
    /// It was scored before, and the harvest found only what is stored.
    NothingNew,
    /// The model's answer is cut off.
    Truncated,
    /// What is stored is prose.
    Unreadable,
    /// It passes on what others wrote, a person and a company.
    Reposts,
    /// It writes about what others wrote.
    Quotes,
    /// It posts pictures without words.
    Pictures,
    /// What is stored is JSON that was cut off within its last text.
    CutOff,
    /// The harvest holds one of its posts twice.
    Twice,
    /// It passes on the first post of the first lead, so that one post is under two targets.
    Shared,
    /// What is stored is the old plain text.
    PlainText,
    /// The harvest was asked for it in two spellings, and one post came under both.
    TwoTargets,
    /// What is stored is JSON with a line's end within a text.
    RawNewline,
    /// One of its posts came without a permalink.
    NoPermalink,
    /// The harvest met an error.
    TargetFailed,
    /// It was scored before, and the harvest found nothing.
    ScoredBefore,
    /// Anything of the harmless above.
    Mixed,
}

impl Case {
    /// The special ones in their order of importance.
    pub(super) const SPECIAL: [Self; 20] = [
        Self::Originals,
        Self::Stored,
        Self::Blocked,
        Self::NoPosts,
        Self::Missed,
        Self::NothingNew,
        Self::Truncated,
        Self::Unreadable,
        Self::Reposts,
        Self::Quotes,
        Self::Pictures,
        Self::CutOff,
        Self::Twice,
        Self::Shared,
        Self::PlainText,
        Self::TwoTargets,
        Self::RawNewline,
        Self::NoPermalink,
        Self::TargetFailed,
        Self::ScoredBefore,
    ];

    /// The case of a client's lead, by its place.
    pub(super) fn of(place: usize) -> Self {
        Self::SPECIAL.get(place % ROUND).copied().unwrap_or(Self::Mixed)
    }
}
