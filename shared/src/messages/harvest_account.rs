//! What became of every item and every target of a harvest.

use super::words::words;
use serde::{Deserialize, Serialize};

/// What became of every item and every target of a harvest.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HarvestAccount {
    /// Items of the dataset.
    pub items: u32,
    /// Items that cannot become a lead's post, by reason. Some of them are posts: see
    /// [`UnusedReason::is_post`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused: Vec<Counted<UnusedReason>>,
    pub targets_with_posts: u32,
    /// Targets that have no post, according to the charged events.
    pub targets_empty: u32,
    /// Targets for which it is unknown whether they have posts, by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets_unknown: Vec<Counted<UnknownReason>>,
    /// Whether the input is gone or names no target. Then the targets are those that the items
    /// name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub input_is_missing: bool,
}

/// The number of items or targets with one reason, and the names of the first few.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Counted<R> {
    pub reason: R,
    pub count: u32,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<String>,
}

words! {
    /// Why an item is not a lead's post.
    UnusedReason {
        Comment = "comment",
        Reaction = "reaction",
        /// The same post appeared earlier under the same target.
        Repeat = "repeated post",
        NoPost = "no post",
        Error = "error reported by the actor",
        NoIdentity = "post without id and URL",
        /// Its query names no target.
        NoTarget = "post without a readable target",
        /// The target is a company, or its URL does not name a profile.
        NoProfile = "post of a target that is no profile",
        /// No supported actor produces such items.
        UnknownShape = "unknown shape",
        /// It is not JSON, or it is too large to read.
        Damaged = "damaged item",
    }
}

words! {
    /// Why it is unknown whether a target has posts.
    UnknownReason {
        MaxItems = "maxItems reached",
        ChargeLimit = "charge limit reached",
        /// The run failed, was aborted or timed out.
        CutShort = "the harvest was cut short",
        /// Fewer targets were charged as empty than have no item. Some were never tried, or
        /// harvesting them failed.
        NotCharged = "not all of them were charged as empty",
        NotSaid = "Apify does not say whether they were tried",
        /// The format of the harvest's items is unknown.
        NotUnderstood = "the items are not understood",
        /// Apify has no readable items: they are deleted, or the dataset does not end.
        NotRead = "the items cannot be read",
        /// It has items, but none of them is a post.
        NoPostAmongItems = "no post among their items",
        /// Its entry in the actor's input cannot be read.
        NotReadable = "not readable in the actor's input",
    }
}

impl UnusedReason {
    /// Whether such an item is a post whose lead is unknown.
    pub fn is_post(self) -> bool {
        matches!(self, Self::NoTarget | Self::NoProfile)
    }

    /// Whether it is unknown what such an item is, or whose it is.
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
    /// Number of targets for which it is unknown whether they have posts.
    pub fn unknown(&self) -> u32 {
        self.targets_unknown.iter().map(|counted| counted.count).sum()
    }

    /// Number of unused items whose reason matches `is_counted`.
    pub fn unused_where(&self, is_counted: impl Fn(UnusedReason) -> bool) -> u32 {
        let unused = self.unused.iter().filter(|counted| is_counted(counted.reason));
        unused.map(|counted| counted.count).sum()
    }
}
