//! How to declare a table: its fields and views.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A table to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// Its name, unique in the base without regard to case.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its fields; the first is the primary one.
    pub fields: Vec<FieldSpec>,
    /// Its views; a table declared without any gets `Grid view`.
    #[serde(default)]
    pub views: Vec<ViewSpec>,
}

impl TableSpec {
    /// A table with these fields and the default view.
    #[must_use]
    pub fn new(name: &str, fields: Vec<FieldSpec>) -> Self {
        Self { name: name.to_owned(), description: None, fields, views: Vec::new() }
    }

    /// The same table with one more view.
    #[must_use]
    pub fn with_view(mut self, view: ViewSpec) -> Self {
        self.views.push(view);
        self
    }
}

/// A view to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewSpec {
    /// Its name.
    pub name: String,
    /// The formula a row must satisfy to be in the view; every row is without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

impl ViewSpec {
    /// A view of every row.
    #[must_use]
    pub fn all(name: &str) -> Self {
        Self { name: name.to_owned(), filter: None }
    }

    /// A view of the rows that satisfy a formula.
    #[must_use]
    pub fn filtered(name: &str, formula: &str) -> Self {
        Self { name: name.to_owned(), filter: Some(formula.to_owned()) }
    }
}

/// A field to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSpec {
    /// Its name, unique in the table.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its type and options.
    #[serde(flatten)]
    pub kind: FieldKind,
}

/// The type of a field with its options, in the JSON form of Airtable's Meta API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    content = "options",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum FieldKind {
    /// One line of text.
    SingleLineText,
    /// Text of several lines.
    MultilineText,
    /// Text with markup.
    RichText,
    /// An e-mail address.
    Email,
    /// A web address.
    Url,
    /// A telephone number.
    PhoneNumber,
    /// A number.
    Number {
        /// Digits shown after the point, 0 to 8.
        precision: u8,
    },
    /// An amount of money.
    Currency {
        /// Digits shown after the point, 0 to 7.
        precision: u8,
        /// The sign in front of it.
        symbol: String,
    },
    /// A share; 0.5 is shown as 50 %.
    Percent {
        /// Digits shown after the point, 0 to 8.
        precision: u8,
    },
    /// Yes or nothing.
    Checkbox {
        /// The mark.
        icon: String,
        /// Its colour.
        color: String,
    },
    /// One of some choices.
    SingleSelect {
        /// The choices.
        choices: Vec<Choice>,
    },
    /// Any of some choices.
    MultipleSelects {
        /// The choices.
        choices: Vec<Choice>,
    },
    /// A day.
    Date {
        /// How it is shown.
        date_format: Format,
    },
    /// A moment. The only time zone the simulator knows is `utc`.
    DateTime {
        /// The zone of a text without one.
        time_zone: String,
        /// How the day is shown.
        date_format: Format,
        /// How the time is shown.
        time_format: Format,
    },
    /// When the row was made.
    CreatedTime,
    /// When a cell of the row was last changed.
    LastModifiedTime,
    /// A formula; the simulator holds its result, the same in every row.
    Formula(Constant),
    /// A summary of linked rows, held as for [`FieldKind::Formula`].
    Rollup(Constant),
    /// Cells of linked rows, held as for [`FieldKind::Formula`].
    MultipleLookupValues(Constant),
    /// How many rows are linked, held as for [`FieldKind::Formula`].
    Count(Constant),
    /// The number of the row, held as for [`FieldKind::Formula`].
    AutoNumber(Constant),
    /// Links to rows of a table.
    MultipleRecordLinks {
        /// The id of that table.
        linked_table_id: String,
    },
    /// Files.
    MultipleAttachments,
}

/// The result of a computed field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Constant {
    /// The cell of every row; absent for an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// One choice of a select field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its id, given when the field is made.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Its name, which is what cells hold.
    pub name: String,
    /// Its colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

/// How a day or a time is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// The format's name, such as `iso` or `24hour`.
    pub name: String,
}
