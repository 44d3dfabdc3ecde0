//! The content of each page.

use super::layout::Content;
use super::query::Query;
use super::site::{Page, Problem};
use super::wanted::Wanted;
use super::{actions, row, run, runs, system};
use std::sync::Arc;

/// The content of the page at `path`, or only the wanted parts.
pub(super) async fn content(
    page: &Arc<Page>,
    path: &str,
    query: &Query,
    wanted: &Wanted,
) -> Result<Content, Problem> {
    let Page { source, book, .. } = &**page;
    let place = path.strip_prefix('/').unwrap_or(path);
    match place.split_once('/').map_or((place, None), |(place, id)| (place, Some(id))) {
        ("", None) => Ok(runs::page(page, query).await?),
        ("system", None) => Ok(system::page(page).await?),
        ("run", Some(id)) => run::page(source, book, (id, query), wanted).await,
        // These pages show the state at the time of the request.
        ("row", Some(id)) if *wanted == Wanted::Page => row::page(source, id, query).await,
        ("do", Some(name)) if *wanted == Wanted::Page => actions::preview(page, name, query).await,
        _ => Err(Problem::NotFound(format!("There is no page {path}."))),
    }
}
