//! Reads the rows of leads.

use shared::core::counted::counted;
use shared::core::ids::LeadKey;
use shared::core::linkedin::ProfileKey;
use shared::messages::{Chunk, ChunkLead, Kind, LeadRef};
use shared::ports::Transport;
use shared::schema::leads as schema;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::profile_urls::any_url_of;
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Row, oldest_first};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

/// Leads whose rows are read in one request.
pub(crate) const READ_LEADS: usize = 100;
/// How many profiles with several rows are listed.
const NAMED: usize = 3;
/// The fields that post scoring reads.
const READ_FOR_POSTS: [&str; 4] = [
    schema::PROFILE_URL,
    schema::POSTS_CONTENT,
    schema::POSTS_EVALUATION,
    schema::DATE_POSTS_SCORED,
];
/// The fields that profile scoring reads in addition to the profile's own fields.
const READ_FOR_PROFILES: [&str; 3] =
    [schema::PROFILE_URL, schema::SCORING_STATUS, schema::AI_BREAKDOWN];

/// The profile that a lead's row is about.
pub(crate) fn profile_of(row: &Row) -> Option<ProfileKey> {
    ProfileKey::of(&row.text(schema::PROFILE_URL))
}

/// The rows of some leads.
pub(crate) struct Rows {
    /// The rows, oldest first, each with its profile.
    rows: Vec<(Option<ProfileKey>, Arc<Row>)>,
    /// The leads that Airtable refuses to look for, with its reason.
    pub(crate) refused: BTreeMap<LeadKey, String>,
}

impl Rows {
    /// Combines rows that were read in parts. A row that matches profiles of two parts is in both.
    fn of_parts(mut rows: Vec<Row>, refused: BTreeMap<LeadKey, String>) -> Self {
        oldest_first(&mut rows);
        rows.dedup_by(|row, before| row.id == before.id);
        let with_profile = rows.into_iter().map(|row| (profile_of(&row), Arc::new(row)));
        Self { rows: with_profile.collect(), refused }
    }

    /// The row of a lead. If several rows have its profile, the oldest.
    pub(crate) fn of(&self, lead: &ChunkLead) -> Option<&Arc<Row>> {
        self.all_of(lead).next()
    }

    fn all_of(&self, lead: &ChunkLead) -> impl Iterator<Item = &Arc<Row>> {
        let is_its = |(profile, row): &&(Option<ProfileKey>, Arc<Row>)| match &lead.lead {
            LeadRef::Profile(wanted) => profile
                .as_ref()
                .is_some_and(|profile| profile == wanted || lead.also.contains(profile)),
            LeadRef::Record(wanted) => row.id == *wanted,
        };
        self.rows.iter().filter(is_its).map(|(_, row)| row)
    }

    /// A note about profiles with several rows: only the oldest row is scored.
    pub(crate) fn doubles(&self, leads: &[&ChunkLead]) -> Option<String> {
        let mut count = 0_usize;
        let mut first = Vec::new();
        for lead in leads {
            let (LeadRef::Profile(profile), rows) = (&lead.lead, self.all_of(lead)) else {
                continue;
            };
            let ids: Vec<&str> = rows.map(|row| row.id.as_str()).collect();
            if ids.len() > 1 {
                count += 1;
                if first.len() < NAMED {
                    first.push(format!("{profile} ({})", ids.join(", ")));
                }
            }
        }
        let (table, more) = (schema::TABLE, if count > first.len() { ", …" } else { "" });
        (count > 0).then(|| {
            let profiles = counted(count as u64, "profile");
            format!(
                "several rows in {table:?} have one profile, and the oldest is scored ({profiles}): \
                 {}{more}; merge them",
                first.join(", ")
            )
        })
    }
}

/// The fields of a lead's row that decide what to do about it. If one of their cells is an error or
/// has the wrong type, only this lead fails.
pub(crate) fn decisive_fields(chunk: &Chunk) -> Vec<&str> {
    match chunk.kind {
        Kind::Post => READ_FOR_POSTS.to_vec(),
        Kind::Profile => {
            let of_base = chunk.profile_fields.iter().map(String::as_str);
            READ_FOR_PROFILES.into_iter().chain(of_base).collect()
        }
    }
}

/// Reads the rows of some of a chunk's leads. This takes one request, unless the formula with all
/// of them is refused, possibly because it is too long: a profile in a non-Latin script takes a
/// thousand characters or more. A lead that is refused alone affects no other lead.
pub(crate) async fn read_rows(
    airtable: &Airtable<impl Transport>,
    chunk: &Chunk,
    leads: &[&ChunkLead],
) -> Result<Rows, AirtableError> {
    let mut fields = decisive_fields(chunk);
    // What earlier attempts used matters only if there is a limit.
    let tokens = chunk.writable.iter().map(String::as_str);
    fields.extend(tokens.filter(|name| {
        chunk.token_share.is_some()
            && chunk.kind == Kind::Post
            && *name == schema::POST_SCORING_TOKENS
    }));
    let mut rows = Vec::new();
    let mut refused = BTreeMap::new();
    let mut parts = vec![leads];
    while let Some(part) = parts.pop() {
        let query = ListQuery { fields: &fields, formula: Some(rows_of(part)) };
        match airtable.list(&chunk.base, schema::TABLE, &query).await {
            Ok(read) => rows.extend(read),
            Err(error) if error.may_be_too_long() && part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(error) if error.may_be_too_long() => {
                let why =
                    |lead: &&ChunkLead| (lead.key.clone(), format!("{}: {error}", name_of(lead)));
                refused.extend(part.iter().map(why));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Rows::of_parts(rows, refused))
}

fn name_of(lead: &ChunkLead) -> &dyn Display {
    match &lead.lead {
        LeadRef::Profile(profile) => profile,
        LeadRef::Record(record) => record,
    }
}

/// A formula for the rows of leads. It may match a few other rows.
fn rows_of(leads: &[&ChunkLead]) -> Formula {
    let mut profiles = Vec::new();
    let mut formulas = Vec::new();
    for lead in leads {
        match &lead.lead {
            LeadRef::Profile(profile) => {
                profiles.push(profile);
                profiles.extend(&lead.also);
            }
            LeadRef::Record(record) => formulas.push(Formula::record_id(record.as_str())),
        }
    }
    if !profiles.is_empty() {
        let pattern = any_url_of(&profiles);
        formulas.push(Formula::path_matches(schema::PROFILE_URL, &pattern));
    }
    Formula::any(formulas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use serde_json::json;

    #[test]
    fn a_row_that_comes_with_two_parts_is_one_row_of_its_profile() {
        let row = || testing::row(&json!({schema::PROFILE_URL: "linkedin.com/in/janedoe"}));
        let profile = ProfileKey::of("linkedin.com/in/janedoe").unwrap();
        let (key, lead) = (profile.lead_key(), LeadRef::Profile(profile));
        let lead = ChunkLead { key, lead, posts: Vec::new(), left_out: 0, also: Vec::new() };
        assert_eq!(Rows::of_parts(vec![row(), row()], BTreeMap::new()).doubles(&[&lead]), None);
        let other = Row { id: "rec00000000000002".parse().unwrap(), ..row() };
        assert!(Rows::of_parts(vec![row(), other], BTreeMap::new()).doubles(&[&lead]).is_some());
    }
}
