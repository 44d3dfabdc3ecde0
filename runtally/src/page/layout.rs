//! The frame around the content of every page.

use super::query::path;
use super::source::Source;
use maud::{DOCTYPE, Markup, html};
use shared::core::ids::RunId;
use shared::fold::Status;

/// A page: its title, its entry in the navigation, and its content.
pub(super) struct Content {
    pub(super) title: String,
    pub(super) place: Place,
    pub(super) body: Markup,
    /// Number of runs that were not read yet and may belong on the page. If there are any, the page
    /// is requested again.
    pub(super) unread: usize,
}

impl Content {
    /// A page without unread runs.
    pub(super) fn new(title: impl Into<String>, place: Place, body: Markup) -> Self {
        Self { title: title.into(), place, body, unread: 0 }
    }
}

/// The entries of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Runs,
    System,
    /// A run, or the preview of an action.
    Below,
}

/// The whole page.
pub(super) fn whole(source: &Source, content: &Content, told: Option<&str>) -> Markup {
    let simulated: Vec<&str> = source
        .services
        .iter()
        .filter(|service| !service.is_real)
        .map(|service| service.name)
        .collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (content.title) " · Runtally" }
                link rel="stylesheet" href="/assets/page.css";
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                script src="/assets/page.js" defer {}
                // With the script, the rest is sent to the open page.
                @if content.unread > 0 { noscript { meta http-equiv="refresh" content="1"; } }
            }
            body {
                a .skip href="#main" { "Skip to the content" }
                header .top {
                    a .brand href="/" { (mark()) span { "Runtally" } }
                    nav aria-label="Pages" {
                        (entry("/", "Runs", content.place == Place::Runs))
                        (entry("/system", "System", content.place == Place::System))
                    }
                    p #live .live role="status" { span .dot {} span .word { "not live" } }
                }
                @if !simulated.is_empty() {
                    p .simulated { "Simulated: " (simulated.join(", ")) ". Nothing here was bought or written outside this machine." }
                }
                @if let Some(told) = told {
                    p .told role="status" { (told) }
                }
                main #main tabindex="-1" { (content.body) }
                footer .foot { "Times are UTC. The numbers come from the event log, " (source.deployment.place()) "." }
            }
        }
    }
}

fn entry(href: &str, name: &str, is_here: bool) -> Markup {
    html! { a href=(href) aria-current=[is_here.then_some("page")] { (name) } }
}

fn mark() -> Markup {
    html! {
        svg .mark viewBox="0 0 24 24" aria-hidden="true" focusable="false" {
            path d="M5 4v16M10 4v16M15 4v16M20 4v16M2 17 23 7" {}
        }
    }
}

/// A link to a run.
pub(super) fn run_link(run: &RunId) -> Markup {
    html! { a .id href=(path("/run/", run.as_str())) { (run) } }
}

/// A status as a coloured word.
pub(super) fn badge(status: Status) -> Markup {
    let class = match status {
        Status::Running => "badge running",
        Status::Completed => "badge good",
        Status::CompletedWithErrors => "badge warn",
        Status::Stalled | Status::Failed => "badge bad",
    };
    html! { span class=(class) { (super::search::status_word(status)) } }
}
