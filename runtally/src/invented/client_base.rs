//! A client's base: leads and rubrics.

use super::fields::{field_spec, fill};
use super::{InventedClient, rows, rubric};
use shared::schema::leads;
use simulators::airtable::{Airtable, EditError, FieldSpec, TableSpec, ViewSpec};

/// Makes a client's base.
pub(super) fn furnish(client: &InventedClient, airtable: &Airtable) -> Result<(), EditError> {
    let base = client.base.as_str();
    airtable.add_base(base, &client.name)?;
    let has = Has::of(client);
    airtable.add_table(base, leads_table(has))?;
    let rows = client.leads().enumerate().map(|(place, lead)| {
        let waits = client.profiles.map(|waiting| place < waiting);
        rows::row(&lead, &client.id, has, (place, waits))
    });
    fill(airtable, base, leads::TABLE, rows)?;
    for (table, rows) in rubric::tables(&client.name) {
        let name = table.name.clone();
        airtable.add_table(base, table)?;
        fill(airtable, base, &name, rows)?;
    }
    Ok(())
}

/// Which of the optional fields of `Leads` a base has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Has {
    /// All of them.
    All,
    /// Every other one, and none for what people act on.
    Some,
}

impl Has {
    /// Bases take turns: the first has them all, the second some.
    fn of(client: &InventedClient) -> Self {
        if client.place.is_multiple_of(2) { Self::All } else { Self::Some }
    }

    /// Whether the base has this field.
    pub(super) fn field(self, name: &str) -> bool {
        if self == Self::All {
            return true;
        }
        let mut optional = leads::POST_FIELDS.iter().filter(|field| field.optional);
        let left_out = optional.position(|field| field.name == name).is_some_and(|at| at % 2 == 0);
        name != leads::POSTS_ACTIONED && !left_out
    }
}

fn leads_table(has: Has) -> TableSpec {
    let mut fields = vec![
        FieldSpec::url(leads::PROFILE_URL),
        FieldSpec::text(leads::FIRST_NAME),
        FieldSpec::text(leads::LAST_NAME),
        FieldSpec::long_text(leads::RAW_PROFILE),
        FieldSpec::long_text(leads::PROFILE_JSON),
        FieldSpec::single_select(leads::SCORING_STATUS, &leads::SCORING_STATUSES),
        FieldSpec::percent(leads::AI_SCORE, 2),
        FieldSpec::long_text(leads::AI_ASSESSMENT),
        FieldSpec::long_text(leads::AI_BREAKDOWN),
        FieldSpec::checkbox(leads::AI_EXCLUDED),
        FieldSpec::long_text(leads::EXCLUDE_DETAILS),
        FieldSpec::date_time(leads::DATE_SCORED),
        FieldSpec::checkbox(leads::POSTS_ACTIONED),
    ];
    fields.extend(leads::POST_FIELDS.iter().map(field_spec));
    fields.retain(|field| has.field(&field.name));
    let waiting = match has {
        Has::All => format!("AND({},NOT({{{}}}))", waiting(), leads::POSTS_ACTIONED),
        Has::Some => waiting(),
    };
    TableSpec::new(leads::TABLE, fields)
        .with_view(ViewSpec::all("All leads"))
        .with_view(ViewSpec::filtered(leads::WAITING_VIEW, &waiting))
}

/// The formula of the leads whose posts wait for scoring.
fn waiting() -> String {
    format!("AND({{{}}}!='',{{{}}}=BLANK())", leads::POSTS_CONTENT, leads::DATE_POSTS_SCORED)
}
