//! Finds the cell that Airtable refuses if the refusal names no field.

use super::shape::Shape;
use crate::core::ids::BaseId;
use crate::ports::Transport;
use crate::schema::run_record as schema;
use crate::services::airtable::{Airtable, AirtableError};
use serde_json::{Map, Value};

/// A record whose cells are written in parts, to find the refused one.
pub(super) struct Trial<'a> {
    pub(super) base: &'a BaseId,
    pub(super) shape: &'a Shape,
    /// Its cells by schema name.
    pub(super) row: &'a Map<String, Value>,
}

impl Trial<'_> {
    /// The field of a refused cell; `None` if the record is refused even without other cells. Every
    /// part that Airtable accepts stays in the record, which is correct: the record should show it.
    ///
    /// # Errors
    /// [`AirtableError`] other than refusals.
    pub(super) async fn refused_cell(
        &self,
        airtable: &Airtable<impl Transport>,
    ) -> Result<Option<&'static str>, AirtableError> {
        if !self.is_taken(airtable, &[]).await? {
            return Ok(None);
        }
        let fields = schema::FIELDS.iter().map(|field| field.name);
        let others = |name: &&str| !self.is_merged_on(name) && self.row.contains_key(*name);
        let mut suspects: Vec<&'static str> = fields.filter(others).collect();
        while suspects.len() > 1 {
            let rest = suspects.split_off(suspects.len() / 2);
            if self.is_taken(airtable, &suspects).await? {
                suspects = rest;
            }
        }
        Ok(suspects.pop())
    }

    /// Whether Airtable accepts the record with these fields and the identity fields.
    async fn is_taken(
        &self,
        airtable: &Airtable<impl Transport>,
        fields: &[&str],
    ) -> Result<bool, AirtableError> {
        let is_tried = |name: &str| self.is_merged_on(name) || fields.contains(&name);
        let cells = self.row.iter().filter(|(name, _)| is_tried(name));
        let cells = cells.map(|(name, value)| (name.clone(), value.clone())).collect();
        let merge_on: Vec<&str> =
            self.shape.merge_on().map(|field| self.shape.name(field)).collect();
        let sent = [self.shape.to_table(cells)];
        match airtable.upsert(self.base, schema::TABLE, &merge_on, &sent).await {
            Ok(_) => Ok(true),
            Err(AirtableError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn is_merged_on(&self, name: &str) -> bool {
        self.shape.merge_on().any(|field| field == name)
    }
}
