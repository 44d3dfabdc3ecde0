//! Some leads of a plan, with all that is needed to score them.

use super::attempt_facts::Halt;
use super::kind::Kind;
use super::run_header::RunHeader;
use crate::core::ids::{ApifyRunId, BaseId, LeadKey, PlanId, PostKey, RecordId};
use crate::core::linkedin::{PostUrl, ProfileKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Some leads of a plan with all that is needed to score them: up to 200, or up to 500 where a
/// limit is divided over the chunks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    pub run: RunHeader,
    pub plan: PlanId,
    /// Its place in the plan, from 0.
    pub index: u32,
    pub of: u32,
    pub kind: Kind,
    pub base: BaseId,
    pub source: Source,
    /// The system prompt, built from the client's rubric.
    pub rubric: String,
    /// The fields of the client's leads that can be written, of those that scoring writes.
    pub writable: Vec<String>,
    /// The fields that hold the leads' profiles; for profile scoring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profile_fields: Vec<String>,
    /// The attributes that profiles are scored by; for profile scoring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<ProfileAttribute>,
    /// Most tokens that the chunk may use; `None` for a client without a limit. A wave that does
    /// not fit is not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_share: Option<u64>,
    /// The plan whose leads it takes over; `None` unless it is a replay. Profiles that failed wait
    /// for nothing, and a replay takes them all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PlanId>,
    /// What earlier attempts left; nothing in a chunk that is new.
    #[serde(default, skip_serializing_if = "Tried::is_nothing")]
    pub tried: Tried,
    /// When its leads were planned, for a chunk that reports itself: it says then what planning said,
    /// word for word, and the log keeps it once. `None` from earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_at: Option<Timestamp>,
    pub leads: Vec<ChunkLead>,
}

/// What earlier attempts at a chunk left. It travels with the chunk, so that no attempt pays for
/// what another one has paid for. An attempt that died is not in it: its calls are unobserved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tried {
    /// In how many calls that may have been billed each lead was.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub paid: BTreeMap<LeadKey, u32>,
    /// Tokens that were used; calls of unknown usage count with the most they can have used.
    #[serde(skip_serializing_if = "is_none")]
    pub tokens: u64,
    /// Why the chunk waits for a person, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt: Option<Halt>,
    /// Leads whose rows are written and whose outcomes are reported: nothing is left to do about them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub settled: BTreeSet<LeadKey>,
}

fn is_none(tokens: &u64) -> bool {
    *tokens == 0
}

impl Tried {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// An active row of the client's table `Scoring Attributes`, as the score needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileAttribute {
    pub id: String,
    pub label: String,
    /// The most points it gives, or takes when it is negative.
    pub max: f64,
    pub negative: bool,
    /// Whether it counts by a quarter in the denominator.
    pub bonus: bool,
}

/// Where the posts of a chunk's leads come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A harvest, whose posts travel with the leads.
    Harvest { apify_run: ApifyRunId, finished_at: Timestamp },
    /// Leads that were waiting; their posts are in their rows.
    Waiting,
}

/// A lead to score, with its harvested posts (none where they are in its row).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkLead {
    pub key: LeadKey,
    pub lead: LeadRef,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<Post>,
    /// Harvested posts that are left out because no cell has room for them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// Other keys of its profile: the id that LinkedIn gave it, where a harvest says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<ProfileKey>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "Serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// How the lead's row is found: by its LinkedIn profile, or by its Airtable record id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadRef {
    Profile(ProfileKey),
    Record(RecordId),
}

/// Whose words a post holds (external rule: the actor's `repostedBy`, then `repostId`, `repost`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostKind {
    Original,
    /// The lead's words about somebody's post.
    Quote,
    /// Somebody's post, passed on without a word.
    Repost,
}

/// A harvested post of a lead, as it travels in a chunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    pub url: PostUrl,
    pub content: String,
    /// Words that it quotes or that are attached to it: of a quoted post, an article, a document.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub quoted: String,
    /// When the lead posted or reposted it, as ISO 8601; empty when unknown.
    pub posted_at: String,
    /// The author's profile; on a repost the original's author.
    pub author_url: String,
    pub author: String,
    pub kind: PostKind,
    pub likes: u64,
    pub comments: u64,
    pub reposts: u64,
    /// Its first picture; empty without one.
    pub image_url: String,
    /// LinkedIn's ids for it, as far as they are known: its URL can name any one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

impl Post {
    pub fn key(&self) -> PostKey {
        self.url.key()
    }

    /// Its key first, then those of its other ids.
    pub fn keys(&self) -> impl Iterator<Item = PostKey> {
        let others = self.ids.iter().map(|id| PostUrl::key_of_id(id));
        std::iter::once(self.key()).chain(others)
    }
}
