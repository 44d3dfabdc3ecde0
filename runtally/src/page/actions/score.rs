//! Scores the leads of a client that wait: first a dry run, then the work.

use super::form::{Preview, select};
use super::{Done, failed, wrong};
use crate::page::book::Book;
use crate::page::query::Query;
use crate::page::site::Problem;
use crate::page::source::Source;
use jiff::{SignedDuration, Timestamp};
use maud::html;
use shared::core::ids::{ClientId, RunId};
use shared::messages::{ClientScope, Kind, MAX_PLAN_LEADS, ScoreWaiting, routes};
use shared::ports::QueueName;
use std::collections::BTreeSet;

/// The form field with the time at which the price was shown.
const ASKED: &str = "asked";
/// How long a form belongs to the run whose price it showed.
const FRESH: SignedDuration = SignedDuration::from_mins(15);
#[expect(clippy::cast_possible_truncation, reason = "it is a small number")]
const MOST_LEADS: u32 = MAX_PLAN_LEADS as u32;

pub(super) async fn preview(
    source: &Source,
    book: &Book,
    client: Option<&ClientId>,
    kind: Kind,
) -> Result<Preview, Problem> {
    let Some(client) = client else { return choice(source, book, kind).await };
    let priced = match &source.inside {
        Some(inside) => (inside.price)(task(source, client, kind, None), client.clone()).await,
        None => Err("a dry run is not known here".to_owned()),
    };
    let (does, costs, is_known) = match priced {
        Ok(price) => (price.in_words(), "as the dry run says".to_owned(), true),
        Err(why) => (format!("The dry run failed: {why}"), "not known".to_owned(), false),
    };
    let fields = html! {
        label { span { "Most leads (empty: all)" } input type="number" name="limit" min="1" max=(MOST_LEADS); }
    };
    Ok(Preview {
        title: format!("Score what waits for {client}"),
        does: vec![does, "It becomes a run of its own, with a record.".to_owned()],
        costs,
        hidden: vec![
            ("client", client.to_string()),
            ("kind", kind.as_str().to_owned()),
            (ASKED, source.now().to_string()),
        ],
        fields,
        button: is_known.then_some("Score them"),
        is_danger: false,
        back: "/".to_owned(),
    })
}

/// Lets a person choose a client. The choice leads back to the preview, which shows the price.
async fn choice(source: &Source, book: &Book, kind: Kind) -> Result<Preview, Problem> {
    let known = known_clients(source, book).await?;
    let choices: Vec<(&str, &str)> =
        known.iter().map(|client| (client.as_str(), client.as_str())).collect();
    let kinds = [(Kind::Post.as_str(), "posts"), (Kind::Profile.as_str(), "profiles")];
    let fields = html! {
        (select("Client", "client", &choices, ""))
        (select("What", "kind", &kinds, kind.as_str()))
        input type="hidden" name="price" value="first";
    };
    Ok(Preview {
        title: "Score what waits".to_owned(),
        does: vec!["Shows what a dry run finds, and what it would cost. Nothing is scored before you agree.".to_owned()],
        costs: "nothing yet; the dry run reads the client's leads".to_owned(),
        hidden: Vec::new(),
        fields,
        button: (!choices.is_empty()).then_some("Dry run"),
        is_danger: false,
        back: "/".to_owned(),
    })
}

/// The clients of the master base, and clients that had runs.
async fn known_clients(source: &Source, book: &Book) -> Result<BTreeSet<String>, Problem> {
    let since = source.now() - source.verify_for;
    let heads = book.heads(&source.deployment, since).await?;
    let of_runs = heads.into_iter().map(|head| head.run.client().to_string());
    let listed = scoring::listed_clients(&source.airtable, &source.master).await;
    let listed = listed.unwrap_or_default().into_iter();
    let active = listed.filter(scoring::Client::is_active).map(|client| client.id);
    Ok(of_runs.chain(active).filter(|client| !client.starts_with('(')).collect())
}

pub(super) async fn score(
    source: &Source,
    client: Option<&ClientId>,
    kind: Kind,
    form: &Query,
) -> Result<Done, Problem> {
    let client = client.ok_or_else(|| wrong("No client was chosen."))?;
    if form.get("price").is_some() {
        let choice = form.with("token", "").replace("price=first", "");
        let look_at = format!("/do/score{choice}");
        return Ok(Done { says: "Dry run: nothing is scored yet.".to_owned(), look_at });
    }
    let task = ScoreWaiting {
        requested_at: Some(asked_at(source, form)),
        ..task(source, client, kind, limit(form)?)
    };
    let run = task.run().map_err(failed)?;
    let message = routes::score_waiting(task, &run);
    source.deployment.send(QueueName::Scoring, message).await.map_err(failed)?;
    let run = RunId::new(&run, client);
    let says = format!("What waits for {client} is being planned; the run is {run}.");
    Ok(Done { says, look_at: "/".to_owned() })
}

/// The limit on leads in a form. `None`, for all leads, only if the form has no limit.
fn limit(form: &Query) -> Result<Option<u32>, Problem> {
    let Some(text) = form.get("limit") else { return Ok(None) };
    let limit = text.parse().ok().filter(|limit| (1..=MOST_LEADS).contains(limit));
    let why = || wrong(format!("The most leads must be a whole number from 1 to {MOST_LEADS}."));
    limit.map(Some).ok_or_else(why)
}

/// When the price was shown, so that a form that is sent twice requests only one run. A form that was
/// open for too long requests a run as of now.
fn asked_at(source: &Source, form: &Query) -> Timestamp {
    let now = source.now();
    let is_fresh =
        |at: &Timestamp| (SignedDuration::ZERO..=FRESH).contains(&now.duration_since(*at));
    form.get(ASKED).and_then(|at| at.parse().ok()).filter(is_fresh).unwrap_or(now)
}

fn task(source: &Source, client: &ClientId, kind: Kind, limit: Option<u32>) -> ScoreWaiting {
    ScoreWaiting {
        clients: ClientScope::One(client.clone()),
        kind,
        run_stamp: None,
        requested_at: Some(source.now()),
        limit,
        lead_ids: Vec::new(),
        dry_run: false,
        token_share: None,
        client_row: None,
        cursor: None,
    }
}
