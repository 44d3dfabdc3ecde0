//! A client's base: leads and rubrics.

use super::client::InventedClient;
use super::tables::{fill, table_spec, with};
use super::{rows, rubric};
use serde_json::{Map, json};
use shared::schema::{CLIENT_BASE, leads, post_attributes};
use simulators::airtable::{Airtable, EditError, FieldSpec, Row, TableSpec, ViewSpec};

pub(super) fn furnish(client: &InventedClient, airtable: &Airtable) -> Result<(), EditError> {
    let base = client.base.as_str();
    airtable.add_base(base, &client.name)?;
    let [leads_table, instructions, criteria, profiles] = CLIENT_BASE.each_ref().map(table_spec);
    airtable.add_table(base, with_views(leads_table, client))?;
    let leads = client.leads().enumerate().map(|(place, lead)| rows::row(&lead, client, place));
    fill(airtable, base, leads::TABLE, leads)?;
    let categories =
        [post_attributes::POSITIVE, post_attributes::NEGATIVE, rubric::UNKNOWN_CATEGORY];
    let category = FieldSpec::single_select(post_attributes::CATEGORY, &categories);
    let rubric = rubric::rubric();
    for (table, rows) in [
        (instructions, rubric::instructions(&client.name)),
        (with(criteria, [category]), rubric.criteria),
        (profiles, rubric.profile_attributes),
    ] {
        let name = table.name.clone();
        airtable.add_table(base, table)?;
        fill(airtable, base, &name, rows)?;
    }
    Ok(())
}

/// Gives every criterion a known category.
pub(super) fn mend_rubric(client: &InventedClient, airtable: &Airtable) -> Result<(), EditError> {
    let (base, table) = (client.base.as_str(), post_attributes::TABLE);
    let is_odd = |row: &Row| {
        row.fields.get(post_attributes::CATEGORY) == Some(&json!(rubric::UNKNOWN_CATEGORY))
    };
    for row in airtable.rows(base, table)?.into_iter().filter(is_odd) {
        let known = json!(post_attributes::POSITIVE);
        let cells = Map::from_iter([(post_attributes::CATEGORY.to_owned(), known)]);
        airtable.edit(base, table, &row.id, cells)?;
    }
    Ok(())
}

fn with_views(table: TableSpec, client: &InventedClient) -> TableSpec {
    let mut table = with(table, [FieldSpec::url(leads::PROFILE_URL)]);
    table.fields.retain(|field| client.has_field(&field.name));
    let waiting = match client.has_all_fields() {
        true => format!("AND({},NOT({{{}}}))", waiting(), leads::POSTS_ACTIONED),
        false => waiting(),
    };
    table
        .with_view(ViewSpec::all("All leads"))
        .with_view(ViewSpec::filtered(leads::WAITING_VIEW, &waiting))
}

/// The formula for leads whose posts wait for scoring.
fn waiting() -> String {
    format!("AND({{{}}}!='',{{{}}}=BLANK())", leads::POSTS_CONTENT, leads::DATE_POSTS_SCORED)
}
