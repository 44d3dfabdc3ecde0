//! Reads a harvest, item by item.

use super::account::{Reasons, Seen, Targets};
use super::input::{self, Target};
use super::item::{Item, keys, read_item};
use super::names::Names;
use super::posts::ProfilePosts;
use super::target::TargetKey;
use serde_json::Value;
use shared::core::linkedin::ProfileKey;
use shared::messages::{HarvestAccount, HarvestStatus, UnknownReason, UnusedReason};
use shared::ports::Transport;
use shared::services::apify::{Apify, ApifyError, ApifyRun, DatasetEnd, MAX_ITEMS, MOST_DAMAGED};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// What a harvest brought.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Harvest {
    /// Targets in the actor's input.
    pub(crate) targets: u32,
    /// Posts, counted once for each target under which they appeared.
    pub(crate) posts: u32,
    /// The posts whose target is not a profile.
    pub(crate) posts_without_profile: u32,
    pub(crate) account: HarvestAccount,
    /// Anything unusual, for the record.
    pub(crate) notes: Vec<String>,
    /// Why nothing can be planned: the items cannot be read, or have an unknown shape.
    pub(crate) refusal: Option<String>,
    /// Whether Apify has no readable items.
    pub(crate) is_unread: bool,
    /// The posts of each requested profile. An entry is empty if the profile is known to have no
    /// posts.
    pub(crate) profiles: BTreeMap<ProfileKey, ProfilePosts>,
}

/// Reads a run's input and dataset. If the dataset cannot be read, the harvest has a refusal: its cost
/// and its targets are known anyway.
pub(crate) async fn read_harvest(
    apify: &Apify<impl Transport>,
    run: &ApifyRun,
    status: HarvestStatus,
) -> Result<Harvest, ApifyError> {
    let input = match apify.input(run).await {
        // The posts that were found can be used without the input.
        Err(ApifyError::Unreadable { .. }) => Some(Value::Null),
        input => input?,
    };
    let mut reading = Reading::of(input.as_ref());
    let end = apify.items(run, |item| reading.add(item)).await?;
    if let Some(reason) = unreadable(&end, run) {
        // Half of a harvest is not planned, so its posts do not count.
        reading = Reading { unread: Some(reason), ..Reading::of(input.as_ref()) };
    }
    Ok(reading.end(run, status))
}

/// Why a dataset cannot be read to its end.
fn unreadable(end: &DatasetEnd, run: &ApifyRun) -> Option<String> {
    let id = &run.id;
    match end {
        DatasetEnd::Whole => None,
        DatasetEnd::Gone => Some(format!(
            "the dataset of Apify run {id} is gone: Apify deletes unnamed datasets after some days; \
             harvest again"
        )),
        DatasetEnd::TooLong => Some(format!(
            "the dataset of Apify run {id} does not end after {MAX_ITEMS} items; split the harvest"
        )),
        DatasetEnd::Damaged => Some(format!(
            "more than {MOST_DAMAGED} items in a row of the dataset of Apify run {id} cannot be read; \
             tick Retry, and harvest again if that does not help"
        )),
        DatasetEnd::Stuck => Some(format!(
            "Apify returns the same page of the dataset of run {id} for every request; tick Retry, \
             and harvest again if that does not help"
        )),
    }
}

/// What was read so far.
struct Reading {
    /// `None` if the input is gone.
    entries: Option<Vec<Target>>,
    /// The keys of an input without a target.
    odd_input: Option<String>,
    found: BTreeMap<TargetKey, ProfilePosts>,
    /// Posts without a target.
    nobodys: ProfilePosts,
    has_items: BTreeSet<TargetKey>,
    names: Names,
    unused: Reasons<UnusedReason>,
    items: u32,
    /// Why the dataset cannot be read.
    unread: Option<String>,
}

impl Reading {
    fn of(input: Option<&Value>) -> Self {
        let entries = input.map(input::targets).filter(|entries| !entries.is_empty());
        let odd_input = input.filter(|_| entries.is_none()).map(keys);
        Self {
            entries,
            odd_input,
            found: BTreeMap::new(),
            nobodys: ProfilePosts::default(),
            has_items: BTreeSet::new(),
            names: Names::default(),
            unused: Reasons::new(),
            items: 0,
            unread: None,
        }
    }

    /// Adds one dataset item; `None` stands for an item that cannot be read.
    fn add(&mut self, value: Option<&Value>) {
        let only = self.only_target().cloned();
        if let Some(item) = value {
            self.names.learn(item);
        }
        for item in read_item(value) {
            self.items += 1;
            match item {
                Item::Post { post, target } => {
                    let name = post.url.as_str().to_owned();
                    let target = target.or_else(|| only.clone());
                    let posts = match &target {
                        Some(target) => self.found.entry(target.clone()).or_default(),
                        None => &mut self.nobodys,
                    };
                    let is_new = posts.add(*post);
                    match &target {
                        _ if !is_new => self.unused.add(UnusedReason::Repeat, &name),
                        None => self.unused.add(UnusedReason::NoTarget, &name),
                        Some(target) if target.profile().is_none() => {
                            self.unused.add(UnusedReason::NoProfile, &target.to_string());
                        }
                        Some(_) => {}
                    }
                    self.has_items.extend(target);
                }
                Item::Unused { reason, name, target } => {
                    self.unused.add(reason, &name);
                    self.has_items.extend(target);
                }
            }
        }
    }

    /// The target for items that name none, if only one target was requested.
    fn only_target(&self) -> Option<&TargetKey> {
        let (first, others) = self.entries.as_deref()?.split_first()?;
        others.iter().all(|other| other.key == first.key).then_some(&first.key)
    }

    /// Merges targets that are the same person under both of LinkedIn's names.
    fn unify(&mut self) {
        let names = &self.names;
        for entry in self.entries.iter_mut().flatten() {
            entry.key = names.resolve(entry.key.clone());
        }
        let has_items = std::mem::take(&mut self.has_items);
        self.has_items = has_items.into_iter().map(|key| names.resolve(key)).collect();
        let mut found: BTreeMap<TargetKey, ProfilePosts> = BTreeMap::new();
        for (target, posts) in std::mem::take(&mut self.found) {
            match found.entry(names.resolve(target)) {
                Entry::Vacant(place) => drop(place.insert(posts)),
                Entry::Occupied(mut known) => {
                    for post in posts.newest_first() {
                        let name = post.url.as_str().to_owned();
                        if !known.get_mut().add(post) {
                            self.unused.add(UnusedReason::Repeat, &name);
                        }
                    }
                }
            }
        }
        self.found = found;
    }

    fn end(mut self, run: &ApifyRun, status: HarvestStatus) -> Harvest {
        self.unify();
        let refusal = self.refusal(run);
        let notes = self.notes(run).into_iter().collect();
        let doubt = refusal.as_ref().map(|(doubt, _)| *doubt);
        let targets = self.targets(run, status, doubt);
        let mut posts_without_profile = self.nobodys.count();
        let mut profiles: BTreeMap<ProfileKey, ProfilePosts> = BTreeMap::new();
        for (target, posts) in self.found {
            match target {
                TargetKey::Profile(profile) => drop(profiles.insert(profile, posts)),
                TargetKey::Other(_) | TargetKey::Unreadable(_) => {
                    posts_without_profile += posts.count()
                }
            }
        }
        let posts_with_profile: usize = profiles.values().map(ProfilePosts::count).sum();
        for profile in targets.empty.iter().filter_map(TargetKey::profile) {
            profiles.entry(profile.clone()).or_default();
        }
        for (profile, posts) in &mut profiles {
            posts.also = self.names.ids_of(profile);
        }
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Harvest {
            targets: targets.all,
            posts: number(posts_with_profile + posts_without_profile),
            posts_without_profile: number(posts_without_profile),
            account: HarvestAccount {
                items: self.items,
                unused: self.unused.into_list(),
                targets_with_posts: targets.with_posts,
                targets_empty: targets.empty_count,
                targets_unknown: targets.unknown,
                input_is_missing: self.entries.is_none(),
            },
            notes,
            refusal: refusal.map(|(_, reason)| reason),
            is_unread: self.unread.is_some(),
            profiles,
        }
    }

    /// What became of the targets. Without an input, only the items show what was requested.
    fn targets(
        &self,
        run: &ApifyRun,
        status: HarvestStatus,
        doubt: Option<UnknownReason>,
    ) -> Targets {
        let has_posts: BTreeSet<TargetKey> = self.found.keys().cloned().collect();
        let (has_items, items) = (&self.has_items, self.items);
        let seen = Seen { run, status, items, doubt, has_posts: &has_posts, has_items };
        if let Some(entries) = &self.entries {
            return Targets::of(entries, &seen);
        }
        let named = has_items.iter().map(|key| Target { key: key.clone(), text: key.to_string() });
        Targets::of(&named.collect::<Vec<_>>(), &seen)
    }

    /// Why the whole harvest is refused, and why its targets are therefore unknown.
    fn refusal(&self, run: &ApifyRun) -> Option<(UnknownReason, String)> {
        if let Some(reason) = &self.unread {
            return Some((UnknownReason::NotRead, reason.clone()));
        }
        let unknown = self.unused.get(UnusedReason::UnknownShape)?;
        let has_posts = !self.found.is_empty() || self.nobodys.count() > 0;
        (!has_posts).then(|| {
            let actor = match run.actor.as_str() {
                "" => String::new(),
                actor => format!(" (actor {actor})"),
            };
            let reason = format!(
                "the items of Apify run {}{actor} have a shape that is not known: {}; harvest with \
                 an actor whose items are read",
                run.id,
                unknown.first.join("; ")
            );
            (UnknownReason::NotUnderstood, reason)
        })
    }

    fn notes(&self, run: &ApifyRun) -> Option<String> {
        if self.entries.is_some() {
            return None;
        }
        Some(match &self.odd_input {
            Some(keys) => format!(
                "the input of Apify run {} names no target that can be read ({keys}): what was \
                 asked for is not known",
                run.id
            ),
            None => format!(
                "the input of Apify run {} is missing: what was asked for is not known",
                run.id
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared::messages::{Post, PostKind};

    const JANE: &str = "https://www.linkedin.com/in/janedoe/";
    const BOB: &str = "https://www.linkedin.com/in/bob";

    fn item(url: &str, target: &str) -> Value {
        json!({"type": "post", "id": "73", "linkedinUrl": url, "content": "Hello",
            "author": {"name": "Jane Doe", "linkedinUrl": "https://www.linkedin.com/in/janedoe?x=1"},
            "postedAt": {"timestamp": 1_795_427_119_821_i64, "date": "2026-11-23T09:45:19.821Z"},
            "engagement": {"likes": 42, "comments": 5, "shares": 1}, "query": {"targetUrl": target}})
    }

    fn run(extra: &Value) -> ApifyRun {
        ApifyRun {
            id: "HG7ML7M8z78YcAPEB".parse().unwrap(),
            actor: "actor1".to_owned(),
            status: Some(HarvestStatus::Succeeded),
            started_at: "2026-11-23T10:00:00Z".parse().unwrap(),
            finished_at: None,
            dataset: Some("d".to_owned()),
            cost: None,
            max_items: extra["maxItems"].as_u64(),
            max_charge: None,
            charged: extra["empty"].as_u64().map(|n| [("zero-result-query".to_owned(), n)].into()),
        }
    }

    /// The harvest of a run that succeeded. `about` says what was charged and limited.
    fn harvest(input: &Value, about: &Value, items: &[Value]) -> Harvest {
        let mut reading = Reading::of(Some(input).filter(|input| !input.is_null()));
        items.iter().for_each(|item| reading.add(Some(item)));
        reading.end(&run(about), HarvestStatus::Succeeded)
    }

    fn of_jane(items: &[Value]) -> Harvest {
        harvest(&json!({"targetUrls": [JANE]}), &json!({"empty": 1}), items)
    }

    fn only_post(mut harvest: Harvest) -> Post {
        let profile = ProfileKey::of(JANE).unwrap();
        let mut posts = harvest.profiles.remove(&profile).unwrap().newest_first();
        assert_eq!(posts.len(), 1);
        posts.remove(0)
    }

    /// Numbers of targets: with posts, empty, unknown.
    fn targets(harvest: &Harvest) -> (u32, u32, u32) {
        let account = &harvest.account;
        let all = (account.targets_with_posts, account.targets_empty, account.unknown());
        assert_eq!(all.0 + all.1 + all.2, harvest.targets);
        all
    }

    #[test]
    fn a_post_belongs_to_the_profile_that_was_asked_for_never_to_its_author() {
        let mut repost =
            item("https://www.linkedin.com/posts/acme_launch-activity-7330000000000000001-a", JANE);
        repost["author"] = json!({"type": "company", "name": "Acme", "linkedinUrl": "https://www.linkedin.com/company/acme/posts"});
        repost["repostedBy"] = json!({"publicIdentifier": "janedoe"});
        repost["repostedAt"] = json!({"date": "2026-11-24T00:00:00.000Z"});
        let post = only_post(of_jane(&[repost]));
        assert_eq!((post.kind, post.author.as_str()), (PostKind::Repost, "Acme"));
        assert_eq!(post.posted_at, "2026-11-24T00:00:00.000Z");
    }

    #[test]
    fn every_item_is_a_post_or_counted_by_reason() {
        let harvest = of_jane(&[
            item("https://www.linkedin.com/posts/a", JANE),
            json!({"type": "comment", "id": "1", "query": {"post": "u"}}),
            json!({"type": "reaction", "id": "2", "query": {"post": "u"}}),
            json!({"error": "no such profile", "query": {"targetUrl": JANE}}),
            json!({"type": "post", "query": {"targetUrl": JANE}}),
            json!({"firstName": "Jane"}),
            item("https://www.linkedin.com/posts/b", "https://www.linkedin.com/company/acme"),
        ]);
        let account = &harvest.account;
        assert_eq!((account.items, harvest.posts, harvest.posts_without_profile), (7, 2, 1));
        let reasons: Vec<_> = account.unused.iter().map(|c| (c.reason.as_str(), c.count)).collect();
        assert_eq!(
            reasons,
            [
                ("comment", 1),
                ("reaction", 1),
                ("error reported by the actor", 1),
                ("post without id and URL", 1),
                ("post of a target that is no profile", 1),
                ("unknown shape", 1),
            ]
        );
        assert_eq!(account.items, harvest.posts + account.unused_where(|reason| !reason.is_post()));
        assert_eq!(harvest.refusal, None, "the others are used");
    }

    #[test]
    fn one_post_is_counted_once_whichever_of_its_urls_names_it() {
        let url = "https://www.linkedin.com/posts/janedoe_x-activity-7329207003942125568-_gfJ";
        let mut repost =
            item("https://www.linkedin.com/feed/update/urn:li:activity:7329207003942125568", JANE);
        repost["repostedBy"] = json!({"name": "Jane Doe"});
        let mut shared =
            item("https://www.linkedin.com/feed/update/urn:li:share:7329207002977443840", JANE);
        shared["entityId"] = json!("7329207003942125568");
        let found = of_jane(&[repost, item(url, JANE), shared]);
        assert_eq!((found.posts, found.account.unused[0].count), (1, 2));
        assert_eq!(found.account.unused[0].reason, UnusedReason::Repeat);
        assert_eq!(only_post(found).kind, PostKind::Original);
    }

    #[test]
    fn a_target_without_items_is_empty_only_if_the_charged_events_say_so() {
        let both = json!({"targetUrls": [JANE, BOB]});
        let post = || item("https://www.linkedin.com/posts/a", JANE);
        let counts = |about: Value| {
            let harvest = harvest(&both, &about, &[post()]);
            let known = harvest.profiles.len() as u32;
            let (with_posts, empty, unknown) = targets(&harvest);
            assert_eq!(known, with_posts + empty, "an unknown one is left alone");
            let why = harvest.account.targets_unknown.first().map(|c| c.reason.as_str());
            (empty, unknown, why.unwrap_or(""))
        };
        assert_eq!(counts(json!({"empty": 1})), (1, 0, ""));
        assert_eq!(counts(json!({"empty": 0})), (0, 1, "not all of them were charged as empty"));
        assert_eq!(counts(json!({})), (0, 1, "Apify does not say whether they were tried"));
        assert_eq!(counts(json!({"empty": 1, "maxItems": 1})), (0, 1, "maxItems reached"));
        assert_eq!(counts(json!({"empty": 1, "maxItems": 2})), (1, 0, ""));
    }

    #[test]
    fn a_target_whose_items_are_no_posts_is_unknown() {
        let error = json!({"type": "error", "query": {"targetUrl": BOB}});
        let harvest = harvest(&json!({"targetUrls": [JANE, BOB]}), &json!({"empty": 1}), &[error]);
        assert_eq!(targets(&harvest), (0, 1, 1));
        assert_eq!(harvest.account.targets_unknown[0].first, ["/in/bob"]);
    }

    #[test]
    fn a_harvest_that_was_cut_short_tells_nothing_of_targets_without_items() {
        let reading = Reading::of(Some(&json!({"targetUrls": [JANE]})));
        let harvest = reading.end(&run(&json!({"empty": 1})), HarvestStatus::Aborted);
        assert_eq!((targets(&harvest), harvest.profiles.len()), ((0, 0, 1), 0));
    }

    #[test]
    fn a_target_that_is_named_twice_is_one_and_must_be_charged_twice() {
        let twice = json!({"targetUrls": [JANE, BOB], "profileUrls": [JANE]});
        let counts = |empty: u64| targets(&harvest(&twice, &json!({"empty": empty}), &[]));
        assert_eq!((counts(3), counts(2)), ((0, 2, 0), (0, 0, 2)));
    }

    #[test]
    fn an_item_that_names_no_target_belongs_to_the_only_one() {
        let mut nameless = item("https://www.linkedin.com/posts/a", JANE);
        nameless["query"] = Value::Null;
        let jane = of_jane(std::slice::from_ref(&nameless));
        assert_eq!((jane.posts, jane.posts_without_profile), (1, 0));
        let both = json!({"targetUrls": [JANE, BOB]});
        let lost = harvest(&both, &json!({"empty": 2}), &[nameless]);
        assert_eq!((lost.posts, lost.posts_without_profile), (1, 1));
        assert_eq!(lost.account.unused[0].reason, UnusedReason::NoTarget);
    }

    #[test]
    fn a_missing_or_odd_input_is_noted() {
        let post = item("https://www.linkedin.com/posts/a", JANE);
        let missing = harvest(&Value::Null, &json!({"empty": 0}), std::slice::from_ref(&post));
        assert!(missing.notes[0].contains("is missing"), "{:?}", missing.notes);
        assert_eq!((missing.targets, missing.account.input_is_missing), (1, true));
        let odd = harvest(&json!({"keywords": ["x"]}), &json!({"empty": 0}), &[post]);
        assert!(odd.notes[0].contains("keys keywords"), "{:?}", odd.notes);
    }

    #[test]
    fn items_of_a_shape_that_nobody_knows_are_refused_by_their_keys() {
        let strange = json!({"urn": "u", "text": "secret", "inputUrl": JANE, "type": "text"});
        let refusal = of_jane(&[strange]).refusal.unwrap();
        assert!(refusal.contains("HG7ML7M8z78YcAPEB (actor actor1)"), "{refusal}");
        assert!(refusal.contains("keys inputUrl, text, type, urn"), "{refusal}");
        assert!(!refusal.contains("secret"), "{refusal}");
    }

    #[test]
    fn a_target_about_which_the_actor_reports_an_error_is_unknown_however_it_is_named() {
        let failed = json!({"error": "no such profile"});
        let input = json!({"targetUrls": [JANE, BOB]});
        for key in ["url", "inputUrl", "linkedinUrl"] {
            let mut failed = failed.clone();
            failed[key] = json!(BOB);
            let harvest = harvest(&input, &json!({"empty": 2}), &[failed]);
            assert_eq!(targets(&harvest), (0, 1, 1), "{key}");
        }
        let company = json!({"error": "x", "url": "https://www.linkedin.com/company/bob"});
        assert_eq!(targets(&harvest(&input, &json!({"empty": 2}), &[company])), (0, 2, 0));
    }

    #[test]
    fn an_entry_that_nobody_can_read_is_unknown_and_makes_no_other_target_so() {
        let input = json!({"targetUrls": [JANE, BOB, {"name": "Cara"}]});
        let harvest = harvest(
            &input,
            &json!({"empty": 1}),
            &[item("https://www.linkedin.com/posts/a", JANE)],
        );
        assert_eq!(targets(&harvest), (1, 1, 1));
        let [unknown] = &harvest.account.targets_unknown[..] else { panic!("{harvest:?}") };
        assert_eq!(unknown.reason.as_str(), "not readable in the actor's input");
        assert_eq!(unknown.first, ["keys name"]);
    }

    #[test]
    fn posts_come_newest_first_and_those_of_one_time_by_their_urls() {
        let dated = |name: &str, date: &str| {
            let mut dated = item(&format!("https://www.linkedin.com/posts/{name}"), JANE);
            dated["postedAt"] = json!({"date": date});
            dated
        };
        let items = [("c", "2026-11-23"), ("old", "2025-01-01"), ("a", "2026-11-23")];
        let items: Vec<Value> = items.iter().map(|(name, date)| dated(name, date)).collect();
        let found = of_jane(&items).profiles.remove(&ProfileKey::of(JANE).unwrap()).unwrap();
        let urls: Vec<String> = found.newest_first().into_iter().map(|post| post.url.0).collect();
        let names = urls.iter().map(|url| url.rsplit('/').next().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["a", "c", "old"]);
    }
}
