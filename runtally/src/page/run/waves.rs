//! When each chunk and wave of a run was queued, called, billed, written and settled, from its
//! events alone.

use jiff::Timestamp;
use shared::core::ids::{AttemptId, PlanId};
use shared::messages::{AttemptRef, Billed, CallOutcome, Fact, Kind, MetricsEvent, Settled};
use std::collections::BTreeMap;

/// One chunk over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChunkLine {
    pub(super) plan: PlanId,
    pub(super) index: u32,
    pub(super) kind: Kind,
    pub(super) lane: u32,
    pub(super) leads: usize,
    pub(super) queued: Timestamp,
    pub(super) attempts: Vec<AttemptLine>,
    pub(super) done: Option<Timestamp>,
    /// When the chunk was dead-lettered, and why.
    pub(super) failed: Option<(Timestamp, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttemptLine {
    pub(super) started: Timestamp,
    pub(super) waves: Vec<WaveLine>,
}

/// One wave: its rounds of calls, and when its leads' rows were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WaveLine {
    pub(super) rounds: Vec<RoundLine>,
    pub(super) written: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RoundLine {
    pub(super) asked: Option<Timestamp>,
    pub(super) calls: u32,
    pub(super) billed: Option<Timestamp>,
    pub(super) answered: usize,
    pub(super) refused: usize,
    pub(super) lost: usize,
    pub(super) tokens: u64,
    /// Why the model refuses all calls, if it said so.
    pub(super) halt: Option<String>,
}

type ChunkKey = (PlanId, u32);
type AttemptKey = (Timestamp, AttemptId);

#[derive(Default)]
struct Attempt {
    waves: BTreeMap<u32, BTreeMap<u32, RoundLine>>,
    written: BTreeMap<u32, Timestamp>,
    /// When waves were written, from events that do not name the wave.
    written_unnamed: Vec<Timestamp>,
}

#[derive(Default)]
struct Chunk {
    planned: Option<(Kind, u32, usize, Timestamp)>,
    attempts: BTreeMap<AttemptKey, Attempt>,
    done: Option<Timestamp>,
    failed: Option<(Timestamp, String)>,
}

/// The chunks of a run by lane, plan and place. `lanes` is the number of lanes of its base.
pub(super) fn chunk_lines(events: &[MetricsEvent], lanes: u32) -> Vec<ChunkLine> {
    let mut chunks: BTreeMap<ChunkKey, Chunk> = BTreeMap::new();
    for event in events {
        add(&mut chunks, event, lanes);
    }
    let lines = chunks.into_iter().filter_map(|((plan, index), chunk)| {
        let first = chunk.attempts.keys().next().map(|(started, _)| *started);
        let kind = Kind::Post;
        let unplanned = first.map(|started| (kind, 0, 0, started));
        let (kind, lane, leads, queued) = chunk.planned.or(unplanned)?;
        let attempts =
            chunk.attempts.into_iter().map(|((started, _), attempt)| attempt.line(started));
        let (attempts, done, failed) = (attempts.collect(), chunk.done, chunk.failed);
        Some(ChunkLine { plan, index, kind, lane, leads, queued, attempts, done, failed })
    });
    let mut lines: Vec<ChunkLine> = lines.collect();
    lines.sort_by(|a, b| {
        (a.lane, a.queued, &a.plan, a.index).cmp(&(b.lane, b.queued, &b.plan, b.index))
    });
    lines
}

fn add(chunks: &mut BTreeMap<ChunkKey, Chunk>, event: &MetricsEvent, lanes: u32) {
    let at = event.at;
    match &event.fact {
        Fact::PlannedChunk(planned) => {
            let chunk = chunks.entry((planned.plan.clone(), planned.chunk)).or_default();
            let lane = planned.leads.first().map_or(0, |lead| lead.lead.lane(lanes));
            let known = chunk.planned.map_or(at, |(.., known)| known.min(at));
            chunk.planned = Some((planned.kind, lane, planned.leads.len(), known));
        }
        Fact::Announced(announced) => {
            let round = round(chunks, &announced.attempt, announced.wave, announced.round);
            round.asked = Some(at);
            round.calls = announced.calls;
        }
        Fact::Billed(billed) => {
            let known = round(chunks, &billed.attempt, billed.wave, billed.round);
            *known = RoundLine { billed: Some(at), ..with_calls(known.clone(), billed) };
        }
        Fact::Settled(settled) => {
            let attempt = attempt(chunks, &settled.attempt);
            match settled.wave {
                Some(wave) => drop(attempt.written.insert(wave, at)),
                // Leads that need no call are settled before the first wave.
                None if is_of_a_wave(settled) => attempt.written_unnamed.push(at),
                None => {}
            }
        }
        Fact::ChunkDone(done) => {
            let chunk = chunks.entry((done.attempt.plan.clone(), done.attempt.chunk)).or_default();
            chunk.done = Some(chunk.done.map_or(at, |known| known.min(at)));
        }
        Fact::ChunkFailed(failed) => {
            let key = (failed.attempt.plan.clone(), failed.attempt.chunk);
            chunks.entry(key).or_default().failed = Some((at, failed.reason.clone()));
        }
        Fact::Opened(_)
        | Fact::Harvested(_)
        | Fact::CostElsewhere(_)
        | Fact::Planned(_)
        | Fact::RunFailed(_)
        | Fact::Noted(_) => {}
    }
}

fn is_of_a_wave(settled: &Settled) -> bool {
    settled.leads.iter().any(|lead| !lead.examined.is_empty())
}

fn attempt<'a>(chunks: &'a mut BTreeMap<ChunkKey, Chunk>, of: &AttemptRef) -> &'a mut Attempt {
    let chunk = chunks.entry((of.plan.clone(), of.chunk)).or_default();
    chunk.attempts.entry((of.started_at, of.attempt.clone())).or_default()
}

fn round<'a>(
    chunks: &'a mut BTreeMap<ChunkKey, Chunk>,
    of: &AttemptRef,
    wave: u32,
    round: u32,
) -> &'a mut RoundLine {
    attempt(chunks, of).waves.entry(wave).or_default().entry(round).or_default()
}

fn with_calls(mut round: RoundLine, billed: &Billed) -> RoundLine {
    (round.answered, round.refused, round.lost, round.tokens) = (0, 0, 0, 0);
    for call in &billed.calls {
        match &call.outcome {
            CallOutcome::Answered { usage, .. } => {
                round.answered += 1;
                round.tokens += usage.total;
            }
            CallOutcome::Refused => round.refused += 1,
            CallOutcome::Lost => round.lost += 1,
        }
    }
    round.halt = billed.halt.as_ref().map(|halt| halt.detail.clone());
    round
}

impl Attempt {
    /// In older events, settled leads do not name their wave. At that time waves did not overlap,
    /// so the n-th write belongs to the n-th wave that was answered.
    fn line(self, started: Timestamp) -> AttemptLine {
        let written = self.written;
        let mut waves: Vec<WaveLine> = self
            .waves
            .into_iter()
            .map(|(wave, rounds)| {
                let written = written.get(&wave).copied();
                WaveLine { rounds: rounds.into_values().collect(), written }
            })
            .collect();
        let mut answered: Vec<&mut WaveLine> = waves
            .iter_mut()
            .filter(|wave| wave.rounds.iter().any(|round| round.answered > 0))
            .collect();
        answered.sort_by_key(|wave| wave.rounds.iter().filter_map(|round| round.billed).max());
        let mut unnamed = self.written_unnamed;
        unnamed.sort_unstable();
        for (wave, at) in answered.into_iter().zip(unnamed) {
            wave.written = Some(at);
        }
        AttemptLine { started, waves }
    }
}
