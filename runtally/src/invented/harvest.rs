//! A client's harvest: the actor's targets, and what it found.

use super::cases::Link;
use super::client::InventedClient;
use super::expected::Expected;
use super::items;
use super::leads::Lead;
use super::people::{Author, Person};
use super::posts::{Age, Pen, Post};
use super::random::rng;
use super::spelling;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::core::ids::ClientId;
use shared::core::linkedin::ProfileKey;
use simulators::apify::{RunSpec, RunStatus, Webhook, WebhookSpec};

/// Prices of the actor's events in hundred-thousandths of a dollar.
const ACTOR_START: u64 = 5;
const ITEM: u64 = 200;
const TARGET_WITHOUT_ITEM: u64 = 100;
/// Posts per profile in a harvest of profiles that were not invented.
const POSTS_EACH: usize = 2;

pub(super) struct Outsider {
    target: String,
    pub(super) posts: Vec<Post>,
    pub(super) is_company: bool,
}

/// How many other profiles and companies a harvest of this many leads includes.
fn outsiders(leads: usize) -> [usize; 2] {
    let some = |from: usize, one_in: usize| if leads < from { 0 } else { 1 + leads / one_in };
    [some(3, 100), some(5, 200)]
}

/// How many distinct people and companies a client's leads and targets are.
pub(super) fn people(leads: usize) -> u64 {
    (leads + outsiders(leads).iter().sum::<usize>()) as u64
}

/// What Apify reports about one run of the actor, and the expected result.
#[derive(Debug, Clone, PartialEq)]
pub struct Harvest {
    /// The actor's input.
    pub input: Value,
    /// The dataset's items, in random order.
    pub items: Vec<Value>,
    /// What the run cost.
    pub cost_usd: f64,
    /// What a correct system must arrive at when it scores this harvest once.
    pub expected: Expected,
}

/// Time between the end of a harvest and its webhook. By then Apify's figures are final.
const ENDED_AGO: SignedDuration = SignedDuration::from_secs(60);
const TOOK: SignedDuration = SignedDuration::from_mins(4);

impl Harvest {
    /// When the actor's run began, if its end is announced at `now`.
    pub(crate) fn started_at(now: Timestamp) -> Timestamp {
        now - ENDED_AGO - TOOK
    }

    /// A harvest of these profiles, which need not be invented. Each has two new posts with text of
    /// its own, and another `seed` gives other posts.
    pub(crate) fn of_profiles(urls: &[String], seed: u64) -> Self {
        let mut made = Making::default();
        for (number, url) in (0_u64..).zip(urls) {
            let mut author = Person::invent(seed, number).author();
            if let Some(profile) = ProfileKey::of(url) {
                profile.as_str().clone_into(&mut author.slug);
            }
            let mut pen = Pen::new(seed, number, author);
            for _ in 0..POSTS_EACH {
                made.add_item(items::post(&pen.original(Age::New), Link::Plain, url));
            }
            made.targets.push(url.clone());
        }
        let cost = ACTOR_START + ITEM * made.charged;
        Self {
            input: json!({"targetUrls": made.targets, "maxPosts": POSTS_EACH}),
            items: made.items,
            cost_usd: cost as f64 / 100_000.0,
            expected: made.expected,
        }
    }

    /// The actor's run, which succeeded. Apify announces it to `webhook` at `now`.
    pub(crate) fn run(&self, now: Timestamp, webhook: Option<Webhook>) -> RunSpec {
        RunSpec {
            status: RunStatus::Succeeded,
            started_at: Some(Self::started_at(now)),
            finished_at: Some(now - ENDED_AGO),
            input: self.input.clone(),
            items: self.items.clone(),
            cost_usd: Some(self.cost_usd),
            webhooks: webhook.into_iter().collect(),
            ..RunSpec::default()
        }
    }
}

/// A webhook to `url` that carries our token.
///
/// # Panics
/// If Apify would refuse the header. A token has no control characters.
pub(crate) fn webhook(url: String, token: &str) -> Webhook {
    let headers = json!({"Authorization": format!("Bearer {token}")});
    let spec = WebhookSpec { headers_template: Some(headers.to_string()), ..WebhookSpec::new(url) };
    Webhook::try_from(spec).expect("the template is JSON")
}

/// A webhook to `url` about harvests of a client.
pub(crate) fn webhook_for(url: &str, token: &str, client: &ClientId) -> Webhook {
    let id: String = url::form_urlencoded::byte_serialize(client.as_str().as_bytes()).collect();
    webhook(format!("{url}?clientId={id}"), token)
}

#[derive(Default)]
struct Making {
    targets: Vec<String>,
    items: Vec<Value>,
    /// Items that cost money.
    charged: u64,
    /// Targets without an item.
    empty: u64,
    expected: Expected,
}

impl Making {
    fn add_lead(&mut self, lead: &Lead, seed: u64) {
        self.expected.count_lead(lead);
        for found in &lead.found {
            self.add_item(items::post(&found.post, found.link, &lead.targets[found.target]));
        }
        if lead.case.has_comments {
            items::below(&lead.found[0].post, seed)
                .into_iter()
                .for_each(|item| self.add_item(item));
        }
        if lead.case.target_fails {
            // An error is an item, and it is free.
            self.items.extend(lead.targets.iter().map(|target| items::error(target)));
        } else if lead.found.is_empty() {
            self.empty += lead.targets.len() as u64;
        }
        self.targets.extend_from_slice(&lead.targets);
    }

    fn add_outsider(&mut self, outsider: &Outsider) {
        self.expected.count_outsider(outsider.posts.len(), outsider.is_company);
        for post in &outsider.posts {
            self.add_item(items::post(post, Link::Plain, &outsider.target));
        }
        self.targets.push(outsider.target.clone());
    }

    fn add_item(&mut self, item: Value) {
        self.charged += 1;
        self.items.push(item);
    }
}

impl InventedClient {
    /// The client's harvest. It is made again at each call, always the same.
    pub fn harvest(&self) -> Harvest {
        let mut made = Making::default();
        for lead in self.leads() {
            made.add_lead(&lead, self.seed);
        }
        for outsider in self.outsiders() {
            made.add_outsider(&outsider);
        }
        // The actor works on several targets at the same time, so the order of items means nothing.
        let rng = &mut rng(&[self.seed, self.first_person, 3]);
        rng.shuffle(&mut made.targets);
        rng.shuffle(&mut made.items);
        let cost = ACTOR_START + ITEM * made.charged + TARGET_WITHOUT_ITEM * made.empty;
        Harvest {
            input: json!({
                "targetUrls": made.targets, "maxPosts": 5, "postedLimit": "month",
                "includeReposts": true, "includeQuotePosts": true,
                "scrapeComments": true, "scrapeReactions": true,
            }),
            items: made.items,
            cost_usd: cost as f64 / 100_000.0,
            expected: made.expected,
        }
    }

    /// The leads, one after the other, so that only one is in memory.
    pub(super) fn leads(&self) -> impl Iterator<Item = Lead> + use<> {
        let (seed, first) = (self.seed, self.first_person);
        (0..self.leads).map(move |place| Lead::invent(seed, first, place))
    }

    pub(super) fn outsiders(&self) -> impl Iterator<Item = Outsider> + use<> {
        let [profiles, companies] = outsiders(self.leads);
        let (seed, first) = (self.seed, self.first_person + self.leads as u64);
        (0..profiles + companies).map(move |place| {
            let number = first + place as u64;
            let is_company = place >= profiles;
            let author = if is_company {
                Author::company(number)
            } else {
                Person::invent(seed, number).author()
            };
            let target = match is_company {
                true => author.url(),
                false => spelling::target(place, &author.slug),
            };
            let mut pen = Pen::new(seed, number, author);
            let posts = vec![pen.original(Age::New), pen.original(Age::New)];
            Outsider { target, posts, is_company }
        })
    }
}
