//! The form of a call to the model: what it is asked about several leads at once, by ids of ours,
//! and what of its answer is about which lead.

use crate::posts::stored::StoredPost;
use crate::prompt::posts::{self, RESPONSE_SCHEMA, ScoredPost};
use crate::prompt::profile::{self, ProfileScore};
use serde_json::{Value, json};
use shared::core::digest::short_id_of;
use shared::core::ids::AttemptId;
use shared::core::json;
use shared::core::linkedin::ProfileKey;
use shared::messages::{Chunk, Kind, ProfileAttribute};

/// What the model is asked about one lead.
#[derive(Debug, PartialEq)]
pub(crate) enum About {
    /// Its posts.
    Posts(Vec<StoredPost>),
    /// Its profile, as the row holds it.
    Profile(Value),
}

/// One lead of a call.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) about: &'a About,
    /// The lead's own profile, which tells its posts from others'.
    pub(crate) profile: Option<ProfileKey>,
}

/// What the model said of one lead.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Scores of its posts.
    Posts(Vec<ScoredPost>),
    /// The score of its profile.
    Profile(Box<ProfileScore>),
}

/// What all calls of a chunk have in common.
pub(crate) struct Form<'a> {
    kind: Kind,
    /// The client's rubric with our frame behind it: the same for every call, so that the model's
    /// cache can serve it.
    pub(crate) system: String,
    pub(crate) schema: Value,
    attributes: &'a [ProfileAttribute],
}

/// The text of one call.
pub(crate) struct CallText {
    /// The user's message.
    pub(crate) user: String,
    /// Most tokens of the answer.
    pub(crate) max_output_tokens: u32,
    /// The ids of each lead's posts, or the id of its profile.
    ids: Vec<Vec<String>>,
    /// How much of the message each lead takes up.
    pub(crate) weights: Vec<u32>,
}

/// Names a call: no two share their ids, and nobody who wrote a post can know them.
pub(crate) struct CallName<'a> {
    pub(crate) attempt: &'a AttemptId,
    pub(crate) wave: u32,
    pub(crate) round: u32,
    pub(crate) call: usize,
}

impl CallName<'_> {
    /// The front of the call's ids.
    fn prefix(&self) -> String {
        let parts = [self.wave.to_string(), self.round.to_string(), self.call.to_string()];
        let id = short_id_of(&["call", self.attempt.as_str(), &parts[0], &parts[1], &parts[2]]);
        id.chars().filter(char::is_ascii_alphanumeric).take(4).collect()
    }
}

impl About {
    /// How many answers it needs.
    pub(crate) fn answers(&self) -> usize {
        match self {
            Self::Posts(posts) => posts.len(),
            Self::Profile(_) => 1,
        }
    }

    /// About how many bytes it takes up in a call.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Posts(posts) => posts.iter().map(|post| post.content().len() + 150).sum(),
            Self::Profile(profile) => json::text(profile).len(),
        }
    }
}

impl<'a> Form<'a> {
    /// The form of a chunk's calls.
    pub(crate) fn of(chunk: &'a Chunk) -> Self {
        let (frame, schema) = match chunk.kind {
            Kind::Post => (posts::FRAME, RESPONSE_SCHEMA.clone()),
            Kind::Profile => (profile::FRAME, profile::response_schema(&chunk.attributes)),
        };
        let system = format!("{}\n\n{frame}", chunk.rubric);
        Self { kind: chunk.kind, system, schema, attributes: &chunk.attributes }
    }

    /// The text of a call about these leads.
    pub(crate) fn call(&self, name: &CallName<'_>, questions: &[&Question<'_>]) -> CallText {
        let prefix = name.prefix();
        let mut number = 0_usize;
        let mut ids = Vec::new();
        let mut materials = Vec::new();
        let mut weights = Vec::new();
        for question in questions {
            let own: Vec<String> = (0..question.about.answers())
                .map(|_| {
                    number += 1;
                    format!("{prefix}-{number}")
                })
                .collect();
            let material = match question.about {
                About::Posts(posts) => posts::material(posts, question.profile.as_ref(), &own),
                About::Profile(profile) => {
                    json::text(&json!({"profile_id": own[0], "profile": profile}))
                }
            };
            weights.push(u32::try_from(material.len()).unwrap_or(u32::MAX));
            materials.push(material);
            ids.push(own);
        }
        let (key, max_output_tokens) = match self.kind {
            Kind::Post => ("leads", posts::max_output_tokens(number)),
            Kind::Profile => {
                ("profiles", profile::max_output_tokens(number, self.attributes.len()))
            }
        };
        // Each is JSON already, to be weighed.
        let user = format!(r#"{{"{key}":[{}]}}"#, materials.join(","));
        CallText { user, max_output_tokens, ids, weights }
    }

    /// What the model's text says of each lead of the call: its answer, or why there is none.
    ///
    /// # Errors
    /// When the text is no answer at all.
    pub(crate) fn read(
        &self,
        text: &str,
        call: &CallText,
    ) -> Result<Vec<Result<Answer, String>>, String> {
        let Ok(answer) = serde_json::from_str::<Value>(text) else {
            return Err("the model's answer is no JSON".to_owned());
        };
        let Value::Array(items) = answer else {
            return Err("the model's answer is no array".to_owned());
        };
        Ok(call
            .ids
            .iter()
            .map(|ids| match self.kind {
                Kind::Post => posts::scores(&items, ids).map(Answer::Posts),
                Kind::Profile => profile::score(&items, &ids[0], self.attributes)
                    .map(|score| Answer::Profile(Box::new(score))),
            })
            .collect())
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
