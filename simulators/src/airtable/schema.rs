//! Declarations of tables with their fields and views.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A table to create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// Its name, which is unique in the base without regard to case.
    pub name: String,
    /// A description of its purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its fields. The first is the primary field.
    pub fields: Vec<FieldSpec>,
    /// Its views. A table that is declared without views gets `Grid view`.
    #[serde(default)]
    pub views: Vec<ViewSpec>,
}

impl TableSpec {
    /// A table with these fields and the default view.
    pub fn new(name: &str, fields: Vec<FieldSpec>) -> Self {
        Self { name: name.to_owned(), description: None, fields, views: Vec::new() }
    }

    /// The same table with one more view.
    pub fn with_view(mut self, view: ViewSpec) -> Self {
        self.views.push(view);
        self
    }
}

/// A view to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewSpec {
    /// Its name.
    pub name: String,
    /// The formula that a row must satisfy to be in the view. Without it, the view has every row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

impl ViewSpec {
    /// A view of every row.
    pub fn all(name: &str) -> Self {
        Self { name: name.to_owned(), filter: None }
    }

    /// A view of the rows that satisfy a formula.
    pub fn filtered(name: &str, formula: &str) -> Self {
        Self { name: name.to_owned(), filter: Some(formula.to_owned()) }
    }
}

/// A field to create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSpec {
    /// Its name, which is unique in the table.
    pub name: String,
    /// A description of its purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(flatten)]
    pub(crate) kind: FieldKind,
}

/// The type of a field with its options, in the JSON form of Airtable's Meta API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    content = "options",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum FieldKind {
    SingleLineText,
    MultilineText,
    RichText,
    Email,
    Url,
    PhoneNumber,
    Number {
        /// Digits after the point, 0 to 8.
        precision: u8,
    },
    Currency {
        /// Digits after the point, 0 to 7.
        precision: u8,
        symbol: String,
    },
    /// A fraction; 0.5 is shown as 50 %.
    Percent {
        precision: u8,
    },
    /// A number of stars.
    Rating {
        icon: String,
        /// 1 to 10.
        max: u8,
        color: String,
    },
    /// A duration in seconds.
    Duration {
        duration_format: String,
    },
    Checkbox {
        icon: String,
        color: String,
    },
    SingleSelect {
        choices: Vec<Choice>,
    },
    MultipleSelects {
        choices: Vec<Choice>,
    },
    Date {
        date_format: Format,
    },
    DateTime {
        /// A name such as `Europe/Zurich`, `utc` or `client`. Times without a zone are in this
        /// zone.
        time_zone: String,
        date_format: Format,
        time_format: Format,
    },
    CreatedTime,
    LastModifiedTime,
    Formula(Constant),
    Rollup(Constant),
    MultipleLookupValues(Constant),
    Count(Constant),
    AutoNumber(Constant),
    MultipleRecordLinks {
        linked_table_id: String,
    },
    MultipleAttachments,
}

/// The result of a computed field, which is the same in every row: the simulator computes nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Constant {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Value>,
}

/// One choice of a select field. It gets an id when the field is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) color: Option<String>,
}

/// The format of a day or a time, such as `iso` or `24hour`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Format {
    pub(crate) name: String,
}
