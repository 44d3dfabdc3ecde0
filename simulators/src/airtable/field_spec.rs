//! Short ways to declare a field.

use super::schema::{Choice, Constant, FieldKind, FieldSpec, Format};
use serde_json::Value;

impl FieldSpec {
    pub(crate) fn new(name: &str, kind: FieldKind) -> Self {
        Self { name: name.to_owned(), description: None, kind }
    }

    /// One line of text.
    pub fn text(name: &str) -> Self {
        Self::new(name, FieldKind::SingleLineText)
    }

    /// Text of several lines.
    pub fn long_text(name: &str) -> Self {
        Self::new(name, FieldKind::MultilineText)
    }

    /// A web address.
    pub fn url(name: &str) -> Self {
        Self::new(name, FieldKind::Url)
    }

    /// A number.
    pub fn number(name: &str, precision: u8) -> Self {
        Self::new(name, FieldKind::Number { precision })
    }

    /// An amount in dollars.
    pub fn currency(name: &str, precision: u8) -> Self {
        Self::new(name, FieldKind::Currency { precision, symbol: "$".to_owned() })
    }

    /// A fraction, shown as a percentage.
    pub fn percent(name: &str, precision: u8) -> Self {
        Self::new(name, FieldKind::Percent { precision })
    }

    /// True, or empty.
    pub fn checkbox(name: &str) -> Self {
        let (icon, color) = ("check".to_owned(), "greenBright".to_owned());
        Self::new(name, FieldKind::Checkbox { icon, color })
    }

    /// One of several choices.
    pub fn single_select(name: &str, choices: &[&str]) -> Self {
        Self::new(name, FieldKind::SingleSelect { choices: named(choices) })
    }

    /// A day.
    pub fn date(name: &str) -> Self {
        Self::new(name, FieldKind::Date { date_format: format("iso") })
    }

    /// A moment, in UTC.
    pub fn date_time(name: &str) -> Self {
        let kind = FieldKind::DateTime {
            time_zone: "utc".to_owned(),
            date_format: format("iso"),
            time_format: format("24hour"),
        };
        Self::new(name, kind)
    }

    /// When the row was created.
    pub fn created_time(name: &str) -> Self {
        Self::new(name, FieldKind::CreatedTime)
    }

    /// A formula with the same result in every row.
    pub fn formula(name: &str, value: Option<Value>) -> Self {
        Self::new(name, FieldKind::Formula(Constant { value }))
    }

    /// Links to rows of the table with this id.
    pub fn links(name: &str, linked_table_id: &str) -> Self {
        let linked_table_id = linked_table_id.to_owned();
        Self::new(name, FieldKind::MultipleRecordLinks { linked_table_id })
    }
}

pub(crate) fn named(choices: &[&str]) -> Vec<Choice> {
    let choice = |name: &&str| Choice { id: String::new(), name: (*name).to_owned(), color: None };
    choices.iter().map(choice).collect()
}

fn format(name: &str) -> Format {
    Format { name: name.to_owned() }
}
