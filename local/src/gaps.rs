//! What a base lacks of what this system reads and writes. Pure: a schema against a schema.

use shared::airtable::{FieldSchema, TableSchema};
use shared::schema::{Field, FieldType, Table};

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gap {
    /// There is no such table.
    NoTable { table: &'static Table },
    /// The table has no such field.
    NoField { table: &'static Table, table_id: String, field: &'static Field },
    /// The field has another type.
    WrongType { table: &'static Table, field: &'static Field, found: String },
    /// The select lacks choices that are written.
    NoChoice { table: &'static Table, field: &'static Field, missing: Vec<&'static str> },
}

impl Gap {
    /// Whether something does not work because of it.
    pub(crate) fn matters(&self) -> bool {
        match self {
            Self::NoTable { table } => !table.optional,
            Self::NoField { table, field, .. }
            | Self::WrongType { table, field, .. }
            | Self::NoChoice { table, field, .. } => !table.optional && !field.optional,
        }
    }

    /// Whether making something fills it: what exists is never changed.
    pub(crate) fn can_be_made(&self) -> bool {
        match self {
            Self::NoTable { .. } | Self::NoField { .. } => true,
            Self::WrongType { .. } | Self::NoChoice { .. } => false,
        }
    }

    /// What is not as it must be.
    pub(crate) fn says(&self) -> String {
        match self {
            Self::NoTable { table } => format!("there is no table {:?}", table.name),
            Self::NoField { table, field, .. } => {
                format!("table {:?} has no field {:?}", table.name, field.name)
            }
            Self::WrongType { table, field, found } => {
                format!("field {:?} of table {:?} is of the type {found}", field.name, table.name)
            }
            Self::NoChoice { table, field, missing } => format!(
                "field {:?} of table {:?} lacks the choice {}",
                field.name,
                table.name,
                quoted(missing)
            ),
        }
    }

    /// What to do about it.
    pub(crate) fn what_to_do(&self) -> String {
        match self {
            Self::NoTable { .. } | Self::NoField { .. } => {
                "run `runtally setup --apply`, or add it in Airtable".to_owned()
            }
            Self::WrongType { field, .. } => format!(
                "make it {} in Airtable, or rename it and run `runtally setup --apply`",
                field.field_type.in_words()
            ),
            Self::NoChoice { missing, .. } => {
                format!("add {} in Airtable, spelled exactly so", quoted(missing))
            }
        }
    }
}

/// Everything that `tables` lack of `wanted`.
pub(crate) fn gaps(tables: &[TableSchema], wanted: &'static [Table]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for table in wanted {
        match tables.iter().find(|known| known.name == table.name) {
            None => gaps.push(Gap::NoTable { table }),
            Some(known) => {
                gaps.extend(table.fields().filter_map(|field| gap_of(table, known, field)));
            }
        }
    }
    gaps
}

fn gap_of(table: &'static Table, known: &TableSchema, field: &'static Field) -> Option<Gap> {
    let Some(found) = known.fields.iter().find(|known| known.name == field.name) else {
        return Some(Gap::NoField { table, table_id: known.id.clone(), field });
    };
    if !field.accepts(&found.field_type) {
        return Some(Gap::WrongType { table, field, found: found.field_type.clone() });
    }
    let missing = missing_choices(field, found);
    (!missing.is_empty()).then_some(Gap::NoChoice { table, field, missing })
}

/// Choices that are written and that the select does not have.
fn missing_choices(field: &Field, found: &FieldSchema) -> Vec<&'static str> {
    let FieldType::SingleSelect(choices) = field.field_type else { return Vec::new() };
    if !field.written || found.field_type != "singleSelect" {
        return Vec::new();
    }
    let has = |name: &str| found.options.choices.iter().any(|choice| choice.name == name);
    choices.iter().copied().filter(|name| !has(name)).collect()
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use shared::schema::MASTER_BASE;

    fn table(name: &str, fields: &[(&str, &str)]) -> Value {
        let fields: Vec<Value> =
            fields.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        json!({"id": "tbl1", "name": name, "fields": fields})
    }

    fn found(tables: &[Value]) -> Vec<String> {
        let tables: Vec<TableSchema> =
            tables.iter().map(|table| serde_json::from_value(table.clone()).unwrap()).collect();
        gaps(&tables, &MASTER_BASE[..1]).iter().map(Gap::says).collect()
    }

    #[test]
    fn an_empty_base_lacks_its_tables() {
        assert_eq!(found(&[]), [r#"there is no table "Clients""#]);
    }

    #[test]
    fn a_field_that_is_only_read_may_be_of_any_type_that_reads_the_same() {
        let fields = |status| {
            [
                ("Client ID", "formula"),
                ("Client Name", "multilineText"),
                ("Status", status),
                ("Airtable Base ID", "url"),
                ("Service Level", "singleSelect"),
                ("Profile Scoring Token Limit", "currency"),
                ("Post Scoring Token Limit", "count"),
            ]
        };
        assert_eq!(found(&[table("Clients", &fields("singleLineText"))]), [""; 0]);
        assert_eq!(
            found(&[table("Clients", &fields("checkbox"))]),
            [r#"field "Status" of table "Clients" is of the type checkbox"#]
        );
    }
}
