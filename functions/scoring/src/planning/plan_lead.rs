//! A lead of a plan.

use super::harvest::ProfilePosts;
use crate::budget::Rates;
use crate::posts::post::StoredPost;
use crate::posts::stored::{CELL_MAX, stored_len};
use crate::prompt::subject::Subject;
use shared::core::ids::{LeadKey, RecordId};
use shared::core::linkedin::ProfileKey;
use shared::messages::{ChunkLead, Kind, LeadRef, Post};

#[derive(Debug, Clone)]
pub(crate) struct PlanLead {
    pub(super) lead: ChunkLead,
    /// Number of its harvested posts, including those that are left out.
    pub(super) posts: u32,
    /// The tokens that scoring it is expected to use.
    pub(super) tokens: u64,
}

impl PlanLead {
    /// A lead whose profile was requested from a harvest. If its posts do not all fit in the cell,
    /// the newest are kept.
    pub(crate) fn harvested(profile: ProfileKey, found: ProfilePosts) -> Self {
        let count = u32::try_from(found.count()).unwrap_or(u32::MAX);
        let also = found.also.clone();
        let mut room = CELL_MAX;
        let fits = |post: &Post| match room.checked_sub(stored_len([&StoredPost::from(post)])) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        };
        let (posts, left_out): (Vec<Post>, Vec<Post>) =
            found.newest_first().into_iter().partition(fits);
        let (key, left_out) = (profile.lead_key(), left_out.len());
        let lead = ChunkLead { key, lead: LeadRef::Profile(profile), posts, left_out, also };
        Self { lead, posts: count, tokens: 0 }
    }

    pub(crate) fn waiting(key: LeadKey, record: RecordId, tokens: u64) -> Self {
        let (lead, posts) = (LeadRef::Record(record), Vec::new());
        let lead = ChunkLead { key, lead, posts, left_out: 0, also: Vec::new() };
        Self { lead, posts: 0, tokens }
    }

    /// The key and the row of a waiting lead.
    pub(crate) fn as_waiting(&self) -> Option<(LeadKey, RecordId)> {
        match &self.lead.lead {
            LeadRef::Record(record) => Some((self.lead.key.clone(), record.clone())),
            LeadRef::Profile(_) => None,
        }
    }

    /// The index of its lane.
    pub(crate) fn lane(&self, lanes: u32) -> usize {
        self.lead.key.lane(lanes) as usize
    }

    /// Estimates the tokens for scoring the lead. Content that is only in its row is not known
    /// here: a typical size is assumed, and the chunk measures the real size.
    pub(crate) fn estimate(&mut self, rates: &Rates) {
        if matches!(self.lead.lead, LeadRef::Record(_)) {
            let (bytes, answers) = match rates.kind {
                Kind::Post => (4_000, 4),
                Kind::Profile => (8_000, 1),
            };
            self.tokens = rates.of_lead(bytes, answers);
            return;
        }
        let posts = self.lead.posts.iter().map(StoredPost::from);
        let about = Subject::Posts(posts.filter(StoredPost::has_words).collect());
        self.tokens = rates.of_lead(about.bytes(), about.answers());
    }
}
