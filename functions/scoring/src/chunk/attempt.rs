//! One attempt at a chunk.

use crate::app::Scoring;
use crate::gemini::Gemini;
use crate::prompt::template::PromptTemplate;
use crate::random::Random;
use crate::report::Reporter;
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::core::ids::RunId;
use shared::delivery::Delivery;
use shared::messages::{AttemptRef, Chunk};
use shared::ports::Env;
use shared::services::airtable::Airtable;

/// How far a task came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Finished,
    /// What it started is settled; the rest needs another invocation.
    Unfinished,
}

pub(crate) struct ChunkAttempt<'a, E: Env> {
    pub(crate) chunk: &'a Chunk,
    pub(crate) run: RunId,
    pub(crate) id: AttemptRef,
    pub(crate) template: PromptTemplate<'a>,
    pub(crate) leads_per_call: usize,
    pub(crate) deadline: Deadline,
    /// Which attempt it is, from 1.
    pub(crate) number: u32,
    /// Whether it is the last attempt: leads without an answer have failed then.
    pub(crate) is_last: bool,
    pub(crate) airtable: &'a Airtable<E::Transport>,
    pub(crate) gemini: &'a Gemini<E::Transport>,
    pub(crate) reporter: Reporter<'a, E::Queue>,
    pub(crate) clock: &'a Clock,
    pub(crate) random: &'a Random,
}

impl<'a, E: Env> ChunkAttempt<'a, E> {
    pub(crate) fn new(
        app: &'a Scoring<E>,
        chunk: &'a Chunk,
        delivery: &Delivery,
        deadline: Deadline,
    ) -> Self {
        Self {
            chunk,
            run: chunk.run.id(),
            id: AttemptRef {
                plan: chunk.plan.clone(),
                chunk: chunk.index,
                started_at: app.clock.now(),
                attempt: app.random.attempt_id(),
            },
            template: PromptTemplate::of_chunk(chunk),
            leads_per_call: app.config.leads_per_call,
            deadline,
            number: delivery.attempt(),
            is_last: delivery.is_last(),
            airtable: &app.chunk_airtable,
            gemini: &app.gemini,
            reporter: app.reporter(&chunk.run),
            clock: &app.clock,
            random: &app.random,
        }
    }
}
