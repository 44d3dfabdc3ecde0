//! What a field is, what it holds, and which of Airtable's types fit.

/// A field that is read or written, and what the base must have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub field_type: FieldType,
    /// Whether a base may lack it.
    pub optional: bool,
    /// Whether this system writes it. A field that is only read may have more types.
    pub written: bool,
}

impl Field {
    pub(super) const fn required(name: &'static str, field_type: FieldType) -> Self {
        Self { name, field_type, optional: false, written: true }
    }

    pub(super) const fn optional(name: &'static str, field_type: FieldType) -> Self {
        Self { name, field_type, optional: true, written: true }
    }

    pub(super) const fn read(name: &'static str, field_type: FieldType) -> Self {
        Self { name, field_type, optional: false, written: false }
    }

    pub(super) const fn read_if_there(name: &'static str, field_type: FieldType) -> Self {
        Self { name, field_type, optional: true, written: false }
    }

    /// Whether a field of Airtable's type `airtable` fits.
    pub fn accepts(&self, airtable: &str) -> bool {
        self.field_type.accepts(airtable) || (!self.written && self.field_type.reads(airtable))
    }
}

/// Declares a table's fields: a constant with each name, and lists of what a base must have.
macro_rules! fields {
    ($($(#[$about:meta])* $list:ident {
        $($(#[$doc:meta])* $field:ident = $name:literal, $need:ident($($holds:tt)+);)+
    })+) => {$(
        $($(#[$doc])*
        #[doc = concat!("The field `", $name, "`.")]
        pub const $field: &str = $name;)+

        $(#[$about])*
        pub const $list: [$crate::schema::field::Field; [$($field),+].len()] = [$(
            $crate::schema::field::Field::$need($field, $crate::schema::field::FieldType::$($holds)+)
        ),+];
    )+};
}
pub(super) use fields;

/// A table that is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its fields, list by list. The first field of the first list becomes the primary field if the
    /// table is created.
    pub fields: &'static [&'static [Field]],
    /// Whether a base may lack it.
    pub optional: bool,
}

impl Table {
    pub(super) const fn required(name: &'static str, fields: &'static [&'static [Field]]) -> Self {
        Self { name, fields, optional: false }
    }

    /// All its fields.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        self.fields.iter().copied().flatten()
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// One line of text. Rows are upserted by identity fields of this type.
    Text,
    /// Several lines of text.
    LongText,
    /// A number.
    Number,
    /// An amount of US dollars.
    Currency,
    /// A share: 0.5 is 50 %.
    Percent,
    /// A point in time.
    DateTime,
    /// A yes or no.
    Checkbox,
    /// One of these choices. All of them are written or read by name.
    SingleSelect(&'static [&'static str]),
}

impl FieldType {
    /// Whether a field of Airtable's type `airtable` can store this type's values.
    pub fn accepts(self, airtable: &str) -> bool {
        match self {
            Self::Text | Self::LongText => {
                matches!(airtable, "singleLineText" | "multilineText" | "richText")
            }
            Self::Number | Self::Currency => matches!(airtable, "number" | "currency"),
            Self::Percent => airtable == "percent",
            Self::DateTime => airtable == "dateTime",
            Self::Checkbox => airtable == "checkbox",
            // A select's value can be stored as plain text.
            Self::SingleSelect(_) => matches!(airtable, "singleSelect" | "singleLineText"),
        }
    }

    /// Whether a cell of Airtable's type `airtable` can be read as this type. Fields that Airtable
    /// computes are accepted: the type of their result is known only with the first row.
    fn reads(self, airtable: &str) -> bool {
        // A lookup with one value is read as that value.
        const COMPUTED: [&str; 3] = ["formula", "rollup", "multipleLookupValues"];
        let read: &[&str] = match self {
            Self::Text | Self::LongText | Self::SingleSelect(_) => &[
                "singleLineText",
                "multilineText",
                "richText",
                "singleSelect",
                "multipleSelects",
                "url",
                "email",
                "phoneNumber",
            ],
            Self::Number | Self::Currency | Self::Percent => {
                &["number", "currency", "percent", "count", "rating", "autoNumber"]
            }
            Self::DateTime => &["dateTime", "date", "createdTime", "lastModifiedTime"],
            Self::Checkbox => &["checkbox"],
        };
        read.contains(&airtable) || COMPUTED.contains(&airtable)
    }

    /// The type's name in Airtable's interface.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Text => "single line text",
            Self::LongText => "long text",
            Self::Number => "number",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::DateTime => "date with time",
            Self::Checkbox => "checkbox",
            Self::SingleSelect(_) => "single select",
        }
    }
}
