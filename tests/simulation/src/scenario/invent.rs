//! Invents clients, their leads, and harvests.

use super::invented::{Asked, Client, Harvest, Lead, Post, Scenario};
use crate::dice::Dice;
use crate::script::{Script, Work};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use shared::schema::{clients, leads};
use simulators::airtable::Airtable;
use simulators::apify::RunStatus;
use simulators::gemini::Marker;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tests::MASTER_BASE;
use tests::bases;

/// The clients of a schedule. Each has at least one run.
const CLIENTS: [(&str, &str, &str); 3] = [
    ("Ada-Park", "Ada Park", "appAda00000000001"),
    ("Bo", "Bo Lind", "appBo000000000001"),
    ("Cy-de-Ortega", "Cy de Ortega", "appCy000000000001"),
];
const LEADS: usize = 40;
/// Targets of a harvest that are not leads.
const STRANGERS: usize = 2;
/// The beginning of the ids of runs that were named beforehand. No other ids begin like this.
const NAMED_BEFOREHAND: &str = "261122-2";
impl Scenario {
    /// Invents a scenario and puts its bases into `airtable`.
    pub(crate) fn invent(
        dice: &Dice,
        airtable: &Airtable,
        now: Timestamp,
        script: Option<&Script>,
    ) -> Self {
        let level = "2-Lead and post scoring";
        let rows = CLIENTS.map(|(id, name, base)| (id, name, clients::ACTIVE, base, level));
        bases::furnish_master(airtable, &rows);
        let mut scenario = Self {
            clients: Vec::new(),
            harvests: Vec::new(),
            requests: Vec::new(),
            posts: BTreeMap::new(),
            named_beforehand: NAMED_BEFOREHAND,
            markers: if script.is_some() { &Marker::ALL[..9] } else { &Marker::ALL },
        };
        for (index, (id, name, base)) in CLIENTS.into_iter().enumerate() {
            bases::furnish_client(airtable, base);
            let leads = scenario.invent_leads(dice, airtable, (id, base));
            scenario.clients.push(Client {
                index,
                id,
                name,
                is_limited: false,
                has_unreadable_limit: false,
                base,
                leads,
            });
        }
        match script {
            Some(script) => scenario.take_from(script, dice, airtable, now),
            None => scenario.invent_work(dice, airtable, now),
        }
        scenario
    }

    /// Takes the work from a script.
    fn take_from(&mut self, script: &Script, dice: &Dice, airtable: &Airtable, now: Timestamp) {
        for work in &script.work {
            match *work {
                Work::Harvest { is_named, after } => {
                    let first = self.harvests.first().filter(|_| is_named);
                    match first.map(|first| (first.run.clone(), first.query.clone())) {
                        Some((run, query)) => {
                            let started_at = now - SignedDuration::from_mins(50);
                            self.add_harvest(dice, 0, started_at, (run, query));
                        }
                        None => self.invent_harvest(dice, 0, now, is_named),
                    }
                    let harvest = self.harvests.last_mut().expect("it was added");
                    (harvest.ends_after, harvest.status) = (after, RunStatus::Succeeded);
                }
                Work::Request { kind, after } => {
                    self.invent_request(dice, 0, kind);
                    self.requests.last_mut().expect("it was added").sent_after = after;
                }
                Work::Limit { field, tokens } => {
                    set_limits(airtable, CLIENTS[0].0, &json!({field: tokens}));
                    self.clients[0].is_limited = true;
                }
            }
        }
    }

    fn invent_work(&mut self, dice: &Dice, airtable: &Airtable, now: Timestamp) {
        let scenario = self;
        for client in 0..CLIENTS.len() {
            let orchestrated = dice.chance(0.4);
            scenario.invent_harvest(dice, client, now, orchestrated);
        }
        if dice.chance(0.25) {
            scenario.invent_second_harvest(dice, now);
        }
        for (client, (id, _, _)) in CLIENTS.iter().enumerate() {
            for (kind, share) in [("profile", 0.3), ("post", 0.2)] {
                if dice.chance(share) {
                    scenario.invent_request(dice, client, kind);
                }
            }
            if dice.chance(0.1) {
                limit_tokens(dice, airtable, id);
                scenario.clients[client].is_limited = true;
            }
        }
    }

    fn invent_leads(
        &mut self,
        dice: &Dice,
        airtable: &Airtable,
        (client, base): (&str, &str),
    ) -> Vec<Lead> {
        let mut rows = Vec::new();
        let mut leads = Vec::new();
        for n in 0..LEADS {
            let slug = format!("{}-{n:02}", client.to_lowercase());
            let mut row = Map::new();
            let spelling =
                ["https://www.linkedin.com/in/", "linkedin.com/in/", "http://linkedin.com/in/"];
            let host = spelling[dice.below(spelling.len())];
            row.insert(leads::PROFILE_URL.to_owned(), json!(format!("{host}{slug}/")));
            let mut lead = Lead {
                record: String::new(),
                slug,
                stored: BTreeSet::new(),
                is_unreadable: false,
                odd: None,
                waits: false,
                has_good_profile: false,
            };
            self.invent_stored_posts(dice, &mut row, &mut lead);
            if dice.chance(0.15) {
                lead.has_good_profile = invent_profile(dice, &mut row, &lead.slug, n);
            }
            rows.push(row);
            leads.push(lead);
        }
        let records = airtable.insert_all(base, leads::TABLE, rows).expect("the rows fit");
        for (lead, record) in leads.iter_mut().zip(records) {
            lead.record = record;
        }
        leads
    }

    /// The posts in a lead's row before anything happens.
    fn invent_stored_posts(&mut self, dice: &Dice, row: &mut Map<String, Value>, lead: &mut Lead) {
        let kind = dice.below(20);
        let n = match kind {
            0..=4 => 90,
            5..=6 => 91,
            7 => {
                let diary = json!("Dear diary, nothing to parse");
                row.insert(leads::POSTS_CONTENT.to_owned(), diary);
                lead.is_unreadable = true;
                return;
            }
            _ => return,
        };
        let (url, words) = self.invent_post(dice, &lead.slug, n);
        let posts = json!([{"postUrl": url, "postContent": words}]).to_string();
        row.insert(leads::POSTS_CONTENT.to_owned(), json!(posts));
        lead.stored.insert(url);
        lead.waits = kind <= 4;
        if !lead.waits {
            row.insert(leads::DATE_POSTS_SCORED.to_owned(), json!("2026-11-01T00:00:00.000Z"));
        }
    }

    /// A post's URL and its text. Some texts make the model misbehave.
    fn invent_post(&mut self, dice: &Dice, slug: &str, n: usize) -> (String, String) {
        let word = format!("w.{slug}.{n}.");
        let id = 7_329_207_003_942_000_000 + self.posts.len() as u64;
        let url = format!("https://www.linkedin.com/posts/{slug}_{n}-activity-{id}-abcd");
        let marker = if dice.chance(0.06) { dice.pick(self.markers) } else { None };
        let marker = marker.map_or("", |marker| marker.text());
        let words = format!("Shipped {word} {marker}");
        let post = Post { url: url.clone(), slug: slug.to_owned(), words: words.clone() };
        self.posts.insert(word, post);
        (url, words)
    }

    fn invent_harvest(&mut self, dice: &Dice, client: usize, now: Timestamp, orchestrated: bool) {
        let place = i64::try_from(self.harvests.len()).expect("a few harvests");
        let started_at = now - SignedDuration::from_secs(3_600 + 97 * place);
        let run_stamp = if orchestrated {
            format!("261122-2200{place:02}")
        } else {
            started_at.strftime("%y%m%d-%H%M%S").to_string()
        };
        let id = self.clients[client].id;
        let hint = if orchestrated { format!("&runId={run_stamp}") } else { String::new() };
        let query = format!("clientId={id}{hint}");
        let run = format!("{run_stamp}-{id}");
        self.add_harvest(dice, client, started_at, (run, query));
    }

    /// A request for the run of the client's harvest, if that run was named beforehand.
    fn invent_request(&mut self, dice: &Dice, client: usize, kind: &'static str) {
        let id = self.clients[client].id;
        let named = self.harvests.iter().find(|h| h.client == client && h.query.contains("runId"));
        let run_stamp = named.map_or(format!("261122-2300{client:02}"), |harvest| {
            harvest.run.chars().take("261122-220000".len()).collect()
        });
        self.requests.push(Asked {
            client,
            kind,
            run: format!("{run_stamp}-{id}"),
            body: json!({"clientId": id, "kind": kind, "runId": run_stamp}).to_string(),
            names_leads: false,
            sent_after: dice.within(Duration::from_mins(10)),
        });
    }

    /// Another harvest of a client: in the same run, or in a separate run with the same leads.
    fn invent_second_harvest(&mut self, dice: &Dice, now: Timestamp) {
        let first = dice.below(CLIENTS.len());
        let client = self.harvests[first].client;
        if self.harvests[first].query.contains("runId") {
            let Harvest { run, query, started_at, .. } = &self.harvests[first];
            let (run, query) = (run.clone(), query.clone());
            let started_at = *started_at + SignedDuration::from_secs(40);
            self.add_harvest(dice, client, started_at, (run, query));
        } else {
            self.invent_harvest(dice, client, now, false);
        }
    }

    fn add_harvest(
        &mut self,
        dice: &Dice,
        client: usize,
        started_at: Timestamp,
        (run, query): (String, String),
    ) {
        let round = self.harvests.len();
        let slugs: Vec<String> =
            self.clients[client].leads.iter().map(|l| l.slug.clone()).collect();
        let strangers = (0..STRANGERS).map(|n| format!("stranger-{round}-{n}"));
        let mut targets = Vec::new();
        let mut items = Vec::new();
        let mut posts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for slug in slugs.into_iter().chain(strangers) {
            let target = format!("https://www.linkedin.com/in/{slug}");
            for n in 0..[0, 0, 1, 1, 1, 2][dice.below(6)] {
                let (url, words) = self.invent_post(dice, &slug, round * 10 + n);
                let item = item(&url, &words, &target);
                if dice.chance(0.03) {
                    items.push(item.clone());
                }
                items.push(item);
                posts.entry(slug.clone()).or_default().insert(url);
            }
            for post in self.posts.values().filter(|post| post.slug == slug) {
                if dice.chance(0.1) {
                    items.push(item(&post.url, &post.words, &target));
                    posts.entry(slug.clone()).or_default().insert(post.url.clone());
                }
            }
            targets.push(target);
        }
        if dice.chance(0.2) {
            let (url, words) = self.invent_post(dice, "acme", round);
            items.push(item(&url, &words, "https://www.linkedin.com/company/acme"));
            targets.push("https://www.linkedin.com/company/acme".to_owned());
        }
        let status = match dice.below(12) {
            0 => RunStatus::TimedOut,
            1 => RunStatus::Aborted,
            2 => RunStatus::Failed,
            _ => RunStatus::Succeeded,
        };
        let ends_after = dice.within(Duration::from_mins(10));
        let cost_usd = 0.05 + round as f64 / 1000.0;
        self.harvests.push(Harvest {
            client,
            run,
            query,
            ends_after,
            status,
            started_at,
            targets,
            items,
            posts,
            cost_usd,
        });
    }
}

/// Gives the n-th lead a waiting profile. Returns whether the model accepts it.
fn invent_profile(dice: &Dice, row: &mut Map<String, Value>, slug: &str, n: usize) -> bool {
    let is_thin = dice.chance(0.1);
    let about = if is_thin { "Hi" } else { "Runs operations for a maker of machines" };
    // The lead's number decides which profiles misbehave; the rest is drawn.
    let marker = match n % 8 {
        2 => Marker::SafetyBlock.text(),
        5 => Marker::Truncate.text(),
        _ => "",
    };
    let about = format!("{about} p.{slug}. {marker}");
    let profile = json!({"headline": "Operations", "about": about});
    row.insert(leads::RAW_PROFILE.to_owned(), json!(profile.to_string()));
    row.insert(leads::SCORING_STATUS.to_owned(), json!(leads::TO_BE_SCORED));
    !is_thin && marker.is_empty()
}

/// Limits the tokens of a client's runs to a few calls.
fn limit_tokens(dice: &Dice, airtable: &Airtable, client: &str) {
    let limit = dice.between(1_000, 6_000);
    let cells = json!({clients::POST_TOKEN_LIMIT: limit, clients::PROFILE_TOKEN_LIMIT: limit});
    set_limits(airtable, client, &cells);
}

fn set_limits(airtable: &Airtable, client: &str, cells: &Value) {
    let rows = airtable.rows(MASTER_BASE, clients::TABLE).expect("the clients");
    let row = rows.iter().find(|row| row.fields[clients::CLIENT_ID] == client).expect("a client");
    let cells = cells.as_object().cloned().unwrap_or_default();
    airtable.edit(MASTER_BASE, clients::TABLE, &row.id, cells).expect("the cells fit");
}

fn item(url: &str, words: &str, target: &str) -> Value {
    json!({"type": "post", "id": url.len().to_string(), "linkedinUrl": url, "content": words,
        "author": {"type": "profile", "name": "A", "linkedinUrl": target},
        "postedAt": {"date": "2026-11-20T09:45:19.821Z"},
        "engagement": {"likes": 1, "comments": 0, "shares": 0}, "postImages": [],
        "query": {"targetUrl": target}})
}
