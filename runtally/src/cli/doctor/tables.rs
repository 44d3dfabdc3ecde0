//! Checks the tables, fields and views of one base.

use super::airtable::{Api, SCHEMA_SCOPE, unanswered};
use super::check::Check;
use crate::cli::gaps::{Gap, gaps};
use shared::core::ids::BaseId;
use shared::schema::{Table, leads};
use shared::services::airtable::{AirtableError, TableSchema};

/// The base's tables. `None` if they cannot be read; a check says why.
pub(super) async fn schema(
    airtable: &Api,
    base: &BaseId,
    what: &str,
    checks: &mut Vec<Check>,
) -> Option<Vec<TableSchema>> {
    match airtable.tables(base).await {
        Ok(tables) => Some(tables),
        Err(error @ AirtableError::Denied { .. }) => {
            checks.push(Check::wrong(
                what,
                error,
                format!("add the base to the token's list, with the scope {SCHEMA_SCOPE}, or correct its id"),
            ));
            None
        }
        Err(error) => {
            checks.push(unanswered(what, &error));
            None
        }
    }
}

/// Adds a check for everything that the base lacks, or one that says that it lacks nothing.
pub(super) fn check_tables(
    what: &str,
    tables: &[TableSchema],
    wanted: &'static [Table],
    checks: &mut Vec<Check>,
) {
    let found = gaps(tables, wanted);
    let mut left_out: Vec<String> = Vec::new();
    for gap in &found {
        match gap {
            gap if gap.matters() => {
                checks.push(Check::wrong(what, gap.says(), gap.what_to_do()));
            }
            Gap::NoTable { table } => left_out.push(format!("table {:?}", table.name)),
            Gap::NoField { field, .. } => left_out.push(format!("{:?}", field.name)),
            Gap::Misspelled { .. } | Gap::WrongType { .. } | Gap::NoChoice { .. } => {
                checks.push(Check::warning(what, gap.says(), gap.what_to_do()));
            }
        }
    }
    if !found.iter().any(Gap::matters) {
        let fields: usize = wanted.iter().map(|table| table.fields().count()).sum();
        let says =
            format!("all required ones of {} tables and {fields} fields exist", wanted.len());
        checks.push(Check::ok(what, says));
    }
    if !left_out.is_empty() {
        let says = format!("optional, missing and therefore left out: {}", left_out.join(", "));
        checks.push(Check::info(what, says));
    }
}

pub(super) fn check_profiles(what: &str, tables: &[TableSchema]) -> Option<Check> {
    let table = tables.iter().find(|table| table.name == leads::TABLE)?;
    let holds = |name: &str| table.fields.iter().any(|field| field.name == name);
    if leads::PROFILE_SOURCES.iter().any(|source| holds(source.name)) {
        return None;
    }
    let says = format!(
        "table {:?} has neither {:?} nor {:?}: no profile can be scored",
        leads::TABLE,
        leads::RAW_PROFILE,
        leads::PROFILE_JSON
    );
    Some(Check::wrong(what, says, "run `runtally setup --apply`, and fill one with the profiles"))
}

pub(super) fn check_view(what: &str, tables: &[TableSchema]) -> Option<Check> {
    let leads = tables.iter().find(|table| table.name == leads::TABLE)?;
    let view = leads::WAITING_VIEW;
    Some(if leads.views.iter().any(|known| known.name == view) {
        Check::ok(what, format!("the view {view:?} exists"))
    } else {
        Check::info(
            what,
            format!("there is no view {view:?}: waiting leads are found by their fields instead"),
        )
    })
}
