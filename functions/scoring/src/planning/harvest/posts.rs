//! The posts that were found under one target.

use super::text::moment;
use jiff::Timestamp;
use shared::core::ids::PostKey;
use shared::core::linkedin::ProfileKey;
use shared::messages::Post;
use std::collections::BTreeMap;

/// The posts, without duplicates.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ProfilePosts {
    posts: Vec<Post>,
    /// The index of each post, by all of its keys.
    places: BTreeMap<PostKey, usize>,
    /// Other keys of the profile.
    pub(crate) also: Vec<ProfileKey>,
}

impl ProfilePosts {
    /// Adds a post. If there is already an item about the same post, the item that is more the
    /// lead's own is kept, with the text of the other if it has none. Returns whether the post is
    /// new.
    pub(crate) fn add(&mut self, post: Post) -> bool {
        let keys: Vec<PostKey> = post.keys().collect();
        let known = keys.iter().find_map(|key| self.places.get(key).copied());
        let place = known.unwrap_or(self.posts.len());
        for key in keys {
            self.places.entry(key).or_insert(place);
        }
        match known {
            None => self.posts.push(post),
            Some(known) => {
                let kept = &mut self.posts[known];
                if post.kind < kept.kind {
                    *kept = post;
                } else if post.kind == kept.kind && kept.content.is_empty() {
                    kept.content = post.content;
                }
            }
        }
        known.is_none()
    }

    /// How many posts there are.
    pub(crate) fn count(&self) -> usize {
        self.posts.len()
    }

    /// The posts, newest first.
    pub(crate) fn newest_first(self) -> Vec<Post> {
        fn at(post: &Post) -> (Option<Timestamp>, &str) {
            (moment(&post.posted_at), &post.posted_at)
        }
        let mut posts = self.posts;
        posts.sort_by(|a, b| at(b).cmp(&at(a)).then_with(|| a.url.as_str().cmp(b.url.as_str())));
        posts
    }
}
