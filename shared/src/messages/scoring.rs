//! Tasks of the scoring function.

use super::envelope::enveloped;
use super::{Message, RunHeader};
use crate::core::ids::{
    ApifyRunId, BaseId, ClientId, LeadKey, PlanId, PostKey, RecordId, RunStamp,
};
use crate::core::linkedin::{PostUrl, ProfileKey};
use crate::core::tokens::NanoUsd;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

/// Most leads that one plan takes.
pub const MAX_PLAN_LEADS: usize = 25_000;
/// Most leads that one [`Replay`] names: with their rows some 800 KB, which a message takes.
pub const MAX_REPLAY_LEADS: usize = 10_000;

/// A message on the scoring queue.
#[derive(Debug, Clone, PartialEq)]
pub enum ScoringTask {
    /// A harvest ended: read it, resolve its run, plan its leads.
    Ingest(Ingest),
    /// Score what is waiting.
    ScoreWaiting(ScoreWaiting),
    /// Score some leads of a plan.
    Chunk(Box<Chunk>),
    /// Do again what failed or is missing of a run.
    Replay(Box<Replay>),
}

impl Message for ScoringTask {
    fn encode(&self) -> String {
        match self {
            Self::Ingest(ingest) => enveloped("ingest", ingest),
            Self::ScoreWaiting(score) => enveloped("score", score),
            Self::Chunk(chunk) => enveloped("chunk", chunk),
            Self::Replay(replay) => enveloped("replay", replay),
        }
    }

    fn of_type<'de, D: Deserializer<'de>>(
        r#type: &str,
        fields: D,
    ) -> Option<Result<Self, D::Error>> {
        Some(match r#type {
            "ingest" => Ingest::deserialize(fields).map(Self::Ingest),
            "score" => ScoreWaiting::deserialize(fields).map(Self::ScoreWaiting),
            "chunk" => Box::deserialize(fields).map(Self::Chunk),
            "replay" => Box::deserialize(fields).map(Self::Replay),
            _ => return None,
        })
    }
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
    #[serde(rename = "base_run", default, skip_serializing_if = "Option::is_none")]
    pub run_stamp: Option<RunStamp>,
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
pub struct ScoreWaiting {
    /// Whose leads.
    pub clients: ClientScope,
    /// Posts or profiles.
    pub kind: Kind,
    /// The run that this belongs to, if somebody chose it beforehand.
    #[serde(rename = "base_run", default, skip_serializing_if = "Option::is_none")]
    pub run_stamp: Option<RunStamp>,
    /// When it was asked for; a schedule's planned time. It names the run where `run_stamp` does
    /// not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// At most so many leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only these leads, as far as they are waiting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lead_ids: Vec<RecordId>,
    /// Plan and price it, and do nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Most tokens, when a task for all clients was divided: this client's part of what the day's
    /// limit leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_share: Option<u64>,
    /// How far an earlier invocation came, whose time was up.
    #[serde(rename = "so_far", default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<ScanCursor>,
}

/// How far the planning of waiting leads came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanCursor {
    /// Listings that are read to their end.
    pub listings: usize,
    /// Where the next page is; `None` for the first of a listing.
    pub offset: Option<String>,
    /// Whether the base has the view of waiting leads, as far as that is known.
    pub has_view: bool,
    /// Leads that are planned.
    pub leads: usize,
    /// Those of them that the limits leave nothing for.
    pub beyond: usize,
    /// What is left of the limits.
    pub tokens_left: Option<u64>,
    /// The tokens of a dry run.
    pub tokens: u64,
    /// What a dry run would cost; `None` when the model has no price.
    pub cost: Option<NanoUsd>,
}

impl ScoreWaiting {
    /// The run that the task belongs to. Every delivery of the same message names the same run.
    ///
    /// # Errors
    /// [`UnnamedRun`] when the message says neither run nor time.
    pub fn run(&self) -> Result<RunStamp, UnnamedRun> {
        let given = self.run_stamp.clone();
        given.or_else(|| self.requested_at.map(RunStamp::at)).ok_or(UnnamedRun)
    }
}

/// A [`ScoreWaiting`] task that says neither `run_stamp` nor `requested_at`. The clock of whoever handles
/// it may not name its run: the next delivery would name another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a score task needs base_run (YYMMDD-HHMMSS) or requested_at (a time): send it again with one"
)]
pub struct UnnamedRun;

/// Whose leads a [`ScoreWaiting`] is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientScope {
    /// Every active client.
    All,
    /// One client.
    One(ClientId),
}

/// Some leads of a plan with all that is needed to score them: up to 50, or up to 500 where a
/// limit is divided over the chunks.
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
    /// The leads.
    pub leads: Vec<ChunkLead>,
}

/// An attribute that profiles are scored by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileAttribute {
    /// Its id in the client's table.
    pub id: String,
    /// Its name, for people.
    pub label: String,
    /// The most points it gives, or takes when it is negative.
    pub max: f64,
    /// Whether it takes points.
    pub negative: bool,
    /// Whether it counts by a quarter in the denominator.
    pub bonus: bool,
}

/// What failed or is missing of a run, to be queued again.
///
/// [`crate::fold::RunState::replays`] makes it of the run's events, so whoever wants a run
/// replayed (the checkbox `Retry`, an operator's command) reads the log, folds it and sends what
/// that returns to the scoring queue with [`super::routes::replay`]. The scoring function reads
/// the harvests again and plans the leads named here, and only these, as new plans of the same
/// run. A lead that has a score of the run by then is settled without a call, so nothing is
/// scored twice; the fold adds the tokens of both attempts. Handled twice, it gives the same
/// plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// The run.
    pub run: RunHeader,
    /// When it was asked for. A part of the new plans' ids: asked for again later, the same leads
    /// are planned anew.
    pub requested_at: Timestamp,
    /// Harvests that were never read, or could not be planned: they are ingested as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unplanned: Vec<ApifyRunId>,
    /// The plans with leads that failed or are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<ReplayPlan>,
}

/// The leads of one plan that are to be planned again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayPlan {
    /// The plan that they were in first. The new plan names it as the one it replaces.
    pub plan: PlanId,
    /// Posts or profiles.
    pub kind: Kind,
    /// The harvest that brought them; `None` for leads that were waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harvest: Option<ApifyRunId>,
    /// The leads.
    pub leads: Vec<ReplayLead>,
}

/// A lead that is to be planned again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayLead {
    /// The lead.
    pub lead: LeadKey,
    /// Its row, as far as the log knows it: what is scored where there is no harvest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
}

impl Replay {
    /// How many leads it names.
    #[must_use]
    pub fn leads(&self) -> usize {
        self.plans.iter().map(|plan| plan.leads.len()).sum()
    }
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
