//! The Meta API: finds the token's owner, and creates tables and fields that a base lacks. Only an
//! operator's commands use it. No function changes a schema.

use super::client::{Airtable, Call, read};
use super::error::AirtableError;
use crate::core::ids::BaseId;
use crate::core::json;
use crate::ports::Transport;
use crate::schema::{Field, FieldType};
use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

/// The Airtable user that a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Identity {
    pub id: String,
    /// What the token may do; `None` if Airtable does not say.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
}

impl<T: Transport> Airtable<T> {
    /// Requests the owner of the token. The request takes its turn among those to `base`.
    ///
    /// # Errors
    /// [`AirtableError::Denied`] if Airtable does not know the token.
    pub async fn whoami(&self, base: &BaseId) -> Result<Identity, AirtableError> {
        let what = "the token";
        let path = "v0/meta/whoami".to_owned();
        let call = Call { what, method: Method::GET, path, body: Bytes::new() };
        let response = self.request(base, call).await?;
        read(what, &response)
    }

    /// Checks whether the token may write rows of a table, with a write of no rows, which changes
    /// nothing. Airtable refuses it as empty only if the token may write (unverified).
    ///
    /// # Errors
    /// [`AirtableError::Denied`] if the token may not write.
    pub async fn try_to_write(&self, base: &BaseId, table: &str) -> Result<(), AirtableError> {
        match self.update(base, table, &[]).await {
            Ok(()) | Err(AirtableError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Creates a table with these fields. The first one becomes the primary field.
    ///
    /// # Errors
    /// [`AirtableError`]; a refusal if the base already has a table with this name. It may be the
    /// one that this call created before its answer was lost.
    pub async fn create_table(
        &self,
        base: &BaseId,
        name: &str,
        fields: impl IntoIterator<Item = &Field>,
    ) -> Result<(), AirtableError> {
        let what = format!("making the table {name:?} in {base}");
        let fields: Vec<Value> = fields.into_iter().map(definition).collect();
        let body = json::text(&json!({"name": name, "fields": fields})).into();
        let path = format!("v0/meta/bases/{base}/tables");
        self.request(base, Call { what: &what, method: Method::POST, path, body }).await?;
        Ok(())
    }

    /// Creates a field in the table with the id `table`.
    ///
    /// # Errors
    /// As for [`Airtable::create_table`].
    pub async fn create_field(
        &self,
        base: &BaseId,
        table: &str,
        field: &Field,
    ) -> Result<(), AirtableError> {
        let what = format!("making the field {:?} in {base}", field.name);
        let table = utf8_percent_encode(table, NON_ALPHANUMERIC);
        let path = format!("v0/meta/bases/{base}/tables/{table}/fields");
        let body = json::text(&definition(field)).into();
        self.request(base, Call { what: &what, method: Method::POST, path, body }).await?;
        Ok(())
    }
}

/// A field's definition for Airtable. Counts are whole numbers; numbers that people set may have
/// decimals.
fn definition(field: &Field) -> Value {
    let (kind, options) = match field.field_type {
        FieldType::Text => ("singleLineText", None),
        FieldType::LongText => ("multilineText", None),
        FieldType::Number => {
            ("number", Some(json!({"precision": if field.written { 0 } else { 2 }})))
        }
        FieldType::Currency => ("currency", Some(json!({"precision": 6, "symbol": "$"}))),
        FieldType::Percent => ("percent", Some(json!({"precision": 2}))),
        FieldType::DateTime => (
            "dateTime",
            Some(json!({"timeZone": "utc", "dateFormat": {"name": "iso"},
                "timeFormat": {"name": "24hour"}})),
        ),
        FieldType::Checkbox => ("checkbox", Some(json!({"icon": "check", "color": "greenBright"}))),
        FieldType::SingleSelect(choices) => {
            let choices: Vec<Value> = choices.iter().map(|name| json!({"name": name})).collect();
            ("singleSelect", Some(json!({"choices": choices})))
        }
    };
    let mut definition = json!({"name": field.name, "type": kind});
    if let Some(options) = options {
        definition["options"] = options;
    }
    definition
}
