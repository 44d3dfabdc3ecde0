//! Tasks of the scoring function.

use super::{Message, RunHeader};
use crate::ids::{ApifyRunId, BaseId, BaseRunId, ClientId, LeadKey, PlanId, PostKey, RecordId};
use crate::linkedin::{PostUrl, ProfileKey};
use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Most leads that one plan takes.
pub const MAX_PLAN_LEADS: usize = 25_000;

/// A message on the scoring queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ScoringTask {
    /// A harvest ended: read it, resolve its run, plan its leads.
    Ingest(Ingest),
    /// Score what is waiting.
    Score(Score),
    /// Score up to 50 leads of a plan.
    Chunk(Box<Chunk>),
}

impl Message for ScoringTask {
    const TYPES: &'static [&'static str] = &["ingest", "score", "chunk"];
}

/// What Apify's webhook said. Only a hint: everything that counts is read from Apify itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingest {
    /// The run that ended.
    pub apify_run_id: ApifyRunId,
    /// Such as `ACTOR.RUN.SUCCEEDED`.
    pub event_type: String,
    /// Which run and client the webhook named.
    pub hints: Hints,
    /// When the webhook arrived.
    pub received_at: Timestamp,
}

/// The run and client that came with a webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    /// From the run id given with the webhook, whichever client's it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_run: Option<BaseRunId>,
    /// The client given with the webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// A hint that was given and could not be used, to be noted on the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unusable: Vec<String>,
}

/// What is scored: posts or profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The leads' posts.
    Post,
    /// The leads' profiles.
    Profile,
}

impl Kind {
    /// The word in logs, notes and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Profile => "profile",
        }
    }
}

/// Score what is waiting in one client's base, or in every active client's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Whose leads.
    pub clients: Clients,
    /// Posts or profiles.
    pub kind: Kind,
    /// The run that this belongs to, chosen when the task was accepted. The scheduler can give
    /// only the scheduled time, as RFC 3339: that moment's run is meant.
    #[serde(deserialize_with = "base_run_or_moment")]
    pub base_run: BaseRunId,
    /// At most so many leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only these leads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lead_ids: Vec<RecordId>,
}

fn base_run_or_moment<'de, D: Deserializer<'de>>(from: D) -> Result<BaseRunId, D::Error> {
    let text = String::deserialize(from)?;
    match text.parse::<Timestamp>() {
        Ok(moment) => Ok(BaseRunId::at(moment)),
        Err(_) => text.try_into().map_err(D::Error::custom),
    }
}

/// Whose leads a [`Score`] is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clients {
    /// Every active client.
    All,
    /// One client.
    One(ClientId),
}

/// Up to 50 leads of a plan with all that is needed to score them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// The run.
    pub run: RunHeader,
    /// The plan it is a part of.
    pub plan: PlanId,
    /// Its place in the plan, from 0.
    pub index: u32,
    /// How many chunks the plan has.
    pub of: u32,
    /// Posts or profiles.
    pub kind: Kind,
    /// The client's base.
    pub base: BaseId,
    /// Where the leads come from.
    pub source: Source,
    /// The system prompt, built from the client's rubric.
    pub rubric: String,
    /// The fields of the client's leads that can be written, of those that scoring writes.
    pub writable: Vec<String>,
    /// The leads.
    pub leads: Vec<ChunkLead>,
}

/// Where a plan's leads come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A harvest, whose posts travel with the leads.
    Harvest {
        /// The Apify run.
        apify_run: ApifyRunId,
        /// When it ended.
        finished_at: Timestamp,
    },
    /// Leads that were waiting; their posts are in their rows.
    Waiting,
}

/// One lead of a chunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkLead {
    /// The lead's key in events.
    pub key: LeadKey,
    /// Which row it is.
    pub lead: LeadRef,
    /// The posts that the harvest found, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<Post>,
}

/// How a lead's row is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadRef {
    /// By the profile that the harvest was asked for.
    Profile(ProfileKey),
    /// By its record.
    Record(RecordId),
}

/// What a post is to the lead whose feed it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostKind {
    /// The lead's own.
    Original,
    /// The lead's words about somebody's post.
    Quote,
    /// Somebody's post, passed on without a word.
    Repost,
}

/// A harvested post, reduced to what is stored and scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// Its permalink.
    pub url: PostUrl,
    /// Its text; empty for a picture without words.
    pub content: String,
    /// When the lead posted or reposted it, as ISO 8601; empty when unknown.
    pub posted_at: String,
    /// The author's profile; on a repost the original's author.
    pub author_url: String,
    /// The author's name.
    pub author: String,
    /// What it is to the lead.
    pub kind: PostKind,
    /// Reactions of all types.
    pub likes: u64,
    /// Comments.
    pub comments: u64,
    /// Reposts.
    pub reposts: u64,
    /// Its first picture; empty without one.
    pub image_url: String,
}

impl Post {
    /// The post's key within its lead.
    #[must_use]
    pub fn key(&self) -> PostKey {
        self.url.key()
    }
}
