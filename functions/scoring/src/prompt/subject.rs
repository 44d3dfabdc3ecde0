//! What the model is asked to judge about one lead.

use crate::posts::post::StoredPost;
use serde_json::Value;
use shared::core::json;

/// What the model is asked to judge about one lead.
#[derive(Debug, PartialEq)]
pub(crate) enum Subject {
    Posts(Vec<StoredPost>),
    Profile(Value),
}

impl Subject {
    pub(crate) fn answers(&self) -> usize {
        match self {
            Self::Posts(posts) => posts.len(),
            Self::Profile(_) => 1,
        }
    }

    /// The approximate number of bytes it takes in a call.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Posts(posts) => {
                posts.iter().map(|post| post.content().len() + post.quoted().len() + 150).sum()
            }
            Self::Profile(profile) => json::text(profile).len(),
        }
    }
}
