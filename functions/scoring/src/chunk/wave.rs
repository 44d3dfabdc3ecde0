//! A wave: announce, bill, write, settle.

use crate::Scoring;
use crate::chunk::ask::{self, Asked, NoAnswer};
use crate::chunk::decide::{Decision, profile, profile_key};
use crate::chunk::write::write;
use crate::lead::row::{Cells, LeadRow};
use crate::posts::stored::StoredPost;
use crate::prompt::template::{About, Answer, Form, Question};
use crate::report::report;
use shared::core::deadline::Deadline;
use shared::core::failure::Failure;
use shared::core::ids::{PlanId, PostKey};
use shared::messages::{
    AttemptRef, Chunk, ChunkLead, ErrorCategory, Fact, LeadOutcome, Outcome, Settled,
};
use shared::ports::{Queue, Transport};
use shared::services::airtable::{Record, Update};

/// A lead of a wave, with its row and what was decided about it.
pub(crate) struct Lead<'a> {
    pub(crate) lead: &'a ChunkLead,
    pub(crate) row: &'a Record<LeadRow>,
    pub(crate) cells: Cells,
    pub(crate) decision: Decision,
}

/// Which wave it is.
pub(crate) struct Wave<'a> {
    pub(crate) chunk: &'a Chunk,
    pub(crate) attempt: &'a AttemptRef,
    pub(crate) index: u32,
    pub(crate) deadline: Deadline,
    /// How often the chunk was delivered, this time included.
    pub(crate) deliveries: u32,
    /// Whether the chunk is delivered for the last time: what has no answer now has failed.
    pub(crate) is_last: bool,
}

/// What a wave came to.
#[derive(Debug, Default)]
pub(crate) struct Scored {
    /// Why leads have no answer yet: those are not settled.
    pub(crate) unanswered: Vec<String>,
    /// The tokens of all its calls.
    pub(crate) used: u64,
}

/// Scores a wave's leads.
pub(crate) async fn score<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    wave: &Wave<'_>,
    form: &Form<'_>,
    leads: Vec<Lead<'_>>,
    writable: &mut Vec<String>,
) -> Result<Scored, Failure> {
    let questions: Vec<Question<'_>> = leads
        .iter()
        .filter_map(|lead| match &lead.decision {
            Decision::Ask { about } => Some(Question { about, profile: profile(&lead.row.fields) }),
            Decision::Settle { .. } => None,
        })
        .collect();
    let mut asked = ask::ask(app, wave, form, &questions).await?.into_iter();
    drop(questions);
    let mut result = Scored::default();
    let mut updates = Vec::new();
    let mut outcomes = Vec::new();
    for Lead { lead, row, mut cells, decision } in leads {
        let (outcome, examined, scored) = match decision {
            Decision::Settle { outcome, examined, scored } => (outcome, examined, scored),
            Decision::Ask { about } => {
                let asked = asked.next().expect("every question has what became of it");
                result.used += asked.tokens;
                if let Err(NoAnswer { detail, later: true, .. }) = &asked.answer
                    && !wave.is_last
                {
                    result.unanswered.push(detail.clone());
                    continue;
                }
                verdict(lead, row, &about, asked, &wave.attempt.plan, &mut cells)
            }
        };
        let fields = cells.into_cells(writable);
        if !fields.is_empty() {
            updates.push(Update { id: row.id.clone(), fields });
        }
        let record = Some(row.id.clone());
        outcomes.push(LeadOutcome { lead: lead.key.clone(), record, outcome, examined, scored });
    }
    let failed = write(app, wave.chunk, updates, writable).await?;
    for outcome in &mut outcomes {
        if let Some(detail) = outcome.record.as_ref().and_then(|record| failed.get(record)) {
            let category = ErrorCategory::Airtable;
            outcome.outcome = Outcome::Failed { category, detail: detail.clone() };
        }
    }
    if !outcomes.is_empty() {
        let settled =
            Settled { attempt: wave.attempt.clone(), kind: wave.chunk.kind, leads: outcomes };
        report(app, &wave.chunk.run, vec![Fact::Settled(settled)]).await?;
    }
    Ok(result)
}

/// Makes a lead's outcome and cells of what the model replied, with the keys of what was examined
/// and of what was scored.
fn verdict(
    lead: &ChunkLead,
    row: &Record<LeadRow>,
    about: &About,
    asked: Asked,
    plan: &PlanId,
    cells: &mut Cells,
) -> (Outcome, Vec<PostKey>, Vec<PostKey>) {
    let Asked { answer, tokens, examined } = asked;
    let keys = match about {
        About::Posts(posts) => keys(posts),
        About::Profile(_) => profile_key(&lead.key),
    };
    let (outcome, scored) = match (answer, about) {
        (Ok(Answer::Posts(scored)), About::Posts(posts)) => {
            cells.scored(posts, &scored, profile(&row.fields).as_ref(), tokens);
            (Outcome::Scored, scored.iter().map(|scored| keys[scored.index].clone()).collect())
        }
        (Ok(Answer::Profile(score)), _) => {
            cells.profile_scored(&score);
            (Outcome::Scored, keys.clone())
        }
        (Ok(Answer::Posts(_)), About::Profile(_)) => {
            unreachable!("a chunk's answers are of the kind of its questions")
        }
        (Err(NoAnswer { category, detail, .. }), _) => {
            match about {
                About::Posts(posts) => cells.failed(category, &detail, posts.len(), tokens),
                About::Profile(_) => {
                    cells.profile_failed(category, &row.fields.breakdown, plan);
                }
            }
            (Outcome::Failed { category, detail }, Vec::new())
        }
    };
    (outcome, if examined { keys } else { Vec::new() }, scored)
}

fn keys(posts: &[StoredPost]) -> Vec<PostKey> {
    posts.iter().map(|post| post.url().key()).collect()
}
