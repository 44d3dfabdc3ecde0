//! What a harvest brought: from dataset items to posts by the profile that was asked for.
//!
//! External rules: items of the actor harvestapi/linkedin-profile-posts. The profile a post
//! belongs to is the one that was asked for (`query.targetUrl`), never the author: on a pure
//! repost the author is the original's.

use serde_json::Value;
use shared::core::ids::PostKey;
use shared::core::limits::is_allowed;
use shared::core::linkedin::{PostUrl, ProfileKey};
use shared::messages::{HarvestStatus, Post, PostKind};
use shared::ports::Transport;
use shared::services::apify::{Apify, ApifyError, ApifyRun};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Harvest {
    /// Target URLs in the actor's input.
    pub(crate) targets: u32,
    /// Items that are posts.
    pub(crate) posts: u32,
    /// Of those: posts whose target is not a profile.
    pub(crate) posts_without_profile: u32,
    /// What was found under each profile that was asked for; an empty entry when nothing was.
    pub(crate) profiles: BTreeMap<ProfileKey, ProfilePosts>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct ProfilePosts {
    /// Items, with repetitions of the same post.
    pub(crate) items: u32,
    posts: BTreeMap<PostKey, Post>,
}

/// Reads a run's input and dataset; `None` when the dataset is gone: Apify deletes unnamed ones
/// after some days.
pub(crate) async fn read_harvest(
    apify: &Apify<impl Transport>,
    run: &ApifyRun,
    status: HarvestStatus,
) -> Result<Option<Harvest>, ApifyError> {
    let mut harvest = Harvest::default();
    if let Some(input) = apify.input(run).await? {
        harvest.add_input(&input, status == HarvestStatus::Succeeded);
    }
    let is_there = apify.items(run, |item| harvest.add_item(item)).await?;
    Ok(is_there.then_some(harvest))
}

impl Harvest {
    /// Adds the actor's input. With `profiles_tried` every target was tried: one without an item is
    /// known to have no posts.
    fn add_input(&mut self, input: &Value, profiles_tried: bool) {
        let targets = target_urls(input);
        self.targets = u32::try_from(targets.len()).unwrap_or(u32::MAX);
        if profiles_tried {
            for profile in targets.iter().filter_map(|url| ProfileKey::of(url)) {
                self.profiles.entry(profile).or_default();
            }
        }
    }

    /// Adds one dataset item. Reactions, comments, errors and posts without a URL are not posts.
    fn add_item(&mut self, item: &Value) {
        let Some(post) = post(item) else { return };
        self.posts += 1;
        match text(&item["query"]["targetUrl"]).and_then(ProfileKey::of) {
            Some(profile) => self.profiles.entry(profile).or_default().add(post),
            None => self.posts_without_profile += 1,
        }
    }
}

impl ProfilePosts {
    /// Adds a post; of two with the same URL the one that is more the lead's own stays.
    pub(crate) fn add(&mut self, post: Post) {
        self.items += 1;
        match self.posts.entry(post.key()) {
            Entry::Vacant(place) => {
                place.insert(post);
            }
            Entry::Occupied(mut known) if post.kind < known.get().kind => {
                known.insert(post);
            }
            Entry::Occupied(_) => {}
        }
    }

    /// Each post once, newest first.
    pub(crate) fn newest_first(self) -> Vec<Post> {
        let mut posts: Vec<Post> = self.posts.into_values().collect();
        posts.sort_by(|a, b| {
            b.posted_at.cmp(&a.posted_at).then_with(|| a.url.as_str().cmp(b.url.as_str()))
        });
        posts
    }
}

/// The target URLs of an actor's input, under the first name in use that has any: old clients give
/// the same list under several.
fn target_urls(input: &Value) -> Vec<&str> {
    ["targetUrls", "profileUrls", "startUrls", "profiles"]
        .into_iter()
        .filter_map(|name| input[name].as_array())
        .map(|targets| {
            let urls = targets.iter();
            urls.filter_map(|target| target.as_str().or_else(|| text(&target["url"]))).collect()
        })
        .find(|targets: &Vec<&str>| !targets.is_empty())
        .unwrap_or_default()
}

fn post(item: &Value) -> Option<Post> {
    if item["type"] != "post" {
        return None;
    }
    let url = match (text(&item["linkedinUrl"]), id(item)) {
        (Some(url), _) => url.to_owned(),
        (None, Some(id)) => format!("https://www.linkedin.com/feed/update/urn:li:activity:{id}"),
        (None, None) => return None,
    };
    let kind = if item["repostedBy"].is_object() {
        PostKind::Repost
    } else if !item["repostId"].is_null() || item["repost"].is_object() {
        PostKind::Quote
    } else {
        PostKind::Original
    };
    let owned = |value: &Value| clean(text(value).unwrap_or_default());
    let engagement = |of: &str| item["engagement"][of].as_u64().unwrap_or(0);
    Some(Post {
        url: PostUrl(clean(&url)),
        content: owned(&item["content"]),
        posted_at: date(&item["repostedAt"])
            .or_else(|| date(&item["postedAt"]))
            .unwrap_or_default(),
        author_url: owned(&item["author"]["linkedinUrl"]),
        author: owned(&item["author"]["name"]),
        kind,
        likes: engagement("likes"),
        comments: engagement("comments"),
        reposts: engagement("shares"),
        image_url: owned(&item["postImages"][0]["url"]),
    })
}

/// Replaces the characters that no queue carries.
fn clean(text: &str) -> String {
    text.chars().map(|c| if is_allowed(c) || c.is_control() { c } else { '\u{fffd}' }).collect()
}

fn id(item: &Value) -> Option<String> {
    let text = item["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    text.or_else(|| item["id"].as_number().map(ToString::to_string))
}

/// A time, which the actor gives as an object with an ISO date and a timestamp.
fn date(at: &Value) -> Option<String> {
    let iso = at.as_str().or_else(|| text(&at["date"])).map(str::to_owned);
    iso.or_else(|| {
        let millis = at["timestamp"].as_i64()?;
        let at = jiff::Timestamp::from_millisecond(millis).ok()?;
        Some(at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    })
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const JANE: &str = "https://www.linkedin.com/in/janedoe/";

    fn item(url: &str, target: &str) -> Value {
        json!({"type": "post", "id": "7329207003942125568", "linkedinUrl": url, "content": "Hello",
            "author": {"name": "Jane Doe", "linkedinUrl": "https://www.linkedin.com/in/janedoe?x=1"},
            "postedAt": {"timestamp": 1_795_427_119_821_i64, "date": "2026-11-23T09:45:19.821Z"},
            "engagement": {"likes": 42, "comments": 5, "shares": 1}, "query": {"targetUrl": target}})
    }

    fn harvest(items: &[Value]) -> Harvest {
        let mut harvest = Harvest::default();
        harvest.add_input(&json!({"targetUrls": [JANE]}), true);
        for item in items {
            harvest.add_item(item);
        }
        harvest
    }

    fn jane(harvest: &Harvest) -> &ProfilePosts {
        &harvest.profiles[&ProfileKey::of(JANE).unwrap()]
    }

    fn only_post(harvest: &Harvest) -> &Post {
        let posts = &jane(harvest).posts;
        assert_eq!(posts.len(), 1);
        posts.values().next().unwrap()
    }

    #[test]
    fn a_post_belongs_to_the_profile_that_was_asked_for_never_to_its_author() {
        let mut repost =
            item("https://www.linkedin.com/posts/acme_launch-activity-7330000000000000001-a", JANE);
        repost["author"] = json!({"type": "company", "name": "Acme", "linkedinUrl": "https://www.linkedin.com/company/acme/posts"});
        repost["repostedBy"] = json!({"publicIdentifier": "janedoe"});
        repost["repostedAt"] = json!({"date": "2026-11-24T00:00:00.000Z"});
        let harvest = harvest(&[repost]);
        let post = only_post(&harvest);
        assert_eq!((post.kind, post.author.as_str()), (PostKind::Repost, "Acme"));
        assert_eq!(post.posted_at, "2026-11-24T00:00:00.000Z");
    }

    #[test]
    fn kinds_are_told_apart_in_the_actors_order() {
        let kind = |extra: Value| {
            let mut item = item("https://www.linkedin.com/posts/x", JANE);
            item.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            post(&item).unwrap().kind
        };
        assert_eq!(kind(json!({})), PostKind::Original);
        assert_eq!(kind(json!({"repostId": null})), PostKind::Original);
        assert_eq!(kind(json!({"repostId": "7"})), PostKind::Quote);
        assert_eq!(kind(json!({"repost": {"id": "7"}})), PostKind::Quote);
        assert_eq!(
            kind(json!({"repostId": "7", "repostedBy": {"name": "Jane"}})),
            PostKind::Repost
        );
    }

    #[test]
    fn only_items_of_type_post_count() {
        let harvest = harvest(&[
            item("https://www.linkedin.com/posts/a", JANE),
            json!({"type": "comment", "id": "1", "query": {"targetUrl": JANE}}),
            json!({"type": "reaction", "id": "2", "query": {"targetUrl": JANE}}),
            json!({"error": "no such profile", "query": {"targetUrl": JANE}}),
            json!({"type": "post", "query": {"targetUrl": JANE}}),
        ]);
        assert_eq!((harvest.posts, jane(&harvest).posts.len()), (1, 1));
    }

    #[test]
    fn a_target_without_items_is_known_to_have_no_posts_only_when_all_were_tried() {
        assert_eq!(jane(&harvest(&[])).posts.len(), 0);
        let mut partial = Harvest::default();
        partial.add_input(&json!({"targetUrls": [JANE]}), false);
        assert_eq!((partial.targets, partial.profiles.len()), (1, 0));
    }

    #[test]
    fn targets_are_found_under_every_name_that_was_in_use_and_counted_once() {
        let bob = "https://www.linkedin.com/in/bob";
        for input in [
            json!({"targetUrls": [JANE, bob]}),
            json!({"profileUrls": [JANE, bob], "targetUrls": []}),
            json!({"startUrls": [{"url": JANE}, {"url": bob}]}),
            json!({"targetUrls": [JANE, bob], "profileUrls": [JANE, bob], "profiles": [JANE, bob]}),
        ] {
            let mut harvest = Harvest::default();
            harvest.add_input(&input, true);
            assert_eq!((harvest.targets, harvest.profiles.len()), (2, 2), "{input}");
        }
    }

    #[test]
    fn characters_that_no_queue_carries_are_replaced() {
        let mut odd = item("https://www.linkedin.com/posts/a", JANE);
        odd["content"] = json!("a\u{ffff}b\u{1}c");
        assert_eq!(post(&odd).unwrap().content, "a\u{fffd}b\u{1}c");
    }

    #[test]
    fn the_same_post_counts_as_an_item_each_time_and_is_kept_once() {
        let url = "https://www.linkedin.com/posts/janedoe_x-activity-7329207003942125568-_gfJ";
        let mut repost = item(&format!("{url}?utm_source=share"), JANE);
        repost["repostedBy"] = json!({"name": "Jane Doe"});
        let found = harvest(&[repost, item(url, JANE)]);
        assert_eq!((found.posts, jane(&found).items, jane(&found).posts.len()), (2, 2, 1));
        assert_eq!(only_post(&found).kind, PostKind::Original);
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
        let found = harvest(&items).profiles.remove(&ProfileKey::of(JANE).unwrap()).unwrap();
        let urls: Vec<String> = found.newest_first().into_iter().map(|post| post.url.0).collect();
        let names = urls.iter().map(|url| url.rsplit('/').next().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["a", "c", "old"]);
    }

    #[test]
    fn a_post_under_no_profile_is_counted_and_kept_apart() {
        let mut lost =
            item("https://www.linkedin.com/posts/a", "https://www.linkedin.com/company/acme");
        let harvest = harvest(&[lost.clone(), {
            lost["query"] = Value::Null;
            lost
        }]);
        assert_eq!((harvest.posts, harvest.posts_without_profile), (2, 2));
    }

    #[test]
    fn missing_parts_of_a_post_are_empty() {
        let bare = json!({"type": "post", "id": 7_331_111_111_111_111_111_u64, "query": {"targetUrl": JANE}});
        let harvest = harvest(&[bare]);
        let post = only_post(&harvest);
        assert_eq!(
            post.url.as_str(),
            "https://www.linkedin.com/feed/update/urn:li:activity:7331111111111111111"
        );
        assert_eq!((post.content.as_str(), post.posted_at.as_str(), post.likes), ("", "", 0));
    }
}
