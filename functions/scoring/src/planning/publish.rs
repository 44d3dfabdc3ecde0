//! Queues a plan's chunks and says what is to be reported about it.

use super::plan::Plan;
use super::prepare::PlanContext;
use crate::report::input_note;
use crate::task_error::TaskError;
use shared::core::ids::PlanId;
use shared::messages::{Fact, Source};
use shared::ports::{Queue, QueueName};

pub(crate) struct QueuedPlan {
    pub(crate) id: PlanId,
    pub(crate) facts: Vec<Fact>,
}

pub(crate) async fn queue_plan(
    queue: &impl Queue,
    context: &PlanContext<'_>,
    plan: Plan,
    source: Source,
) -> Result<QueuedPlan, TaskError> {
    let id = plan.id.clone();
    let target = context.target;
    let leads_table = context.base.as_ref().and_then(|base| base.leads_table(target.base));
    let mut facts = plan.facts(target.kind, None, leads_table);
    if let Some(base) = &context.base {
        facts.extend(base.rubric.warnings.iter().cloned().map(input_note));
        let empty = base.empty_chunk(target, &plan, source);
        let messages = plan.into_messages(&empty);
        tracing::info!(plan.id = %id, plan.chunks = messages.len(), "plan queued");
        queue.send(QueueName::Scoring, messages).await?;
    }
    Ok(QueuedPlan { id, facts })
}
