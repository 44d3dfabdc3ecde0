//! Tasks of the scoring function.

use super::chunk::Chunk;
use super::envelope::Message;
use super::envelope::enveloped;
use super::kind::Kind;
use super::progress::IngestDone;
use super::replay::Replay;
use crate::core::ids::{ApifyRunId, ClientId, LeadKey, RecordId, RunStamp};
use crate::core::tokens::NanoUsd;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// Most leads in one plan. A larger harvest fails; more waiting leads stay for another run.
pub const MAX_PLAN_LEADS: usize = 25_000;

/// What the scoring function receives.
#[derive(Debug, Clone, PartialEq)]
pub enum ScoringTask {
    /// A harvest ended: read it, resolve its run, plan its leads.
    Ingest(Ingest),
    ScoreWaiting(ScoreWaiting),
    Chunk(Box<Chunk>),
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

/// What Apify's webhook said. It is only a hint: everything that counts is read from Apify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingest {
    pub apify_run_id: ApifyRunId,
    /// For example `ACTOR.RUN.SUCCEEDED`.
    pub event_type: String,
    pub hints: Hints,
    pub received_at: Timestamp,
    /// When the harvest ended, as the webhook says. A run that Apify resurrects ends again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Apify's id of the webhook's dispatch. All its retries have the same id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatch_id: Option<String>,
    /// How far an earlier attempt got; `None` for a first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Box<IngestDone>>,
}

/// The run and client named in a webhook; `None` if not given or unusable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    #[serde(rename = "base_run", default, skip_serializing_if = "Option::is_none")]
    pub run_stamp: Option<RunStamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// Hints that were given but could not be used, to be noted on the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unusable: Vec<String>,
    /// Why the harvest belongs to no client, once an attempt has found that out. Later attempts
    /// then work on the same run, even if the tables have changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unattributed: Option<String>,
}

/// Scores the waiting leads in one client's base, or in the bases of all active clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreWaiting {
    pub clients: ClientScope,
    pub kind: Kind,
    /// The run that this belongs to, if it was chosen in advance.
    #[serde(rename = "base_run", default, skip_serializing_if = "Option::is_none")]
    pub run_stamp: Option<RunStamp>,
    /// When it was requested; for a schedule, the planned time. It names the run if `run_stamp`
    /// does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// If not empty, only these leads are scored, if they are waiting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lead_ids: Vec<RecordId>,
    /// Plan it and estimate its cost, but score nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Most tokens that this client may use: its part of what the day's limit leaves. Set when a
    /// task for all clients was divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_share: Option<u64>,
    /// The client's row, as the task for all clients read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_row: Option<Box<ClientRow>>,
    /// How far an earlier invocation got before its time ran out.
    #[serde(rename = "so_far", default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<ScanCursor>,
}

/// A client's row in the master base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRow {
    pub read_at: Timestamp,
    pub record: RecordId,
    /// The cells by field name, as Airtable returned them.
    pub cells: Map<String, Value>,
    /// Newer rows with the same Client ID. They are ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubles: Vec<RecordId>,
    /// What is wrong with the fields of the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How far the planning of waiting leads got.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanCursor {
    /// Number of listings that are read to their end.
    pub listings: usize,
    /// Where the next page starts; `None` for the first page of a listing.
    pub offset: Option<String>,
    /// Whether the base has the view of waiting leads, as far as known.
    pub has_view: bool,
    pub leads: usize,
    /// How many of them the token limits leave no room for.
    pub beyond: usize,
    pub tokens_left: Option<u64>,
    pub tokens: u64,
    /// What a dry run would cost; `None` if the model has no price.
    pub cost: Option<NanoUsd>,
    /// Leads named in the request that have no row.
    #[serde(default, skip_serializing_if = "Unplanned::is_none")]
    pub unknown: Unplanned,
    /// Leads named in the request that are not waiting.
    #[serde(default, skip_serializing_if = "Unplanned::is_none")]
    pub not_waiting: Unplanned,
    /// Leads that are counted but not queued yet, each with its row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<(LeadKey, RecordId)>,
    /// Whether the plan has the most leads allowed while more are waiting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

/// Leads that a request names but that are not planned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unplanned {
    pub count: usize,
    /// The first few of them.
    pub first: Vec<RecordId>,
}

impl Unplanned {
    /// How many of them are listed by id.
    const NAMED: usize = 5;

    /// Adds a lead.
    pub fn add(&mut self, lead: RecordId) {
        self.count += 1;
        if self.first.len() < Self::NAMED {
            self.first.push(lead);
        }
    }

    pub fn is_none(&self) -> bool {
        self.count == 0
    }

    /// The ids of the first few, and how many more there are.
    pub fn named(&self) -> String {
        let first: Vec<&str> = self.first.iter().map(RecordId::as_str).collect();
        let more = self.count.saturating_sub(first.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        first.join(", ") + &more
    }
}

impl ScoreWaiting {
    /// The run that the task belongs to. Every delivery of the same message names the same run.
    ///
    /// # Errors
    /// [`UnnamedRun`] if the message has neither a run nor a time.
    pub fn run(&self) -> Result<RunStamp, UnnamedRun> {
        let given = self.run_stamp.clone();
        given.or_else(|| self.requested_at.map(RunStamp::at)).ok_or(UnnamedRun)
    }
}

/// A [`ScoreWaiting`] task with neither `run_stamp` nor `requested_at`. The handler's clock must
/// not name the run, because the next delivery would then name another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a score task needs base_run (YYMMDD-HHMMSS) or requested_at (a time): send it again with one"
)]
pub struct UnnamedRun;

/// Which clients are scored. `All` means every client whose Status is `Active`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientScope {
    All,
    One(ClientId),
}
