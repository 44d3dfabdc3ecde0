//! One attempt at a chunk.

use super::limits::{REQUESTS_OF_A_WAVE, WRITING_TIME};
use super::open_waves::OpenWaves;
use super::unreported::Unreported;
use super::writable::Writable;
use crate::app::Scoring;
use crate::gemini::Gemini;
use crate::left::Left;
use crate::prompt::template::PromptTemplate;
use crate::random::Random;
use crate::report::Reporter;
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::core::ids::{LeadKey, RunId};
use shared::delivery::Delivery;
use shared::messages::{AttemptRef, Chunk, Halt, Tried};
use shared::ports::Env;
use shared::services::airtable::{Airtable, Rate};
use std::time::Duration;

/// How far a task got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Finished,
    /// The started work is settled; the rest needs another invocation.
    Unfinished,
}

pub(crate) struct ChunkAttempt<'a, E: Env> {
    pub(crate) chunk: &'a Chunk,
    pub(crate) run: RunId,
    pub(crate) id: AttemptRef,
    pub(crate) template: PromptTemplate<'a>,
    pub(crate) leads_per_call: usize,
    pub(crate) deadline: Deadline,
    /// Where this attempt saves what the next one needs, together with what earlier attempts left.
    left: &'a Left,
    /// Which attempt it is, from 1.
    pub(crate) number: u32,
    /// Whether the chunk has waited, without an attempt, for something outside to change.
    pub(crate) has_waited: bool,
    /// Whether it is the last attempt. Leads without an answer then count as failed.
    pub(crate) is_last: bool,
    pub(crate) airtable: &'a Airtable<E::Transport>,
    pub(crate) gemini: &'a Gemini<E::Transport>,
    pub(crate) reporter: Reporter<'a, E::Queue>,
    pub(super) unreported: Unreported,
    pub(super) writable: Writable,
    pub(super) open_waves: OpenWaves,
    pub(crate) clock: &'a Clock,
    pub(crate) random: &'a Random,
    app: &'a Scoring<E>,
}

impl<'a, E: Env> ChunkAttempt<'a, E> {
    pub(crate) fn new(
        app: &'a Scoring<E>,
        chunk: &'a Chunk,
        (delivery, left): (&Delivery, &'a Left),
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
            template: PromptTemplate::of_chunk(chunk, app.gemini.thinking_room()),
            leads_per_call: app.config.leads_per_call,
            deadline,
            left,
            number: delivery.attempt(),
            has_waited: delivery.retry.waits > 0,
            is_last: delivery.is_last(),
            airtable: &app.chunk_airtable,
            gemini: &app.gemini,
            reporter: app.reporter(&chunk.run),
            unreported: Unreported::default(),
            writable: Writable::new(chunk.writable.clone()),
            open_waves: OpenWaves::default(),
            clock: &app.clock,
            random: &app.random,
            app,
        }
    }

    /// Whether its process starts no further calls.
    pub(crate) fn is_stopping(&self) -> bool {
        self.app.is_stopping()
    }

    /// Time for a wave to write its rows and report, once the model has answered, if `others` other
    /// waves do so first.
    pub(super) fn writing_time(&self, others: u32) -> Duration {
        let a_second = Rate::chunk(self.app.config.lanes).requests;
        let requests = others * REQUESTS_OF_A_WAVE;
        WRITING_TIME + Duration::from_secs(1) * requests / u32::try_from(a_second).unwrap_or(1)
    }

    /// The same for an open wave.
    pub(super) fn writing_time_of_a_wave(&self) -> Duration {
        self.writing_time(self.open_waves.count().saturating_sub(1))
    }

    /// Saves for the next attempt what a round's calls used, and how many paid calls each lead was
    /// in.
    pub(crate) fn note_calls(&self, used: u64, paid: impl Iterator<Item = (LeadKey, u32)>) {
        self.note(|tried| {
            tried.tokens += used;
            tried.paid.extend(paid.filter(|(_, calls)| *calls > 0));
        });
    }

    /// Saves for the next attempt which leads are settled, so that it neither reads nor writes them
    /// again.
    pub(crate) fn note_settled(&self, leads: Vec<LeadKey>) {
        self.note(|tried| tried.settled.extend(leads));
    }

    /// Saves for the next attempt why this one makes no calls, or that it may make calls again.
    pub(crate) fn note_halt(&self, halt: Option<Halt>) {
        self.note(|tried| tried.halt = halt);
    }

    fn note(&self, change: impl FnOnce(&mut Tried)) {
        self.left.note_tried(&self.chunk.tried, change);
    }
}
