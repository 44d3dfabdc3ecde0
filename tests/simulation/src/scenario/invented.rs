//! The scenario of a schedule.

use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::apify::{RunSpec, RunStatus};
use simulators::gemini::Marker;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The field that a person who bills writes on a record.
pub(crate) const HUMAN_FIELD: &str = "Invoiced";

/// The invented clients and harvests.
pub(crate) struct Scenario {
    pub(crate) clients: Vec<Client>,
    pub(crate) harvests: Vec<Harvest>,
    /// Requests to score the waiting leads.
    pub(crate) requests: Vec<Asked>,
    /// Every post, by its unique word.
    pub(crate) posts: BTreeMap<String, Post>,
    /// The beginning of the ids of runs that were named beforehand.
    pub(crate) named_beforehand: &'static str,
    /// What posts may make the model do. In a script, no text is refused and no call is answered by
    /// chance, because nothing may take time that the script does not mention.
    pub(crate) markers: &'static [Marker],
}

pub(crate) struct Client {
    /// Its index among the clients.
    pub(crate) index: usize,
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// Whether its runs may use only a few tokens.
    pub(crate) is_limited: bool,
    /// Whether its limit is not a number, so that its posts may use no tokens.
    pub(crate) has_unreadable_limit: bool,
    pub(crate) base: &'static str,
    pub(crate) leads: Vec<Lead>,
}

pub(crate) struct Lead {
    pub(crate) record: String,
    /// The last part of its profile's URL.
    pub(crate) slug: String,
    /// The URLs of the posts in its row before anything happened.
    pub(crate) stored: BTreeSet<String>,
    pub(crate) is_unreadable: bool,
    /// The field of its row that contains an error.
    pub(crate) odd: Option<&'static str>,
    /// Whether the posts in its row wait to be scored.
    pub(crate) waits: bool,
    /// Whether its profile waits, and the model accepts it.
    pub(crate) has_good_profile: bool,
}

pub(crate) struct Post {
    pub(crate) url: String,
    /// The lead under whose profile it was found.
    pub(crate) slug: String,
    pub(crate) words: String,
}

pub(crate) struct Harvest {
    pub(crate) client: usize,
    pub(crate) run: String,
    /// The query of the webhook's URL.
    pub(crate) query: String,
    /// When it ends, counted from the start of the schedule.
    pub(crate) ends_after: Duration,
    pub(crate) status: RunStatus,
    pub(crate) started_at: Timestamp,
    pub(crate) targets: Vec<String>,
    pub(crate) items: Vec<Value>,
    /// The posts that must be in a lead's row afterwards.
    pub(crate) posts: BTreeMap<String, BTreeSet<String>>,
    pub(crate) cost_usd: f64,
}

/// A request to score a client's waiting leads, in the run of its harvest or in a separate run.
pub(crate) struct Asked {
    pub(crate) client: usize,
    pub(crate) kind: &'static str,
    pub(crate) run: String,
    pub(crate) body: String,
    /// Whether it names leads, one of which does not exist.
    pub(crate) names_leads: bool,
    /// When it is sent, counted from the start of the schedule.
    pub(crate) sent_after: Duration,
}

impl Harvest {
    /// How many posts it found, each counted once per target.
    pub(crate) fn posts_found(&self) -> usize {
        let under = |item: &Value| {
            [&item["query"]["targetUrl"], &item["linkedinUrl"]].map(ToString::to_string)
        };
        self.items.iter().map(under).collect::<BTreeSet<_>>().len()
    }

    /// How many targets have no items.
    pub(crate) fn targets_without_item(&self) -> usize {
        let is_found = |target: &&String| {
            self.items.iter().any(|item| item["query"]["targetUrl"] == json!(target))
        };
        self.targets.len() - self.targets.iter().filter(is_found).count()
    }
}

impl Scenario {
    /// Whether any post of a lead makes the model misbehave.
    pub(crate) fn misbehaves(&self, slug: &str) -> bool {
        self.posts.values().any(|post| post.slug == slug && post.words.contains("[[sim:"))
    }

    /// The run specification for Apify when the harvest ends.
    pub(crate) fn run_spec(&self, harvest: usize, now: Timestamp) -> RunSpec {
        let harvest = &self.harvests[harvest];
        RunSpec {
            status: harvest.status,
            started_at: Some(harvest.started_at),
            finished_at: Some(now),
            input: json!({"targetUrls": harvest.targets, "maxPosts": 10}),
            items: harvest.items.clone(),
            cost_usd: Some(harvest.cost_usd),
            preliminary_cost_usd: Some(harvest.cost_usd / 2.0),
            ..RunSpec::default()
        }
    }
}
