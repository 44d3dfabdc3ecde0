//! Where every item and every target of a harvest went.

use super::words::words;
use serde::{Deserialize, Serialize};

/// Where every item and every target of a harvest went.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HarvestAccount {
    /// Items of the dataset.
    pub items: u32,
    /// Items that cannot become a lead's post, by reason. Some are posts: see
    /// [`UnusedReason::is_post`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused: Vec<Counted<UnusedReason>>,
    pub targets_with_posts: u32,
    /// Targets of which the charged events say that they have no post.
    pub targets_empty: u32,
    /// Targets of which it is not known whether they have posts, by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets_unknown: Vec<Counted<UnknownReason>>,
    /// Whether the input is gone or names no target: the targets are those that items name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub input_is_missing: bool,
}

/// How many there are for one reason, with the names of the first few.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Counted<R> {
    pub reason: R,
    pub count: u32,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<String>,
}

words! {
    /// Why an item is no lead's post.
    UnusedReason {
        Comment = "comment",
        Reaction = "reaction",
        /// The same post came before under the same target.
        Repeat = "repeated post",
        NoPost = "no post",
        Error = "error reported by the actor",
        NoIdentity = "post without id and URL",
        /// Its query names no target.
        NoTarget = "post without a readable target",
        /// A company's, or of a URL that names no profile.
        NoProfile = "post of a target that is no profile",
        /// No actor whose items are read gives such items.
        UnknownShape = "unknown shape",
        /// It is no JSON, or too large to be read.
        Damaged = "damaged item",
    }
}

words! {
    /// Why it is not known whether a target has posts.
    UnknownReason {
        MaxItems = "maxItems reached",
        ChargeLimit = "charge limit reached",
        /// The run failed, was aborted or timed out.
        CutShort = "the harvest was cut short",
        /// Fewer targets were charged as empty than have no item: some were never tried, or their
        /// harvesting failed.
        NotCharged = "not all of them were charged as empty",
        NotSaid = "Apify does not say whether they were tried",
        /// Nobody knows what the items of the harvest are.
        NotUnderstood = "the items are not understood",
        /// It has items, and none is a post.
        NoPostAmongItems = "no post among their items",
    }
}

impl UnusedReason {
    /// Whether such an item is a post, of which only the lead is not known.
    pub fn is_post(self) -> bool {
        matches!(self, Self::NoTarget | Self::NoProfile)
    }

    /// Whether nobody knows what such an item is, or whose.
    pub fn is_not_understood(self) -> bool {
        match self {
            Self::NoIdentity | Self::NoTarget | Self::UnknownShape | Self::Damaged => true,
            Self::Comment
            | Self::Reaction
            | Self::Repeat
            | Self::NoPost
            | Self::Error
            | Self::NoProfile => false,
        }
    }
}

impl HarvestAccount {
    /// Targets of which it is not known whether they have posts.
    pub fn unknown(&self) -> u32 {
        self.targets_unknown.iter().map(|counted| counted.count).sum()
    }

    /// The items whose reason is of some kind.
    pub fn unused_where(&self, is_counted: impl Fn(UnusedReason) -> bool) -> u32 {
        let unused = self.unused.iter().filter(|counted| is_counted(counted.reason));
        unused.map(|counted| counted.count).sum()
    }
}
