//! The system: services, queues, waiting tasks with their reasons, dead letters, request slots,
//! spend, next tick.

use super::figures::{Part, bar, grouped, moment, until};
use super::lanes;
use super::layout::{Content, Place, run_link};
use super::query::path;
use super::site::Page;
use super::source::Source;
use super::spend::spend;
use super::waits::Waiting;
use crate::result::Fault;
use crate::storage::LaneState;
use crate::view::Letter;
use jiff::Timestamp;
use maud::{Markup, html};
use shared::core::counted::counted;
use shared::ports::{DeadLetter, QueueName, QueueState};
use shared::services::airtable::BaseSlots;
use std::sync::Arc;

/// Most waiting tasks, and most dead letters of a queue, that are shown.
const MAX_SHOWN: usize = 50;

struct QueueView {
    name: QueueName,
    state: QueueState,
    /// `None` on AWS, where lanes are not visible, and for a queue without lanes.
    lanes: Option<Vec<LaneState>>,
    letters: Vec<DeadLetter>,
}

pub(super) async fn page(page: &Arc<Page>) -> Result<Content, Fault> {
    let source = &page.source;
    let now = source.now();
    let deployment = &source.deployment;
    let mut queues = Vec::new();
    for name in deployment.queues() {
        let state = deployment.state(name).await?;
        let lanes = if name.is_fifo() { deployment.lanes(name)? } else { None };
        // Reading dead letters on SQS hides them for a moment, so they are read only if there are
        // some.
        let letters =
            if state.dead > 0 { deployment.dead_letters(name).await? } else { Vec::new() };
        queues.push(QueueView { name, state, lanes, letters });
    }
    let (tasks, count) = deployment.waiting().await?;
    let waiting: Vec<Waiting> = tasks.into_iter().map(Waiting::from).collect();
    let spend = spend(page).await?;
    let in_use: Vec<(QueueName, &LaneState)> = queues
        .iter()
        .flat_map(|queue| queue.lanes.iter().flatten().map(|lane| (queue.name, lane)))
        .collect();
    let body = html! {
        h1 { "System" }
        (services(source))
        (next_tick(source, now))
        section #queues data-live aria-labelledby="queues-title" {
            h2 #queues-title { "Queues" }
            div .cards { @for queue in &queues { (queue_card(queue, count, deployment.is_on_aws())) } }
        }
        (waits(&waiting, count, now))
        (dead(source, &queues))
        (lanes::section(&in_use, now))
        (slots(source))
        (super::spend::section(&spend))
    };
    let unread = spend.unread;
    Ok(Content { unread, ..Content::new("System", Place::System, body) })
}

fn services(source: &Source) -> Markup {
    html! {
        section aria-labelledby="services-title" {
            h2 #services-title { "Services" }
            @if source.allow_actions && source.services.iter().any(|service| !service.is_real) {
                p .actions { a .button .quiet href="/do/fault" { "Inject a fault" } }
            }
            ul .cards {
                @for service in &source.services {
                    li .card {
                        h3 { (service.name) }
                        @if service.is_real { span .badge .good { "real" } } @else { span .badge .warn { "simulated" } }
                        p .place { (service.place) }
                    }
                }
            }
        }
    }
}

fn next_tick(source: &Source, now: Timestamp) -> Markup {
    let next = source.inside.as_ref().map(|inside| *inside.next_tick.borrow());
    html! {
        section #tick data-live {
            p { b { "Next tick " }
                @match next {
                    Some(at) => (until(at, now)),
                    None => "is not known here: EventBridge sends one every ten minutes",
                }
                ". It checks all open and recent records, and repairs what was edited or deleted."
                @if source.allow_actions { " " a href="/do/tick" { "Send one now" } }
            }
        }
    }
}

/// `waiting` is the number of tasks that wait for their next attempt.
fn queue_card(queue: &QueueView, waiting: u64, is_on_aws: bool) -> Markup {
    let QueueView { name, state, lanes, .. } = queue;
    html! {
        article .card {
            h3 { (name.as_str()) }
            p .big { (grouped(state.messages)) small { @if state.messages == 1 { " message" } @else { " messages" } } }
            p { @if state.dead > 0 { a .off href="#dead" { (counted(state.dead, "dead letter")) } } @else { "No dead letters" } }
            @if let Some(lanes) = lanes {
                p .none { (counted(lanes.len() as u64, "lane")) " in use" }
            } @else if is_on_aws {
                p .none { "Lanes are not known here." }
            } @else if state.messages > 0 {
                @let due = state.messages.saturating_sub(waiting);
                p .none { (counted(waiting, "task")) " tried again later, " (counted(due, "record")) " written later" }
            } @else {
                p .none { "Nothing waits for a later attempt." }
            }
        }
    }
}

fn waits(waiting: &[Waiting], count: u64, now: Timestamp) -> Markup {
    html! {
        section #waiting data-live aria-labelledby="waiting-title" {
            h2 #waiting-title { "Waiting for the next attempt" }
            @if count == 0 {
                p .none { "Nothing waits." }
            } @else if waiting.is_empty() {
                p { (grouped(count)) " messages wait; SQS does not show which. The scoring log says why: look for " code { "message is requeued" } "." }
            } @else {
                div .scroll tabindex="0" role="region" aria-label="Tasks that wait" {
                    table {
                        thead { tr { th scope="col" { "Task" } th scope="col" { "Run" } th scope="col" .num { "Attempt" } th scope="col" { "Since" } th scope="col" { "Next" } th scope="col" { "Why" } } }
                        tbody {
                            @for task in waiting.iter().take(MAX_SHOWN) { (waiting_row(task, now)) }
                        }
                    }
                }
                @if count > MAX_SHOWN as u64 { p .count { (count - MAX_SHOWN as u64) " more like these" } }
            }
        }
    }
}

fn waiting_row(task: &Waiting, now: Timestamp) -> Markup {
    html! {
        tr {
            th scope="row" { (task.what) }
            td { @if let Some(run) = &task.run { (run_link(run)) } }
            td .num { (task.attempt) }
            td { (moment(task.since)) }
            td { (until(task.next_at, now)) }
            td .why { (task.reason) }
        }
    }
}

fn dead(source: &Source, queues: &[QueueView]) -> Markup {
    let letters: Vec<(&QueueView, &DeadLetter)> = queues
        .iter()
        .flat_map(|queue| queue.letters.iter().map(move |letter| (queue, letter)))
        .collect();
    let hidden: u64 = queues
        .iter()
        .map(|queue| queue.state.dead.saturating_sub(queue.letters.len() as u64))
        .sum();
    html! {
        section #dead data-live aria-labelledby="dead-title" {
            h2 #dead-title { "Dead letters" }
            @if letters.is_empty() && hidden == 0 {
                p .none { "No message was given up." }
            } @else {
                @if source.allow_actions && letters.len() > 1 {
                    p { a .button href="/do/redrive" { "Put all back" } }
                }
                ol .letters { @for (queue, letter) in letters.iter().take(MAX_SHOWN) { (dead_letter(source, queue.name, letter)) } }
                @if letters.len() > MAX_SHOWN { p .count { (letters.len() - MAX_SHOWN) " more like these" } }
                @if hidden > 0 { p .count { (hidden) " more wait behind these in their groups." } }
            }
        }
    }
}

fn dead_letter(source: &Source, queue: QueueName, letter: &DeadLetter) -> Markup {
    let told = Letter::of(queue, letter);
    let ids = format!("?queue={}&id=", queue.as_str());
    html! {
        li .card {
            h3 { (told.what) }
            p { (queue.as_str()) " queue · given up " (moment(letter.died_at))
                @if let Some(run) = &told.run { " · run " (run_link(run)) } }
            p .why { (letter.reason) }
            details id={"body-" (letter.message_id)} { summary { "Body" } pre .body tabindex="0" { (letter.body) } }
            @if source.allow_actions {
                p .actions {
                    a .button href=(path(&format!("/do/redrive{ids}"), &letter.message_id)) { "Put back" }
                    " " a .button .quiet href=(path(&format!("/do/discard{ids}"), &letter.message_id)) { "Discard" }
                }
            }
        }
    }
}

fn slots(source: &Source) -> Markup {
    html! {
        section #slots data-live aria-labelledby="slots-title" {
            h2 #slots-title { "Requests to Airtable" }
            @match &source.inside {
                None => p .none { "Not known here: each function's process keeps its own part of the limit." },
                Some(inside) => {
                    @let (idle, busy): (Vec<_>, Vec<_>) = inside.limiters.slots().into_iter().partition(BaseSlots::is_idle);
                    p { "Five requests a second for each base. After a 429 nothing is sent to that base for 30 s." }
                    @if idle.is_empty() && busy.is_empty() { p .none { "No base was asked yet." } }
                    ul .slots { @for base in busy.iter().take(MAX_SHOWN) { (base_slots(base)) } }
                    @if busy.len() > MAX_SHOWN { p .count { (busy.len() - MAX_SHOWN) " more bases are asked" } }
                    @if !idle.is_empty() { p .none { "Idle: " (counted(idle.len() as u64, "base")) ", all slots free." } }
                }
            }
        }
    }
}

fn base_slots(base: &BaseSlots) -> Markup {
    let free = base.slots.saturating_sub(base.in_use + base.resting);
    let parts = [
        Part { class: "asked", name: "on their way", count: base.in_use as u64 },
        Part { class: "skipped", name: "used within the last second", count: base.resting as u64 },
    ];
    html! {
        li {
            code { (base.base) }
            (bar(&parts, base.slots as u64))
            span { (free) " of " (base.slots) " free" }
            @if let Some(left) = base.penalty {
                span .badge .bad { "penalty: " (left.as_secs() + 1) " s left" }
            }
        }
    }
}
