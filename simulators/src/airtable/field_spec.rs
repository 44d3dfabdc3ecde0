//! Short ways to declare a field.

use super::schema::{Choice, Constant, FieldKind, FieldSpec, Format};
use serde_json::Value;

impl FieldSpec {
    pub(crate) fn new(name: &str, kind: FieldKind) -> Self {
        Self { name: name.to_owned(), description: None, kind }
    }

    /// One line of text.
    #[must_use]
    pub fn text(name: &str) -> Self {
        Self::new(name, FieldKind::SingleLineText)
    }

    /// Text of several lines.
    #[must_use]
    pub fn long_text(name: &str) -> Self {
        Self::new(name, FieldKind::MultilineText)
    }

    /// A web address.
    #[must_use]
    pub fn url(name: &str) -> Self {
        Self::new(name, FieldKind::Url)
    }

    /// A number.
    #[must_use]
    pub fn number(name: &str, precision: u8) -> Self {
        Self::new(name, FieldKind::Number { precision })
    }

    /// An amount in dollars.
    #[must_use]
    pub fn currency(name: &str, precision: u8) -> Self {
        Self::new(name, FieldKind::Currency { precision, symbol: "$".to_owned() })
    }

    /// A share.
    #[must_use]
    pub fn percent(name: &str, precision: u8) -> Self {
        Self::new(name, FieldKind::Percent { precision })
    }

    /// Yes or nothing.
    #[must_use]
    pub fn checkbox(name: &str) -> Self {
        let (icon, color) = ("check".to_owned(), "greenBright".to_owned());
        Self::new(name, FieldKind::Checkbox { icon, color })
    }

    /// One of some choices.
    #[must_use]
    pub fn single_select(name: &str, choices: &[&str]) -> Self {
        Self::new(name, FieldKind::SingleSelect { choices: named(choices) })
    }

    /// A day.
    #[must_use]
    pub fn date(name: &str) -> Self {
        Self::new(name, FieldKind::Date { date_format: format("iso") })
    }

    /// A moment, in UTC.
    #[must_use]
    pub fn date_time(name: &str) -> Self {
        let kind = FieldKind::DateTime {
            time_zone: "utc".to_owned(),
            date_format: format("iso"),
            time_format: format("24hour"),
        };
        Self::new(name, kind)
    }

    /// When the row was made.
    #[must_use]
    pub fn created_time(name: &str) -> Self {
        Self::new(name, FieldKind::CreatedTime)
    }

    /// A formula with its result in every row.
    #[must_use]
    pub fn formula(name: &str, value: Option<Value>) -> Self {
        Self::new(name, FieldKind::Formula(Constant { value }))
    }

    /// Links to rows of the table with this id.
    #[must_use]
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
