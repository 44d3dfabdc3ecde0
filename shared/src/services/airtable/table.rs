//! Tables and fields as described by a base's schema.

use crate::core::text::is_alike;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A table as the Meta API describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TableSchema {
    #[serde(default)]
    pub id: String,
    pub name: String,
    pub fields: Vec<FieldSchema>,
    /// The id of the first field, whose cells name the rows.
    #[serde(rename = "primaryFieldId", default)]
    pub primary: String,
    #[serde(default, deserialize_with = "or_default")]
    pub views: Vec<Named>,
}

impl TableSchema {
    /// The field whose name a person would confuse with `name`. Airtable compares the names of a
    /// table's fields without regard to letter case, so there is at most one in other letters.
    pub fn alike(&self, name: &str) -> Option<&FieldSchema> {
        self.fields.iter().find(|field| is_alike(&field.name, name))
    }

    /// The first field, whose cells name the rows, if Airtable says which it is.
    pub fn primary_field(&self) -> Option<&FieldSchema> {
        self.fields.iter().find(|field| !field.id.is_empty() && field.id == self.primary)
    }
}

/// A field as the Meta API describes it. `field_type` is Airtable's name, such as `singleSelect`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FieldSchema {
    /// It stays the same when the field is renamed.
    #[serde(default)]
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub field_type: String,
    #[serde(default, deserialize_with = "or_default")]
    pub options: FieldOptions,
}

/// The options of a field that this system uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct FieldOptions {
    /// The choices of a select; empty for other types.
    #[serde(default, deserialize_with = "or_default")]
    pub choices: Vec<Named>,
}

/// Something identified by its name: a view or a choice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Named {
    pub name: String,
}

/// Reads an optional part. If it has an unexpected shape, it counts as missing: new field types
/// have options that this release does not know.
fn or_default<'de, D, T>(value: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(serde_json::from_value(Value::deserialize(value)?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_that_nobody_knows_cost_no_schema() {
        for odd in [json!(null), json!("none"), json!({"choices": null}), json!({"choices": 3})] {
            let schema = json!({"id": "tbl1", "name": "Leads", "views": odd, "fields": [
                {"id": "fld1", "name": "A", "type": "aiText", "options": odd},
                {"id": "fld2", "name": "B", "type": "singleSelect", "options": {"choices": [{"name": "x"}]}}]});
            let table: TableSchema = serde_json::from_value(schema).unwrap();
            assert_eq!(table.fields[0].options, FieldOptions::default(), "{odd}");
            assert_eq!(table.fields[1].options.choices[0].name, "x");
            assert_eq!(table.views, []);
        }
    }
}
