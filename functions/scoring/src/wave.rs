//! A wave: announce, bill, write, settle.

use crate::Scoring;
use crate::chunk::WRITING_TIME;
use crate::decide::{Decision, profile};
use crate::evaluation::{self, RESPONSE_SCHEMA};
use crate::gemini::{Call, Prompt, Reply, Round, Service};
use crate::leads::{Cells, LeadRow};
use crate::posts_content::StoredPost;
use crate::report::report;
use futures_util::future::join_all;
use shared::airtable::{AirtableError, Record, Update};
use shared::deadline::Deadline;
use shared::failure::Failure;
use shared::ids::{PostKey, RecordId};
use shared::messages::{
    Announced, AttemptRef, Billed, BilledCall, CallOutcome, Chunk, ChunkLead, ErrorCategory, Fact,
    LeadOutcome, Outcome, Settled,
};
use shared::schema::leads as schema;
use shared::seams::{Queue, Transport};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Rounds of calls: a call that was refused or lost is made again in the next one.
const ROUNDS: u32 = 3;
/// Wait before the second round; doubled before the third.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// A lead of a wave, with its row and what was decided about it.
pub(crate) struct Lead<'a> {
    pub(crate) lead: &'a ChunkLead,
    pub(crate) row: &'a Record<LeadRow>,
    pub(crate) cells: Cells<'a>,
    pub(crate) decision: Decision,
}

/// Which wave it is.
pub(crate) struct Wave<'a> {
    pub(crate) chunk: &'a Chunk,
    pub(crate) attempt: &'a AttemptRef,
    pub(crate) index: u32,
    pub(crate) deadline: Deadline,
    /// Whether the chunk is delivered for the last time: what has no answer now has failed.
    pub(crate) is_last: bool,
}

/// What became of the question about one lead.
struct Asked {
    /// The last reply.
    reply: Reply,
    /// The tokens of all answers.
    tokens: u64,
    /// Whether any call can have reached the model.
    examined: bool,
}

/// Scores a wave's leads. Returns why leads have no answer yet: those are not settled.
pub(crate) async fn score<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    wave: &Wave<'_>,
    leads: Vec<Lead<'_>>,
    writable: &mut Vec<String>,
) -> Result<Vec<String>, Failure> {
    let mut asked = ask(app, wave, &leads).await?;
    let mut unanswered = Vec::new();
    let mut updates = Vec::new();
    let mut outcomes = Vec::new();
    for (at, lead) in leads.into_iter().enumerate() {
        let Lead { lead, row, mut cells, decision } = lead;
        let (outcome, examined, scored) = match decision {
            Decision::Settle { outcome, examined, scored } => (outcome, examined, scored),
            Decision::Ask { posts } => {
                let Asked { reply, tokens, examined } =
                    asked.remove(&at).expect("every question was asked at least once");
                if let Reply::TryLater { detail, .. } = &reply
                    && !wave.is_last
                {
                    unanswered.push(detail.clone());
                    continue;
                }
                let posts: Vec<&StoredPost> = posts.iter().collect();
                let (outcome, scored) = verdict(&reply, &posts, row, &mut cells, tokens);
                let examined = if examined { keys(&posts) } else { Vec::new() };
                (outcome, examined, scored)
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
    Ok(unanswered)
}

/// Asks the model about every lead that is to be asked about, in rounds. Each round is announced
/// before its calls and billed after them.
async fn ask<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    wave: &Wave<'_>,
    leads: &[Lead<'_>],
) -> Result<BTreeMap<usize, Asked>, Failure> {
    let questions: Vec<(usize, String, u32)> = leads
        .iter()
        .enumerate()
        .filter_map(|(at, lead)| match &lead.decision {
            Decision::Ask { posts } => {
                let posts: Vec<&StoredPost> = posts.iter().collect();
                let question = evaluation::question(&posts, profile(&lead.row.fields).as_ref());
                Some((at, question, evaluation::max_output_tokens(posts.len())))
            }
            Decision::Settle { .. } => None,
        })
        .collect();
    let mut open: Vec<&(usize, String, u32)> = questions.iter().collect();
    let mut asked: BTreeMap<usize, Asked> = BTreeMap::new();
    let begun = Instant::now();
    for round in 0..ROUNDS {
        if open.is_empty() {
            break;
        }
        let service = app.gemini.service(&Round {
            begun,
            is_last: round + 1 == ROUNDS,
            deadline: wave.deadline,
            kept_back: WRITING_TIME + FIRST_WAIT * 2,
        });
        let calls = make_calls(app, wave, round, service, &open).await?;
        let mut wait = app.jitter(FIRST_WAIT * 2_u32.pow(round));
        for ((at, _, _), call) in open.iter().zip(calls) {
            if let Reply::TryLater { after: Some(after), .. } = &call.reply {
                wait = wait.max(*after);
            }
            let tokens = match &call.billing {
                CallOutcome::Answered { usage, .. } => usage.total,
                CallOutcome::Refused | CallOutcome::Lost => 0,
            };
            let before = asked.remove(at);
            let known = before.map_or((0, false), |before| (before.tokens, before.examined));
            let examined = known.1 || call.billing != CallOutcome::Refused;
            asked.insert(*at, Asked { reply: call.reply, tokens: known.0 + tokens, examined });
        }
        open.retain(|(at, _, _)| {
            asked.get(at).is_some_and(|asked| matches!(asked.reply, Reply::TryLater { .. }))
        });
        let needed = wait + app.gemini.timeout() + WRITING_TIME;
        if !open.is_empty() && round + 1 < ROUNDS {
            if wave.deadline.remaining() < needed {
                break;
            }
            tokio::time::sleep(wait).await;
        }
    }
    Ok(asked)
}

/// Makes the calls of one round at the same time.
async fn make_calls<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    wave: &Wave<'_>,
    round: u32,
    service: Service,
    open: &[&(usize, String, u32)],
) -> Result<Vec<Call>, Failure> {
    let (attempt, kind, index) = (wave.attempt, wave.chunk.kind, wave.index);
    let announced = Announced {
        attempt: attempt.clone(),
        kind,
        wave: index,
        round,
        calls: u32::try_from(open.len()).expect("a wave has ten leads"),
    };
    report(app, &wave.chunk.run, vec![Fact::Announced(announced)]).await?;
    let prompts: Vec<Prompt<'_>> = open
        .iter()
        .map(|(_, question, max_output_tokens)| Prompt {
            system: &wave.chunk.rubric,
            user: question,
            schema: &RESPONSE_SCHEMA,
            max_output_tokens: *max_output_tokens,
        })
        .collect();
    let calls = prompts.iter().map(|prompt| app.gemini.generate(prompt, service));
    let calls: Vec<Call> = join_all(calls).await;
    let billed = Billed {
        attempt: attempt.clone(),
        kind,
        wave: index,
        round,
        calls: calls
            .iter()
            .zip(0..)
            .map(|(call, at)| BilledCall { call: at, outcome: call.billing.clone() })
            .collect(),
    };
    report(app, &wave.chunk.run, vec![Fact::Billed(billed)]).await?;
    Ok(calls)
}

/// Makes a lead's outcome and cells of what the model replied.
fn verdict(
    reply: &Reply,
    posts: &[&StoredPost],
    row: &Record<LeadRow>,
    cells: &mut Cells<'_>,
    tokens: u64,
) -> (Outcome, Vec<PostKey>) {
    let scored = match reply {
        Reply::Text(text) => evaluation::scores(text, posts),
        Reply::Unusable { category, detail } | Reply::TryLater { category, detail, .. } => {
            Err((*category, detail.clone()))
        }
    };
    match scored {
        Ok(scored) => {
            cells.scored(posts, &scored, profile(&row.fields).as_ref(), tokens);
            let keys = scored.iter().map(|scored| posts[scored.index].url().key()).collect();
            (Outcome::Scored, keys)
        }
        Err((category, detail)) => {
            cells.failed(category, &detail, tokens);
            (Outcome::Failed { category, detail }, Vec::new())
        }
    }
}

fn keys(posts: &[&StoredPost]) -> Vec<PostKey> {
    posts.iter().map(|post| post.url().key()).collect()
}

/// Writes the wave's rows in one request. Where Airtable refuses it, the optional field that is
/// refused is left out; what is still refused is written row by row. Returns the rows that could
/// not be written, with the reason.
async fn write<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    chunk: &Chunk,
    mut updates: Vec<Update>,
    writable: &mut Vec<String>,
) -> Result<BTreeMap<RecordId, String>, Failure> {
    let mut failed = BTreeMap::new();
    loop {
        if updates.is_empty() {
            return Ok(failed);
        }
        let Err(error) = app.airtable.update(&chunk.base, schema::TABLE, &updates).await else {
            return Ok(failed);
        };
        // Airtable does not tell a row that is gone from one it denies.
        let is_denied = matches!(error, AirtableError::Denied { .. });
        if is_denied && updates.len() > 1 {
            break;
        }
        let AirtableError::Refused { message, .. } = &error else { return Err(given_up(&error)) };
        let Some(field) = refused_optional_field(message, writable) else { break };
        tracing::error!(%error, airtable.field = field, "leads are written without this field");
        writable.retain(|name| name != field);
        for update in &mut updates {
            update.fields.remove(field);
        }
        updates.retain(|update| !update.fields.is_empty());
    }
    let rows = updates.len();
    for update in updates {
        let row = std::slice::from_ref(&update);
        match app.airtable.update(&chunk.base, schema::TABLE, row).await {
            Ok(()) => {}
            Err(error @ AirtableError::Denied { .. }) if failed.len() + 1 == rows => {
                return Err(given_up(&error));
            }
            Err(error @ (AirtableError::Refused { .. } | AirtableError::Denied { .. })) => {
                tracing::error!(%error, airtable.record = %update.id, "lead's row is not written");
                failed.insert(update.id, error.to_string());
            }
            Err(error) => return Err(given_up(&error)),
        }
    }
    Ok(failed)
}

fn given_up(error: &AirtableError) -> Failure {
    Failure { class: error.class(), reason: error.to_string() }
}

/// The optional field that a refusal is about.
fn refused_optional_field(message: &str, writable: &[String]) -> Option<&'static str> {
    let quoted = |text: &str| message.contains(&format!("\"{text}\""));
    schema::POST_FIELDS
        .iter()
        .filter(|field| field.optional && writable.iter().any(|name| name == field.name))
        .map(|field| field.name)
        .find(|name| quoted(name))
}
