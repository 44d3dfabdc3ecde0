//! What scoring the waiting leads would cost: a dry run whose result is returned at once.

use super::client_run::{plan_id, run_of, served_base};
use super::prepare::PlanTarget;
use super::waiting_planner::{PlanningTally, WaitingOutcome, WaitingRequest, plan_waiting};
use crate::app::Scoring;
use crate::left::Left;
use crate::task_error::TaskError;
use shared::core::counted::counted;
use shared::core::deadline::Deadline;
use shared::core::failure::Failure;
use shared::core::ids::ClientId;
use shared::core::tokens::NanoUsd;
use shared::messages::{Kind, ScanCursor, ScoreWaiting};
use shared::ports::Env;

/// The result of a dry run for one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingPrice {
    /// The kind of scoring.
    pub kind: Kind,
    /// The model that would be used.
    pub model: String,
    /// Number of waiting leads.
    pub leads: usize,
    /// How many of them the token limits leave no room for.
    pub beyond: usize,
    /// Estimated tokens for the other leads.
    pub tokens: u64,
    /// The cost of these tokens; `None` if the model has no price.
    pub cost: Option<NanoUsd>,
    /// Anything unusual.
    pub notes: Vec<String>,
    /// Whether all leads were read. There may not have been enough time.
    pub is_whole: bool,
}

impl WaitingPrice {
    pub(super) fn of<E: Env>(
        app: &Scoring<E>,
        kind: Kind,
        tally: PlanningTally,
        is_whole: bool,
    ) -> Self {
        let PlanningTally { leads, beyond, tokens, cost, notes } = tally;
        let model = app.config.model.id.clone();
        Self { kind, model, leads, beyond, tokens, cost, notes, is_whole }
    }

    /// Number of leads that would be scored.
    pub fn to_score(&self) -> usize {
        self.leads - self.beyond
    }

    /// The result as text, for a record or a log.
    pub fn in_words(&self) -> String {
        let leads = counted(self.leads, "lead");
        if !self.is_whole {
            return format!("dry run: there was no time to read more than the first {leads}");
        }
        let cost = self.cost.map_or("an unknown amount".to_owned(), |cost| cost.to_string());
        let told = format!(
            "dry run: {leads} waiting for {} scoring; {} would be scored with about {} tokens for \
             {cost} by {}, {} are beyond the token limit",
            self.kind.as_str(),
            self.to_score(),
            self.tokens,
            self.model,
            self.beyond,
        );
        std::iter::once(told).chain(self.notes.iter().cloned()).collect::<Vec<_>>().join("; ")
    }
}

/// What scoring a client's waiting leads would cost. Nothing is queued, reported or written.
///
/// # Errors
/// [`Failure`] with the reason, for example that the client is not served.
pub async fn price_waiting<E: Env>(
    app: &Scoring<E>,
    task: &ScoreWaiting,
    client: &ClientId,
    deadline: Deadline,
) -> Result<WaitingPrice, Failure> {
    let task = &ScoreWaiting { dry_run: true, ..task.clone() };
    let run_stamp = task.run().map_err(Failure::dead_letter)?;
    let (client, run) = run_of(app, task, run_stamp, client).await?;
    let whole = &plan_id(task, &run);
    let base = served_base(client.as_ref(), &run, task.kind).map_err(Failure::dead_letter)?;
    let token_limit = client.as_ref().and_then(|client| client.token_limit(task.kind));
    let target = PlanTarget { run: &run, base: &base, kind: task.kind, token_limit };
    let left = &Left::default();
    match plan_waiting(app, &WaitingRequest { task, target, whole, left, deadline }).await {
        Ok(WaitingOutcome::Done(tally)) => Ok(WaitingPrice::of(app, task.kind, tally, true)),
        Ok(WaitingOutcome::Unfinished(cursor)) => {
            let ScanCursor { leads, beyond, tokens, cost, .. } = cursor;
            let tally = PlanningTally { leads, beyond, tokens, cost, notes: Vec::new() };
            Ok(WaitingPrice::of(app, task.kind, tally, false))
        }
        Err(TaskError::Retry(failure)) => Err(failure),
        Err(TaskError::Fatal(reason)) => Err(Failure::dead_letter(reason)),
    }
}
