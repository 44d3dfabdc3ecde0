//! Actions on a run and its record. The metrics finalizer writes the record.

use super::form::Preview;
use super::{Done, failed, of_run, state_of, wrong};
use crate::page::book::Book;
use crate::page::site::Problem;
use crate::page::source::Source;
use maud::html;
use shared::core::counted::counted;
use shared::core::ids::RunId;
use shared::core::tokens::NanoUsd;
use shared::fold::{RunState, Status};
use shared::messages::{Kind, Replay, routes};
use shared::ports::QueueName;

/// What a retry would repeat.
struct Again {
    leads: usize,
    harvests: usize,
    cost: Option<NanoUsd>,
    is_running: bool,
}

fn again(source: &Source, state: &RunState) -> Again {
    let tasks = state.replays(source.now());
    let summary = state.summary();
    let leads = tasks.iter().map(Replay::leads).sum();
    let mut cost = Some(NanoUsd::default());
    for plan in tasks.iter().flat_map(|task| &task.plans) {
        let kind = if plan.kind == Kind::Post { &summary.posts } else { &summary.profiles };
        let each = kind.cost_per_lead().map(|cost| cost.per_lead);
        let of_plan = each.map(|each| NanoUsd(each.0.saturating_mul(plan.leads.len() as u64)));
        cost = cost.zip(of_plan).map(|(cost, more)| NanoUsd(cost.0 + more.0));
    }
    let harvests = tasks.iter().map(|task| task.unplanned.len()).sum();
    Again { leads, harvests, cost, is_running: summary.status == Status::Running }
}

pub(super) async fn preview_retry(
    source: &Source,
    book: &Book,
    run: &RunId,
) -> Result<Preview, Problem> {
    let again = state_of(source, book, run, |state| self::again(source, state)).await?;
    let is_nothing = again.leads + again.harvests == 0;
    let mut does = if is_nothing {
        vec!["Nothing in this run failed or is missing.".to_owned()]
    } else {
        let what = in_words(again.leads, again.harvests);
        vec![
            format!("Does again what failed or is missing: {what}."),
            "A lead that has a score of this run is not scored again.".to_owned(),
        ]
    };
    if again.is_running && !is_nothing {
        does.push(
            "The run is in progress: leads that are being scored now are paid for twice."
                .to_owned(),
        );
    }
    let costs = match again.cost {
        Some(_) if is_nothing => "nothing".to_owned(),
        Some(cost) if again.harvests == 0 => {
            format!(
                "about {cost} for the model, at what this run's scored leads cost; both attempts count"
            )
        }
        Some(_) | None => "not known before it is done: no lead of this run has a score".to_owned(),
    };
    let fields = html! {
        @if again.is_running && !is_nothing {
            label { input type="checkbox" name="anyway" value="yes" required; " Pay twice for what is being scored" }
        }
    };
    Ok(Preview {
        title: format!("Retry what failed in {run}"),
        does,
        costs,
        hidden: vec![("run", run.to_string())],
        fields,
        button: (!is_nothing).then_some("Retry"),
        is_danger: false,
        back: of_run(run),
    })
}

pub(super) async fn retry(
    source: &Source,
    book: &Book,
    run: &RunId,
    anyway: bool,
) -> Result<Done, Problem> {
    let look = |state: &RunState| (state.replays(source.now()), state.summary().status);
    let (tasks, status) = state_of(source, book, run, look).await?;
    if status == Status::Running && !anyway {
        return Err(wrong(format!("{run} is in progress: wait until it has ended or is Stalled.")));
    }
    let leads: usize = tasks.iter().map(Replay::leads).sum();
    let harvests: usize = tasks.iter().map(|task| task.unplanned.len()).sum();
    for task in tasks {
        let sent = source.deployment.send(QueueName::Scoring, routes::replay_once(task)).await;
        sent.map_err(failed)?;
    }
    let says = match leads + harvests {
        0 => "Nothing failed or is missing.".to_owned(),
        _ => format!("Queued again: {}.", in_words(leads, harvests)),
    };
    Ok(Done { says, look_at: of_run(run) })
}

/// Numbers of leads and harvests in words, without those that are 0.
fn in_words(leads: usize, harvests: usize) -> String {
    let parts = [(leads, "lead"), (harvests, "harvest")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, noun)| counted(count, noun)).collect();
    parts.join(" and ")
}

pub(super) async fn preview_rewrite(
    source: &Source,
    book: &Book,
    run: &RunId,
) -> Result<Preview, Problem> {
    state_of(source, book, run, |_| ()).await?;
    Ok(Preview {
        title: format!("Rewrite the record of {run}"),
        does: vec![
            "The metrics finalizer writes every cell of the record from the log, and creates the record if it is gone.".to_owned(),
            "What people wrote in other fields stays.".to_owned(),
        ],
        costs: "nothing for the model; one or two requests to Airtable".to_owned(),
        hidden: vec![("run", run.to_string())],
        fields: html! {},
        button: Some("Rewrite the record"),
        is_danger: false,
        back: of_run(run),
    })
}

pub(super) async fn rewrite(source: &Source, book: &Book, run: &RunId) -> Result<Done, Problem> {
    state_of(source, book, run, |_| ()).await?;
    source.deployment.unproject(run).await.map_err(failed)?;
    send_tick(source).await?;
    let says = "The metrics finalizer rewrites the record now.".to_owned();
    Ok(Done { says, look_at: of_run(run) })
}

pub(super) fn preview_tick() -> Preview {
    Preview {
        title: "Check all records now".to_owned(),
        does: vec![
            "The metrics finalizer looks at every open run and at the records written lately, and restores what was edited or deleted.".to_owned(),
            "It also looks for harvests whose webhook was missed.".to_owned(),
        ],
        costs: "nothing for the model; a request to Airtable for 50 runs".to_owned(),
        hidden: Vec::new(),
        fields: html! {},
        button: Some("Send a tick"),
        is_danger: false,
        back: "/system".to_owned(),
    }
}

pub(super) async fn tick(source: &Source) -> Result<Done, Problem> {
    send_tick(source).await?;
    Ok(Done { says: "A tick is sent.".to_owned(), look_at: "/system".to_owned() })
}

async fn send_tick(source: &Source) -> Result<(), Problem> {
    let tick = routes::tick(&source.master, source.now());
    source.deployment.send(QueueName::Metrics, tick).await.map_err(failed)
}
