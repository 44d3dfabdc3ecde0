//! Checks the rubric, from which a client's prompt for posts is made.

use super::airtable::{Api, unanswered};
use super::check::Check;
use shared::core::ids::BaseId;
use shared::schema::{post_attributes, post_instructions};
use shared::services::airtable::{AirtableError, ListQuery, Row, TableSchema};

/// Checks the tables that exist. Another check reports missing tables.
pub(super) async fn check_rubric(
    airtable: &Api,
    base: &BaseId,
    what: &str,
    tables: &[TableSchema],
) -> Vec<Check> {
    let table = |name: &str| tables.iter().find(|table| table.name == name);
    let (texts, criteria) = futures_util::join!(
        rows(airtable, base, table(post_instructions::TABLE)),
        rows(airtable, base, table(post_attributes::TABLE)),
    );
    let mut checks = Vec::new();
    for result in [&texts, &criteria] {
        if let Err(error) = result {
            checks.push(unanswered(what, error));
        }
    }
    if let Ok(Some(texts)) = texts {
        checks.push(check_texts(what, &texts));
    }
    if let (Ok(Some(criteria)), Some(table)) = (criteria, table(post_attributes::TABLE)) {
        let has_active = table.fields.iter().any(|field| field.name == post_attributes::ACTIVE);
        checks.extend(check_criteria(what, &criteria, has_active));
    }
    checks
}

fn check_texts(what: &str, texts: &[Row]) -> Check {
    let (table, header) = (post_instructions::TABLE, post_instructions::SCORING_HEADER);
    if texts.is_empty() {
        let says = format!("table {table:?} is empty: there is no prompt");
        Check::wrong(what, says, "add the prompt's texts")
    } else if texts.iter().any(|row| row.text(post_instructions::COMPONENT_ID) == header) {
        Check::ok(what, format!("a prompt of {} texts", texts.len()))
    } else {
        let says = format!("table {table:?} has no component {header:?}: the criteria come last");
        Check::warning(what, says, "add it where the criteria belong")
    }
}

fn check_criteria(what: &str, criteria: &[Row], has_active: bool) -> Vec<Check> {
    let table = post_attributes::TABLE;
    let is_active = |row: &&Row| !has_active || row.is_set(post_attributes::ACTIVE);
    let active: Vec<&Row> = criteria.iter().filter(is_active).collect();
    if active.is_empty() {
        let says = format!("table {table:?} has no active criterion: nothing can be scored");
        return vec![Check::wrong(what, says, "add criteria, or activate them")];
    }
    let mut checks = vec![Check::ok(what, format!("{} active criteria", active.len()))];
    let odd: Vec<String> = active.into_iter().filter_map(odd_category).collect();
    if !odd.is_empty() {
        let says = format!("criteria of an unknown category count as positive: {}", odd.join(", "));
        let todo = format!("set it to one of {:?}", post_attributes::CATEGORIES);
        checks.push(Check::warning(what, says, todo));
    }
    checks
}

/// The rows of a table; `None` if the base has no such table.
async fn rows(
    airtable: &Api,
    base: &BaseId,
    table: Option<&TableSchema>,
) -> Result<Option<Vec<Row>>, AirtableError> {
    let Some(table) = table else { return Ok(None) };
    airtable.list(base, &table.name, &ListQuery::default()).await.map(Some)
}

fn odd_category(row: &Row) -> Option<String> {
    let category = row.text(post_attributes::CATEGORY);
    let is_known = post_attributes::CATEGORIES.contains(&category.as_str());
    (!is_known).then(|| row.text(post_attributes::ID))
}
