//! When and why a run waits, and when the model did not answer.

use super::state::{Billing, RunState, earliest};
use super::summary::{Outage, Wait};
use crate::messages::{BilledCall, Halt, Note, NoteKind};
use jiff::Timestamp;

/// The number of calls without an answer from which the model counts as away.
const SEVERAL: u64 = 4;

impl RunState {
    pub(super) fn absorb_note(&mut self, note: &Note, at: Timestamp) {
        match note.kind {
            NoteKind::Stalled => self.stalled_at = self.stalled_at.max(Some(at)),
            NoteKind::Record | NoteKind::Input => {
                if note.is_wait() {
                    self.last_wait = self.last_wait.take().max(Some((at, note.clone())));
                }
                earliest(&mut self.notes, note.clone(), at);
            }
        }
    }

    /// The periods in which the model answered none of the run's calls. A period counts only with
    /// several such calls or with a halt: a single call may be refused because of its content.
    pub(super) fn outages(&self) -> Vec<Outage> {
        let attempts = self.chunks.values().flat_map(|chunk| chunk.attempts.values());
        let mut billings: Vec<&Billing> =
            attempts.flat_map(|attempt| attempt.billed.values()).collect();
        billings.sort_by_key(|billing| billing.at);
        let mut outages: Vec<Outage> = Vec::new();
        let mut is_away = false;
        for billing in billings {
            let Billing { at, calls, halt, .. } = billing;
            if calls.iter().any(BilledCall::is_answered) {
                outages.last_mut().filter(|_| is_away).into_iter().for_each(|outage| {
                    outage.until = Some(*at);
                });
                is_away = false;
                continue;
            }
            if !is_away {
                outages.push(Outage { from: *at, until: None, calls: 0, halt: None });
                is_away = true;
            }
            let outage = outages.last_mut().expect("one has begun");
            outage.calls += calls.len() as u64;
            outage.halt = outage.halt.take().or_else(|| halt.clone());
        }
        outages.retain(|outage| outage.calls >= SEVERAL || outage.halt.is_some());
        outages
    }

    /// Why a task of the run waits: the reason in the last note about a wait, unless the run has
    /// progressed since. For a stalled run, the last known reason.
    pub(super) fn wait(&self, is_stalled: bool) -> Option<Wait> {
        let (last, note) = self.last_wait.as_ref()?;
        if *last < self.last_progress && !is_stalled {
            return None;
        }
        let since = self.notes.get(note).copied().unwrap_or(*last);
        let why = note.wait_reason()?.to_owned();
        Some(Wait { since, why })
    }

    /// Why the model answers no call, unless it has answered a call of the run since.
    pub(super) fn halt(&self) -> Option<(Timestamp, Halt)> {
        let attempts = self.chunks.values().flat_map(|chunk| chunk.attempts.values());
        let billings = || attempts.clone().flat_map(|attempt| attempt.billed.values());
        let halts = billings().filter_map(|billing| Some((billing.at, billing.halt.as_ref()?)));
        let (at, halt) = halts.max()?;
        let is_answered = |billing: &Billing| billing.calls.iter().any(BilledCall::is_answered);
        let has_answered = billings().any(|billing| billing.at > at && is_answered(billing));
        (!has_answered).then(|| (at, halt.clone()))
    }
}
