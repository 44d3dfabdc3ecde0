//! Queues a plan's chunks, and collects the facts to report afterwards.

use super::plan::Plan;
use super::prepare::PlanContext;
use crate::report::input_note;
use crate::task_error::TaskError;
use jiff::Timestamp;
use shared::messages::{Chunk, Fact, Source};
use shared::ports::{Queue, QueueName};

pub(crate) async fn queue_plan(
    queue: &impl Queue,
    context: &PlanContext<'_>,
    plan: Plan,
    (source, planned_at): (Source, Option<Timestamp>),
) -> Result<(), TaskError> {
    let Some(base) = &context.base else { return Ok(()) };
    let id = plan.id.clone();
    let empty = base.empty_chunk(context.target, &plan, source);
    let empty = Chunk { planned_at, ..empty };
    let messages = plan.into_messages(&empty);
    tracing::info!(plan.id = %id, plan.chunks = messages.len(), "plan queued");
    Ok(queue.send(QueueName::Scoring, messages).await?)
}

impl PlanContext<'_> {
    /// The facts to report about a plan after its chunks are queued.
    pub(crate) fn facts(&self, plan: &Plan) -> Vec<Fact> {
        let leads_table = self.base.as_ref().and_then(|base| base.leads_table(self.target.base));
        let mut facts = plan.facts(self.target.kind, None, leads_table);
        if let Some(base) = &self.base {
            facts.extend(base.rubric.warnings.iter().cloned().map(input_note));
        }
        facts
    }
}
