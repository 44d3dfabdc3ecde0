//! The prompt of a call: what it asks about several leads at once, with our own ids, and what its
//! answer says about each lead.

use super::found::{Wanted, find_elements};
use super::posts::{self, RESPONSE_SCHEMA, ScoredPost};
use super::profile::{self, ProfileScore};
use super::subject::Subject;
use crate::gemini::Finish;
use serde_json::{Value, json};
use shared::core::digest::short_id_of;
use shared::core::ids::AttemptId;
use shared::core::json;
use shared::core::linkedin::ProfileKey;
use shared::messages::{Chunk, Kind, ProfileAttribute};

#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) subject: &'a Subject,
    /// The lead's own profile. It is used to recognise reposts.
    pub(crate) profile: Option<ProfileKey>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Posts(Vec<ScoredPost>),
    Profile(Box<ProfileScore>),
}

impl Answer {
    /// Whether it covers all of a lead's `count` posts, or its profile.
    fn has_all_of(&self, count: usize) -> bool {
        match self {
            Self::Posts(scored) => scored.len() == count,
            Self::Profile(_) => true,
        }
    }
}

/// What all calls of a chunk have in common.
pub(crate) struct PromptTemplate<'a> {
    kind: Kind,
    /// The client's rubric, followed by our frame. It is the same for every call, so that the
    /// model's cache can serve it.
    pub(crate) system: String,
    pub(crate) schema: Value,
    attributes: &'a [ProfileAttribute],
    /// Tokens of an answer that are reserved for the model's thoughts.
    thinking_room: u32,
}

/// Most tokens in one answer (Gemini's limit).
const CEILING: u32 = 65_536;

pub(crate) struct CallPrompt {
    pub(crate) user: String,
    /// Most tokens of the answer.
    pub(crate) max_output_tokens: u32,
    /// The ids of each lead's posts, or the id of its profile.
    ids: Vec<Vec<String>>,
    /// The number of bytes that each lead takes up in the message.
    pub(crate) weights: Vec<u32>,
}

/// Identifies a call. The ids of posts are derived from it. No two calls share an id, and an author
/// of a post cannot know it.
pub(crate) struct CallId<'a> {
    pub(crate) attempt: &'a AttemptId,
    pub(crate) wave: u32,
    pub(crate) round: u32,
    pub(crate) call: usize,
    /// How often an answer about these leads was cut off. Each time, its room grows.
    pub(crate) cut_offs: u32,
}

impl CallId<'_> {
    /// The prefix of the ids in the call.
    fn prefix(&self) -> String {
        let parts = [self.wave.to_string(), self.round.to_string(), self.call.to_string()];
        let id = short_id_of(&["call", self.attempt.as_str(), &parts[0], &parts[1], &parts[2]]);
        id.chars().filter(char::is_ascii_alphanumeric).take(4).collect()
    }
}

impl<'a> PromptTemplate<'a> {
    pub(crate) fn of_chunk(chunk: &'a Chunk, thinking_room: u32) -> Self {
        let (frame, schema) = match chunk.kind {
            Kind::Post => (posts::FRAME, RESPONSE_SCHEMA.clone()),
            Kind::Profile => (profile::FRAME, profile::response_schema(&chunk.attributes)),
        };
        let system = format!("{}\n\n{frame}", chunk.rubric);
        let attributes = chunk.attributes.as_slice();
        Self { kind: chunk.kind, system, schema, attributes, thinking_room }
    }

    pub(crate) fn write_call(&self, id: &CallId<'_>, questions: &[&Question<'_>]) -> CallPrompt {
        let prefix = id.prefix();
        let mut number = 0_usize;
        let mut ids = Vec::new();
        let mut materials = Vec::new();
        let mut weights = Vec::new();
        for question in questions {
            let own: Vec<String> = (0..question.subject.answers())
                .map(|_| {
                    number += 1;
                    format!("{prefix}-{number}")
                })
                .collect();
            let material = match question.subject {
                Subject::Posts(posts) => {
                    posts::posts_material(posts, question.profile.as_ref(), &own)
                }
                Subject::Profile(profile) => {
                    json::text(&json!({"profile_id": own[0], "profile": profile}))
                }
            };
            weights.push(u32::try_from(material.len()).unwrap_or(u32::MAX));
            materials.push(material);
            ids.push(own);
        }
        let (key, said) = match self.kind {
            Kind::Post => ("leads", posts::max_output_tokens(number)),
            Kind::Profile => {
                ("profiles", profile::max_output_tokens(number, self.attributes.len()))
            }
        };
        let room = said.saturating_add(self.thinking_room);
        let max_output_tokens = room.saturating_mul(4_u32.saturating_pow(id.cut_offs)).min(CEILING);
        // Each material is already JSON.
        let user = format!(r#"{{"{key}":[{}]}}"#, materials.join(","));
        CallPrompt { user, max_output_tokens, ids, weights }
    }

    /// What the model's text says about each lead of the call: its answer, or why it has none. An
    /// answer may be cut off, may not say how it ended, or may have ended for another reason. Then
    /// it counts only for leads that it covers completely.
    ///
    /// # Errors
    /// If the text is not an answer at all.
    pub(crate) fn read_answer(
        &self,
        text: &str,
        call: &CallPrompt,
        finish: &Finish,
    ) -> Result<Vec<Result<Answer, String>>, String> {
        let ids: Vec<&str> = call.ids.iter().flatten().map(String::as_str).collect();
        let (names, says): (&[&str], &[&str]) = match self.kind {
            Kind::Post => (&posts::NAMES, &posts::SAYS),
            Kind::Profile => (&profile::NAMES, &profile::SAYS),
        };
        let found = find_elements(text, &Wanted { key: names[0], names, says, ids: &ids })?;
        let of_leads: Vec<Result<Answer, String>> = call
            .ids
            .iter()
            .map(|ids| match self.kind {
                Kind::Post => posts::read_scores(&found.elements, ids).map(Answer::Posts),
                Kind::Profile => profile::read_score(&found.elements, &ids[0], self.attributes)
                    .map(|score| Answer::Profile(Box::new(score))),
            })
            .collect();
        if *finish == Finish::Stop && !found.is_cut {
            return Ok(of_leads);
        }
        let not_whole = || "the model's answer is not complete".to_owned();
        let has_all = |(answer, ids): (Result<Answer, String>, &Vec<String>)| {
            answer.and_then(|answer| {
                if answer.has_all_of(ids.len()) { Ok(answer) } else { Err(not_whole()) }
            })
        };
        let of_leads: Vec<_> = of_leads.into_iter().zip(&call.ids).map(has_all).collect();
        if of_leads.iter().any(Result::is_ok) { Ok(of_leads) } else { Err(not_whole()) }
    }

    /// Whether a call that was cut off can get more room.
    pub(crate) fn can_grow(call: &CallPrompt) -> bool {
        call.max_output_tokens < CEILING
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
