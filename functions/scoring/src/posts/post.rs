//! A post as stored in a lead's row.

use serde_json::{Map, Value, json};
use shared::core::linkedin::{PostUrl, ProfileKey};
use shared::core::text::trim_invisible;
use shared::messages::{Post, PostKind};

/// A post with the keys of its JSON. Unknown keys are kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredPost(pub(super) Map<String, Value>);

impl StoredPost {
    /// The post in an entry of a cell; the entry itself if it has no URL.
    pub(super) fn of(entry: Value) -> Result<Self, Value> {
        if let Value::Object(fields) = entry {
            if has_url(&fields) { Ok(Self(fields)) } else { Err(Value::Object(fields)) }
        } else {
            Err(entry)
        }
    }

    pub(crate) fn url(&self) -> PostUrl {
        PostUrl(self.text("postUrl").to_owned())
    }

    pub(crate) fn content(&self) -> &str {
        trim_invisible(self.text("postContent"))
    }

    /// The text that it quotes or that is attached to it.
    pub(crate) fn quoted(&self) -> &str {
        trim_invisible(self.text("quotedContent"))
    }

    /// Whether there is anything to judge: its own text, or text that it quotes.
    pub(crate) fn has_words(&self) -> bool {
        !self.content().is_empty() || !self.quoted().is_empty()
    }

    pub(crate) fn posted_at(&self) -> &str {
        self.text("postedAt")
    }

    pub(crate) fn author(&self) -> &str {
        self.text("author")
    }

    pub(crate) fn author_url(&self) -> &str {
        let author = self.text("authorUrl");
        if author.is_empty() { self.meta("authorUrl") } else { author }
    }

    /// Whether somebody other than the lead wrote it. The author decides. If author or lead is
    /// unknown, or only one of them is named by LinkedIn's id, the post's action decides.
    pub(crate) fn is_repost_for(&self, lead: Option<&ProfileKey>) -> bool {
        match (lead, ProfileKey::of(self.author_url())) {
            (Some(lead), Some(author)) if lead.is_token() == author.is_token() => *lead != author,
            _ => [self.text("action"), self.meta("action"), self.meta("originLabel")]
                .iter()
                .any(|action| action.to_lowercase().contains("repost")),
        }
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn meta(&self, key: &str) -> &str {
        self.0.get("pbMeta").and_then(|meta| meta[key].as_str()).unwrap_or_default()
    }

    /// Takes the non-empty fields from a newer harvest of the same post. The URL stays the same:
    /// the newer one may be another URL of the post, and scores refer to this one.
    pub(super) fn update(&mut self, newer: &Self) {
        for (key, value) in &newer.0 {
            if key != "postUrl" && !value.is_null() && *value != json!("") {
                self.0.insert(key.clone(), value.clone());
            }
        }
    }
}

fn has_url(fields: &Map<String, Value>) -> bool {
    fields.get("postUrl").and_then(Value::as_str).is_some_and(|url| !url.trim().is_empty())
}

impl From<&Post> for StoredPost {
    fn from(post: &Post) -> Self {
        let action = match post.kind {
            PostKind::Original => "original",
            PostKind::Quote => "quote",
            PostKind::Repost => "repost",
        };
        let origin = match post.kind {
            PostKind::Original => "ORIGINAL".to_owned(),
            PostKind::Quote => "QUOTE".to_owned(),
            PostKind::Repost => format!("REPOST - ORIGINAL AUTHOR: {}", post.author_url),
        };
        let fields = [
            ("postUrl", json!(post.url)),
            ("postContent", json!(post.content)),
            ("postedAt", json!(post.posted_at)),
            ("authorUrl", json!(post.author_url)),
            ("author", json!(post.author)),
            ("action", json!(action)),
            ("likeCount", json!(post.likes)),
            ("commentCount", json!(post.comments)),
            ("repostCount", json!(post.reposts)),
            ("imgUrl", json!(post.image_url)),
            (
                "pbMeta",
                json!({"authorUrl": post.author_url, "authorName": post.author,
                    "action": action, "originLabel": origin}),
            ),
        ];
        let quoted = (!post.quoted.is_empty()).then(|| ("quotedContent", json!(post.quoted)));
        let fields = fields.into_iter().chain(quoted);
        Self(fields.map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repost_is_recognised_by_its_author_or_else_by_its_action() {
        let lead = ProfileKey::of("https://www.linkedin.com/in/janedoe").unwrap();
        let stored =
            |json: &str| StoredPost(serde_json::from_str::<Vec<_>>(json).unwrap().remove(0));
        let own = stored(
            r#"[{"postUrl":"u","authorUrl":"linkedin.com/in/JaneDoe/","action":"apify_ingest repost"}]"#,
        );
        let others =
            stored(r#"[{"postUrl":"u","pbMeta":{"authorUrl":"https://www.linkedin.com/in/max"}}]"#);
        let company = stored(
            r#"[{"postUrl":"u","authorUrl":"https://www.linkedin.com/company/acme","pbMeta":{"originLabel":"REPOST - ORIGINAL AUTHOR: x"}}]"#,
        );
        let unknown = stored(r#"[{"postUrl":"u"}]"#);
        assert!(!own.is_repost_for(Some(&lead)));
        assert!(others.is_repost_for(Some(&lead)));
        assert!(company.is_repost_for(Some(&lead)));
        assert!(!unknown.is_repost_for(Some(&lead)));
        let id = ProfileKey::of("https://www.linkedin.com/in/ACoAAA8BYqEB").unwrap();
        assert!(!others.is_repost_for(Some(&id)), "the two say nothing of each other");
    }
}
