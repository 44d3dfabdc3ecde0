//! Tests the conversion of values. `cells.txt` says what each type of field makes of them.

use super::cells::{Writing, convert};
use super::error::ApiError;
use super::field_spec::named;
use super::ids::Ids;
use super::model::{Base, Field};
use super::schema::{FieldKind, FieldSpec};
use serde_json::{Value, json};
use std::borrow::Cow;

fn field(kind: FieldKind) -> Cow<'static, Field> {
    Cow::Owned(Field { id: "fldAAAAAAAAAAAAAA".to_owned(), spec: FieldSpec::new("F", kind) })
}

fn write(field: &mut Cow<'_, Field>, value: &Value, typecast: bool) -> Result<Value, ApiError> {
    let base = Base { id: String::new(), name: String::new(), tables: Vec::new() };
    let mut writing = Writing { typecast, ids: &mut Ids::new(1, 0), base: &base };
    convert(field, value, &mut writing).map(Option::unwrap_or_default)
}

#[test]
fn each_type_makes_of_a_value_what_its_table_says() {
    let mut kind = FieldKind::SingleLineText;
    for line in include_str!("cells.txt").lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('{') {
            kind = serde_json::from_str(line).unwrap();
            continue;
        }
        let (value, typecast, cell) = match (line.split_once(" -> "), line.split_once(" => ")) {
            (Some((value, cell)), _) => (value, false, cell),
            (None, Some((value, cell))) => (value, true, cell),
            (None, None) => continue,
        };
        let expected = match cell {
            "refused" => Err(ApiError::BadValue("F".to_owned())),
            "computed" => Err(ApiError::Computed("F".to_owned())),
            cell => Ok(serde_json::from_str(cell).unwrap()),
        };
        let value = serde_json::from_str(value).unwrap();
        assert_eq!(write(&mut field(kind.clone()), &value, typecast), expected, "{kind:?} {line}");
    }
}

#[test]
fn a_choice_is_exact_and_only_typecast_makes_one() {
    for (kind, value) in [
        (FieldKind::SingleSelect { choices: named(&["Done"]) }, json!("done")),
        (FieldKind::MultipleSelects { choices: named(&["Done"]) }, json!(["Done", "done"])),
    ] {
        let mut field = field(kind);
        assert_eq!(
            write(&mut field, &value, false),
            Err(ApiError::UnknownChoice("done".to_owned()))
        );
        assert_eq!(field.spec.kind.choices().len(), 1);
        assert_eq!(write(&mut field, &value, true), Ok(value.clone()));
        assert_eq!(write(&mut field, &value, false), Ok(value));
        assert_eq!(field.spec.kind.choices().len(), 2);
    }
}

#[test]
fn a_text_holds_a_hundred_thousand_characters() {
    for kind in [FieldKind::SingleLineText, FieldKind::MultilineText] {
        let write = |length| write(&mut field(kind.clone()), &json!("a".repeat(length)), false);
        assert!(write(100_000).is_ok());
        assert_eq!(write(100_001), Err(ApiError::BadValue("F".to_owned())));
    }
}
