//! What a person can do from the page. The page first shows what an action will do and cost, and
//! does it only through that form. On real services no action deletes or edits a record, because
//! the metrics finalizer writes all of them.

mod form;
mod letters;
mod pretend;
mod runs;
mod score;

use super::book::Book;
use super::layout::{Content, Place};
use super::query::{Query, path};
use super::site::{Page, Problem};
use super::source::Source;
use crate::result::Fault;
use crate::system::Injection;
use shared::core::ids::{ClientId, RunId};
use shared::fold::RunState;
use shared::messages::Kind;
use shared::ports::QueueName;

/// The actions.
enum Action {
    /// Score again what failed or is missing in a run.
    Retry(RunId),
    /// Rewrite a run's record from the log.
    Rewrite(RunId),
    /// Check all records now.
    Tick,
    /// Put dead letters back on their queue: one, or all.
    Redrive(Option<(QueueName, String)>),
    /// Delete a dead letter, and note that on its run.
    Discard(QueueName, String),
    /// Score a client's leads that wait.
    Score(Option<ClientId>, Kind),
    /// Only for simulators.
    Harvest(Option<ClientId>),
    Inject(Option<Injection>),
    DeleteRecord(RunId),
    EditRecord(RunId),
}

/// The result of an action, and where to see it.
struct Done {
    says: String,
    look_at: String,
}

impl Action {
    /// The action with this name, with the values of a form or an address.
    fn of(name: &str, query: &Query) -> Option<Self> {
        let run = || query.get("run")?.parse::<RunId>().ok();
        let letter = || Some((query.get("queue")?.parse().ok()?, query.get("id")?.to_owned()));
        let client = || query.get("client").map_or(Some(None), |text| text.parse().ok().map(Some));
        let kind = || match query.get("kind") {
            None | Some("post") => Some(Kind::Post),
            Some("profile") => Some(Kind::Profile),
            Some(_) => None,
        };
        Some(match name {
            "retry" => Self::Retry(run()?),
            "rewrite" => Self::Rewrite(run()?),
            "tick" => Self::Tick,
            "redrive" if query.get("queue").is_some() => Self::Redrive(Some(letter()?)),
            "redrive" => Self::Redrive(None),
            "discard" => letter().map(|(queue, id)| Self::Discard(queue, id))?,
            "score" => Self::Score(client()?, kind()?),
            "harvest" => Self::Harvest(client()?),
            "fault" => Self::Inject(pretend::fault(query)),
            "delete-record" => Self::DeleteRecord(run()?),
            "edit-record" => Self::EditRecord(run()?),
            _ => return None,
        })
    }
}

/// Shows what an action will do and cost, with the form that does it.
pub(super) async fn preview(page: &Page, name: &str, query: &Query) -> Result<Content, Problem> {
    let action = parsed(page, name, query)?;
    let (source, book) = (&page.source, &page.book);
    let preview = match &action {
        Action::Retry(run) => runs::preview_retry(source, book, run).await?,
        Action::Rewrite(run) => runs::preview_rewrite(source, book, run).await?,
        Action::Tick => runs::preview_tick(),
        Action::Redrive(which) => letters::preview_redrive(source, which.as_ref()).await?,
        Action::Discard(queue, id) => letters::preview_discard(source, *queue, id).await?,
        Action::Score(client, kind) => score::preview(source, book, client.as_ref(), *kind).await?,
        Action::Harvest(_) => pretend::preview_harvest(source)?,
        Action::Inject(_) => pretend::preview_fault(source)?,
        Action::DeleteRecord(run) => pretend::preview_delete(source, run)?,
        Action::EditRecord(run) => pretend::preview_edit(source, run)?,
    };
    let body = form::drawn(&preview, name, &page.token);
    Ok(Content::new(preview.title, Place::Below, body))
}

/// Does an action. Returns the address at which its result is shown.
pub(super) async fn perform(page: &Page, name: &str, form: &Query) -> Result<String, Problem> {
    let action = parsed(page, name, form)?;
    let (source, book) = (&page.source, &page.book);
    let done = match action {
        Action::Retry(run) => runs::retry(source, book, &run, form.get("anyway").is_some()).await?,
        Action::Rewrite(run) => runs::rewrite(source, book, &run).await?,
        Action::Tick => runs::tick(source).await?,
        Action::Redrive(which) => letters::redrive(source, which.as_ref()).await?,
        Action::Discard(queue, id) => letters::discard(source, book, queue, &id).await?,
        Action::Score(client, kind) => score::score(source, client.as_ref(), kind, form).await?,
        Action::Harvest(client) => pretend::harvest(source, book, client.as_ref()).await?,
        Action::Inject(fault) => pretend::inject(source, fault)?,
        Action::DeleteRecord(run) => pretend::delete(source, &run)?,
        Action::EditRecord(run) => pretend::edit(source, &run, form)?,
    };
    tracing::info!(action = name, "done from the page");
    let id = page.flashes.keep(done.says);
    let joined = if done.look_at.contains('?') { '&' } else { '?' };
    Ok(format!("{}{joined}told={id}", done.look_at))
}

fn parsed(page: &Page, name: &str, query: &Query) -> Result<Action, Problem> {
    if !page.source.allow_actions {
        let how = "This page only reads: start `runtally ui` with --allow-actions to act.";
        return Err(Problem::NotFound(how.to_owned()));
    }
    Action::of(name, query)
        .ok_or_else(|| Problem::NotFound(format!("There is no action {name} with these values.")))
}

fn of_run(run: &RunId) -> String {
    path("/run/", run.as_str())
}

/// Reads the folded state of a run.
async fn state_of<T>(
    source: &Source,
    book: &Book,
    run: &RunId,
    look: impl FnOnce(&RunState) -> T,
) -> Result<T, Problem> {
    let found = book.read(&source.deployment, run, |open| look(&open.state)).await?;
    found.ok_or_else(|| Problem::NotFound(format!("The log has no run {run}.")))
}

fn failed(why: impl Into<Fault>) -> Problem {
    Problem::Failed(why.into())
}

fn wrong(why: impl Into<String>) -> Problem {
    Problem::Wrong(why.into())
}
