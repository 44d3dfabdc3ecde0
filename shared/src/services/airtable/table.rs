//! Tables and fields as a base's schema describes them.

use serde::Deserialize;

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
    #[serde(default)]
    pub views: Vec<Named>,
}

impl TableSchema {
    /// The first field, whose cells name the rows, as far as Airtable says which it is.
    pub fn primary_field(&self) -> Option<&FieldSchema> {
        self.fields.iter().find(|field| !field.id.is_empty() && field.id == self.primary)
    }
}

/// A field as the Meta API describes it. `field_type` is Airtable's word, such as `singleSelect`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FieldSchema {
    /// Stays when the field is renamed.
    #[serde(default)]
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub field_type: String,
    #[serde(default)]
    pub options: FieldOptions,
}

/// The options of a field, as far as they matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct FieldOptions {
    /// The choices of a select; empty for other types.
    #[serde(default)]
    pub choices: Vec<Named>,
}

/// Something that is known by its name: a view or a choice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Named {
    pub name: String,
}
