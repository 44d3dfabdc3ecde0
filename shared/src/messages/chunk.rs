//! Some leads of a plan, with everything needed to score them.

use super::attempt_facts::Halt;
use super::kind::Kind;
use super::run_header::RunHeader;
use crate::core::ids::{ApifyRunId, BaseId, LeadKey, PlanId, PostKey, RecordId};
use crate::core::linkedin::{PostUrl, ProfileKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Some leads of a plan with everything needed to score them: up to 200, or up to 500 if a token
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
    /// The fields that scoring writes and that can be written in this client's leads.
    pub writable: Vec<String>,
    /// The fields that hold the leads' profiles. Used for profile scoring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profile_fields: Vec<String>,
    /// The attributes by which profiles are scored. Used for profile scoring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<ProfileAttribute>,
    /// Most tokens that the chunk may use; `None` for a client without a limit. A wave that does
    /// not fit is not started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_share: Option<u64>,
    /// The plan whose leads it takes over; `None` unless it is a replay. A profile that failed is
    /// not waiting for scoring, but a replay takes it anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PlanId>,
    /// What earlier attempts left; empty in a new chunk.
    #[serde(default, skip_serializing_if = "Tried::is_nothing")]
    pub tried: Tried,
    /// When its leads were planned, for a chunk that reports itself. The chunk then repeats exactly
    /// what planning reported, so the log keeps it once. `None` from earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_at: Option<Timestamp>,
    pub leads: Vec<ChunkLead>,
}

/// What earlier attempts at a chunk left. It travels with the chunk, so that no attempt pays twice.
/// An attempt that died left nothing here: its calls are unobserved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tried {
    /// For each lead, the number of its calls that may have been billed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub paid: BTreeMap<LeadKey, u32>,
    /// Tokens used so far. A call of unknown usage counts with the most it can have used.
    #[serde(skip_serializing_if = "is_none")]
    pub tokens: u64,
    /// Why the chunk waits for a person, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt: Option<Halt>,
    /// Leads whose rows are written and whose outcomes are reported. Nothing is left to do for
    /// them.
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

/// An active row of the client's table `Scoring Attributes`, with what scoring needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileAttribute {
    pub id: String,
    pub label: String,
    /// The most points it adds, or subtracts if it is negative.
    pub max: f64,
    pub negative: bool,
    /// Whether only a quarter of it counts in the denominator.
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

/// A lead to score, with its harvested posts (none if its posts are in its row).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkLead {
    pub key: LeadKey,
    pub lead: LeadRef,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<Post>,
    /// Number of harvested posts left out because they do not fit in the cell.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// Other keys of its profile: the id that LinkedIn assigned, if a harvest reports it.
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

/// Whose text a post holds (external rule: the actor's `repostedBy`, then `repostId`, `repost`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostKind {
    Original,
    /// The lead's own text about somebody's post.
    Quote,
    /// Somebody's post, shared without any text.
    Repost,
}

/// A harvested post of a lead, as it travels in a chunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    pub url: PostUrl,
    pub content: String,
    /// Text that it quotes or that is attached to it: of a quoted post, an article or a document.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub quoted: String,
    /// When the lead posted or reposted it, as ISO 8601; empty when unknown.
    pub posted_at: String,
    /// The author's profile. On a repost, the original author's profile.
    pub author_url: String,
    pub author: String,
    pub kind: PostKind,
    pub likes: u64,
    pub comments: u64,
    pub reposts: u64,
    /// Its first picture; empty without one.
    pub image_url: String,
    /// LinkedIn's known ids for it. Its URL can contain any of them.
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
