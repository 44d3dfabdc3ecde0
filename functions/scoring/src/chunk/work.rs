//! Works through the leads of a chunk: reads up to a hundred at a time and starts their waves of
//! ten, as many at the same time as there is room for. A chunk with a token limit has one wave at a
//! time: the next wave starts when it is known what this one used.

use super::attempt::ChunkAttempt;
use super::decision::{Decision, Verdict};
use super::limits::WAVE_LEADS;
use super::open_waves::OpenWaves;
use super::read::{read_leads, settle_unread, used_before};
use super::wave::{WavePlace, WaveResult, leave_for_budget, score_wave};
use super::wave_lead::WaveLead;
use super::write::try_to_write;
use crate::budget::{self, Meter};
use crate::lead::row::READ_LEADS;
use crate::prompt::subject::Subject;
use crate::task_error::TaskError;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use shared::core::failure::Failure;
use shared::messages::{Chunk, ChunkLead, Halt, Outcome, SkipReason, Source};
use shared::ports::Env;
use std::pin::pin;

/// The work on a chunk in one attempt.
pub(super) struct ChunkWork<'a, E: Env> {
    attempt: &'a ChunkAttempt<'a, E>,
    open: FuturesUnordered<BoxFuture<'a, Result<WaveResult, Failure>>>,
    meter: Meter,
    /// Why leads have no result yet.
    pub(super) unsettled: Vec<String>,
    /// Why no further call may be made, if so.
    pub(super) halt: Option<Halt>,
    /// Whether the rest is left for another invocation.
    pub(super) is_cut: bool,
    failure: Option<TaskError>,
    /// How many waves have started, which is the index of the next one.
    waves: u32,
    /// Whether rows can be written, as far as known. An earlier attempt may have failed because
    /// they cannot. Then a write is tested before the model is paid again.
    is_write_tried: bool,
}

impl<'a, E: Env> ChunkWork<'a, E> {
    /// `waves` is the number of waves that are already reported.
    pub(super) fn new(attempt: &'a ChunkAttempt<'a, E>, waves: u32) -> Self {
        let chunk = attempt.chunk;
        let mut meter = Meter::new(chunk.token_share);
        meter.used_before(chunk.tried.tokens);
        Self {
            attempt,
            open: FuturesUnordered::new(),
            meter,
            unsettled: Vec::new(),
            halt: None,
            is_cut: false,
            failure: None,
            waves,
            is_write_tried: attempt.number <= 1 && !attempt.has_waited,
        }
    }

    /// Scores the leads until time runs out or something stops it. Waves that started are settled
    /// even if something fails.
    pub(super) async fn score(&mut self) -> Result<(), TaskError> {
        let begun = self.begin_waves().await;
        while let Some(ended) = self.open.next().await {
            self.end(ended);
        }
        // Results of paid calls that the queue did not accept are sent with outcomes, but a wave
        // that failed has no outcomes. So they are sent here.
        let told = self.attempt.report_written(Vec::new()).await.map_err(TaskError::from);
        self.failure.take().map_or(begun, Err).and(told)
    }

    async fn begin_waves(&mut self) -> Result<(), TaskError> {
        let attempt = self.attempt;
        let settled = &attempt.chunk.tried.settled;
        let unsettled = attempt.chunk.leads.iter().filter(|lead| !settled.contains(&lead.key));
        for leads in unsettled.collect::<Vec<_>>().chunks(READ_LEADS) {
            self.until(OpenWaves::have_free_slot).await;
            if self.is_over() {
                return Ok(());
            }
            let mut leads = self.read(leads).await?;
            while !leads.is_empty() {
                let wave: Vec<_> = leads.drain(..leads.len().min(WAVE_LEADS)).collect();
                let calls = self.calls_of(&wave);
                self.until(|open, most| open.have_room(calls, most)).await;
                if self.is_over() {
                    return Ok(());
                }
                self.begin(wave).await?;
            }
        }
        Ok(())
    }

    /// Whether no further wave starts.
    fn is_over(&self) -> bool {
        self.is_cut || self.failure.is_some()
    }

    async fn read(&mut self, leads: &[&'a ChunkLead]) -> Result<Vec<WaveLead<'a>>, TaskError> {
        let attempt = self.attempt;
        let chunk = attempt.chunk;
        // Nothing may be spent and nothing is written. In a replay, leads may already have a score
        // or may not be waiting, so their rows are read.
        if chunk.token_share == Some(0)
            && chunk.source == Source::Waiting
            && chunk.replaces.is_none()
        {
            let skipped = Outcome::Skipped { reason: SkipReason::BudgetReached };
            settle_unread(attempt, leads.iter().copied(), &skipped).await?;
            return Ok(Vec::new());
        }
        let leads = self.beside(read_leads(attempt, leads)).await?;
        // An attempt that died did not report what it used, but the rows that it wrote show it.
        // Rows of attempts that did report must not count twice: `settled` excludes them, except in
        // messages from earlier releases.
        if chunk.tried.tokens == 0 || !chunk.tried.settled.is_empty() {
            let used = used_before(attempt, &leads);
            self.meter.used_before(used);
            if used > 0 {
                attempt.note_calls(used, std::iter::empty());
            }
        }
        Ok(leads)
    }

    /// Waits until the open waves meet a condition, given how many calls may be in flight, or until
    /// no further wave starts.
    async fn until(&mut self, are_so: impl Fn(&OpenWaves, usize) -> bool) {
        while !self.is_over() && !are_so(&self.attempt.open_waves, self.most_calls()) {
            self.beside(self.attempt.open_waves.freed()).await;
        }
    }

    /// Most calls that may be in flight; 0 if waves must run one at a time.
    fn most_calls(&self) -> usize {
        let attempt = self.attempt;
        // The next wave checks whether the halt or the problem with the queue continues.
        let is_alone = attempt.chunk.token_share.is_some()
            || attempt.gemini.halted().is_some()
            || attempt.unreported.is_any();
        if is_alone { 0 } else { attempt.gemini.calls_at_once() }
    }

    /// Starts a wave with the leads that fit in the limit, and skips the other leads.
    async fn begin(&mut self, mut leads: Vec<WaveLead<'a>>) -> Result<(), TaskError> {
        let attempt = self.attempt;
        let fits = |count: &usize| self.meter.allows(self.expected(&leads[..*count]));
        let allowed = (0..=leads.len()).rev().find(fits).unwrap_or(0);
        leads[allowed..].iter_mut().for_each(|lead| skip_for_budget(attempt.chunk, lead));
        if asked(&leads) > 0 {
            if !self.has_time()? {
                self.is_cut = true;
                return Ok(());
            }
            if !self.is_write_tried {
                let row = leads[0].row.id.clone();
                self.beside(try_to_write(attempt, &row)).await?;
                self.is_write_tried = true;
                if self.is_over() {
                    return Ok(());
                }
            }
        }
        let most = attempt.gemini.calls_at_once();
        let place = WavePlace {
            index: self.waves,
            tokens_left: self.meter.left(),
            expected: self.expected(&leads),
            open: attempt.open_waves.begin(self.calls_of(&leads), most),
        };
        self.waves += 1;
        self.open.push(Box::pin(score_wave(attempt, place, leads)));
        Ok(())
    }

    /// Whether there is time to start a wave with model calls.
    fn has_time(&self) -> Result<bool, Failure> {
        let attempt = self.attempt;
        if attempt.is_stopping() {
            return Ok(false);
        }
        let needed = attempt.gemini.timeout() + attempt.writing_time(attempt.open_waves.count());
        if attempt.deadline.remaining() >= needed {
            return Ok(true);
        }
        if self.waves == 0 {
            let seconds = needed.as_secs();
            return Err(Failure::retry(format!("less than {seconds} s were left to start in")));
        }
        let (chunk, waves) = (attempt.chunk.index, self.waves);
        tracing::info!(plan.chunk = chunk, waves, "chunk continues in another invocation");
        Ok(false)
    }

    /// Awaits `other` while the open waves continue.
    async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        loop {
            tokio::select! {
                biased;
                Some(ended) = self.open.next() => self.end(ended),
                done = &mut other => return done,
            }
        }
    }

    /// Handles the result of a wave.
    fn end(&mut self, ended: Result<WaveResult, Failure>) {
        let result = match ended {
            Ok(result) => result,
            Err(failure) => {
                self.failure.get_or_insert(failure.into());
                return;
            }
        };
        if result.asked > 0 {
            self.meter.count(result.expected, result.used);
        }
        // If the model is away or the rows are out of date, the other leads wait for the next
        // invocation too.
        self.is_cut |= result.stops_the_chunk(self.attempt.leads_per_call);
        self.unsettled.extend(result.unsettled);
        self.halt = self.halt.take().or(result.halt);
    }

    fn calls_of(&self, leads: &[WaveLead<'_>]) -> usize {
        asked(leads).div_ceil(self.attempt.leads_per_call).max(1)
    }

    fn expected(&self, wave: &[WaveLead<'_>]) -> u64 {
        let asked = || wave.iter().filter_map(|lead| lead.decision.subject());
        let calls = asked().count().div_ceil(self.attempt.leads_per_call);
        let size = (asked().map(Subject::bytes).sum(), asked().map(Subject::answers).sum());
        let system = self.attempt.template.system.len();
        budget::estimate(self.attempt.chunk.kind, system, calls, size)
    }
}

/// How many leads need a model call.
fn asked(leads: &[WaveLead<'_>]) -> usize {
    leads.iter().filter(|lead| lead.decision.subject().is_some()).count()
}

/// Skips a lead that needs a model call, because no tokens are left for it.
fn skip_for_budget(chunk: &Chunk, lead: &mut WaveLead<'_>) {
    if lead.decision.subject().is_none() {
        return;
    }
    lead.decision = Decision::Settle(Verdict::skipped(SkipReason::BudgetReached));
    leave_for_budget(chunk, &lead.row, &mut lead.cells);
}
