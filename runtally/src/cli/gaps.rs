//! What a base lacks for this system: compares one schema with another.

use shared::core::text::is_alike;
use shared::schema::{Field, FieldType, Table};
use shared::services::airtable::{FieldSchema, TableSchema};

/// A difference that may matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gap {
    NoTable {
        table: &'static Table,
    },
    NoField {
        table: &'static Table,
        table_id: String,
        field: &'static Field,
    },
    /// There is a table or field whose name looks the same, with a space at its end or in other
    /// letters. Airtable refuses a second one, or people would confuse the two.
    Misspelled {
        table: &'static Table,
        /// `None` if it is the table itself.
        field: Option<&'static Field>,
        found: String,
    },
    WrongType {
        table: &'static Table,
        field: &'static Field,
        found: String,
    },
    /// The select lacks choices that the system writes or reads.
    NoChoice {
        table: &'static Table,
        field: &'static Field,
        missing: Vec<&'static str>,
    },
}

impl Gap {
    /// Whether something fails because of this gap.
    pub(crate) fn matters(&self) -> bool {
        match self {
            Self::NoTable { table } => !table.optional,
            Self::NoField { table, field, .. } | Self::WrongType { table, field, .. } => {
                !table.optional && !field.optional
            }
            Self::Misspelled { table, field, .. } => {
                !table.optional && field.is_none_or(|field| !field.optional)
            }
            // Airtable refuses a write with an unknown choice.
            Self::NoChoice { field, .. } => field.written,
        }
    }

    /// Whether creating something closes the gap. What exists is never changed.
    pub(crate) fn can_be_made(&self) -> bool {
        match self {
            Self::NoTable { .. } | Self::NoField { .. } => true,
            Self::Misspelled { .. } | Self::WrongType { .. } | Self::NoChoice { .. } => false,
        }
    }

    pub(crate) fn says(&self) -> String {
        match self {
            Self::NoTable { table } => format!("there is no table {:?}", table.name),
            Self::NoField { table, field, .. } => {
                format!("table {:?} has no field {:?}", table.name, field.name)
            }
            Self::Misspelled { table, field: None, found } => {
                format!("there is no table {:?}, but one named {found:?}", table.name)
            }
            Self::Misspelled { table, field: Some(field), found } => format!(
                "table {:?} has no field {:?}, but one named {found:?}",
                table.name, field.name
            ),
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

    pub(crate) fn what_to_do(&self) -> String {
        match self {
            Self::NoTable { .. } | Self::NoField { .. } => {
                "run `runtally setup --apply`, or add it in Airtable".to_owned()
            }
            Self::Misspelled { table, field, found } => {
                let name = field.map_or(table.name, |field| field.name);
                format!("rename {found:?} to {name:?} in Airtable")
            }
            Self::WrongType { field, .. } => format!(
                "make it {} in Airtable, or rename it and run `runtally setup --apply`",
                field.field_type.in_words()
            ),
            Self::NoChoice { missing, .. } => {
                format!("add {} in Airtable, spelled exactly like this", quoted(missing))
            }
        }
    }
}

/// Everything from `wanted` that `tables` lack.
pub(crate) fn gaps(tables: &[TableSchema], wanted: &'static [Table]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for table in wanted {
        match tables.iter().find(|known| known.name == table.name) {
            None => {
                gaps.push(match lookalike(tables.iter().map(|known| &known.name), table.name) {
                    Some(found) => Gap::Misspelled { table, field: None, found },
                    None => Gap::NoTable { table },
                })
            }
            Some(known) => {
                gaps.extend(table.fields().filter_map(|field| gap_of(table, known, field)));
            }
        }
    }
    gaps
}

fn gap_of(table: &'static Table, known: &TableSchema, field: &'static Field) -> Option<Gap> {
    let Some(found) = known.fields.iter().find(|known| known.name == field.name) else {
        let names = known.fields.iter().map(|known| &known.name);
        return Some(match lookalike(names, field.name) {
            Some(found) => Gap::Misspelled { table, field: Some(field), found },
            None => Gap::NoField { table, table_id: known.id.clone(), field },
        });
    };
    if !field.accepts(&found.field_type) {
        return Some(Gap::WrongType { table, field, found: found.field_type.clone() });
    }
    let missing = missing_choices(field, found);
    (!missing.is_empty()).then_some(Gap::NoChoice { table, field, missing })
}

/// The first name that a person would confuse with `wanted`.
fn lookalike<'a>(names: impl Iterator<Item = &'a String>, wanted: &str) -> Option<String> {
    names.into_iter().find(|name| is_alike(name, wanted)).cloned()
}

/// Choices that the select lacks. Letter case does not matter for a field that is only read.
fn missing_choices(field: &Field, found: &FieldSchema) -> Vec<&'static str> {
    let FieldType::SingleSelect(choices) = field.field_type else { return Vec::new() };
    if found.field_type != "singleSelect" {
        return Vec::new();
    }
    let is_same = |known: &str, name: &str| {
        known == name || (!field.written && known.trim().eq_ignore_ascii_case(name))
    };
    let has = |name: &str| found.options.choices.iter().any(|known| is_same(&known.name, name));
    choices.iter().copied().filter(|name| !has(name)).collect()
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use shared::schema::{CLIENT_BASE, MASTER_BASE, PROFILES_ONLY_BASE};

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
    fn a_name_that_only_looks_the_same_is_named_and_no_second_one_is_made_beside_it() {
        for name in ["Clients ", "clients", "\u{200b}Clients"] {
            let base = [serde_json::from_value(table(name, &[])).unwrap()];
            let gaps = gaps(&base, &MASTER_BASE[..1]);
            let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
            assert_eq!(
                gap.says(),
                format!("there is no table \"Clients\", but one named {name:?}")
            );
            assert_eq!(gap.what_to_do(), format!("rename {name:?} to \"Clients\" in Airtable"));
            assert!(gap.matters() && !gap.can_be_made());
        }
        let says = found(&[table("Clients", &[("client id", "singleLineText")])]);
        assert_eq!(
            says[0],
            r#"table "Clients" has no field "Client ID", but one named "client id""#
        );
        let both = found(&[table("clients ", &[]), table("Clients", &[])]);
        assert!(both[0].starts_with(r#"table "Clients" has no field"#), "{both:?}");
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

    /// A select with these choices, among the other fields of its table.
    fn with_choices(table: &Table, select: &Field, choices: &[&str]) -> TableSchema {
        let choices: Vec<Value> = choices.iter().map(|name| json!({"name": name})).collect();
        let select = json!({"name": select.name, "type": "singleSelect",
            "options": {"choices": choices}});
        serde_json::from_value(json!({"id": "tbl1", "name": table.name, "fields": [select]}))
            .unwrap()
    }

    fn choice_gaps(tables: &[TableSchema], wanted: &'static [Table]) -> Vec<Gap> {
        let all = gaps(tables, wanted).into_iter();
        all.filter(|gap| matches!(gap, Gap::NoChoice { .. })).collect()
    }

    #[test]
    fn each_missing_choice_is_named_and_matters_where_it_is_written() {
        let bases: [&'static [Table]; 3] = [&MASTER_BASE, &CLIENT_BASE, &PROFILES_ONLY_BASE];
        let mut named = Vec::new();
        for (wanted, table) in
            bases.into_iter().flat_map(|base| base.iter().map(move |t| (base, t)))
        {
            for field in table.fields() {
                let FieldType::SingleSelect(choices) = field.field_type else { continue };
                let whole = with_choices(table, field, choices);
                assert_eq!(choice_gaps(&[whole], wanted), []);
                for name in choices {
                    let others: Vec<&str> =
                        choices.iter().copied().filter(|other| other != name).collect();
                    let gaps = choice_gaps(&[with_choices(table, field, &others)], wanted);
                    let missing = vec![*name];
                    assert_eq!(gaps, [Gap::NoChoice { table, field, missing }]);
                    assert_eq!(gaps[0].matters(), field.written);
                    assert!(!gaps[0].can_be_made(), "what exists is never changed");
                    assert!(gaps[0].what_to_do().contains(name), "{}", gaps[0].what_to_do());
                    named.push((table.name, field.name, *name));
                }
            }
        }
        let only_read = ("Clients", "Status", "Active");
        let written = ("Client Run Results", "Status", "Failed");
        assert!(named.contains(&only_read) && named.contains(&written), "{named:?}");
        assert_eq!(named.len(), 8 + 14 + 8);
    }

    #[test]
    fn a_choice_that_is_only_read_may_be_in_other_letters_and_one_that_is_written_may_not() {
        let [.., attributes] = &CLIENT_BASE;
        let category = attributes.fields().find(|field| field.name == "Category").unwrap();
        let read = with_choices(attributes, category, &["Positive", "NEGATIVE ", "Meta", "More"]);
        assert_eq!(choice_gaps(&[read], &CLIENT_BASE), []);
        let [_, records, _] = &MASTER_BASE;
        let run_type = records.fields().find(|field| field.name == "Run Type").unwrap();
        let written = with_choices(records, run_type, &["orchestrated", "Standalone"]);
        assert_eq!(choice_gaps(&[written], &MASTER_BASE).len(), 1);
    }
}
