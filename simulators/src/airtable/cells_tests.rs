use super::cells::{Writing, convert};
use super::error::ApiError;
use super::field_spec::named;
use super::ids::Ids;
use super::model::{Base, Field};
use super::schema::{FieldKind, FieldSpec};
use serde_json::{Value, json};
use std::borrow::Cow;

fn choices(names: &[&str]) -> FieldSpec {
    FieldSpec::new("F", FieldKind::MultipleSelects { choices: named(names) })
}

/// What a field makes of a value, and its choices afterwards.
fn write(spec: FieldSpec, value: Value, typecast: bool) -> Result<Value, ApiError> {
    let field = Field { id: "fldAAAAAAAAAAAAAA".to_owned(), spec };
    write_to(&mut Cow::Owned(field), value, typecast)
}

fn write_to(field: &mut Cow<'_, Field>, value: Value, typecast: bool) -> Result<Value, ApiError> {
    let base = Base { id: String::new(), name: String::new(), tables: Vec::new() };
    let mut writing = Writing { typecast, ids: &mut Ids::new(1, 0), base: &base };
    convert(field, &value, &mut writing).map(Option::unwrap_or_default)
}

/// Checks cases of (type, value written, cell stored).
fn stored(cases: Vec<(FieldSpec, Value, Value)>, typecast: bool) {
    for (spec, value, cell) in cases {
        let shown = format!("{:?} {value}", spec.kind);
        assert_eq!(write(spec, value, typecast), Ok(cell), "{shown}");
    }
}

/// Checks cases of (type, value that is refused).
fn refused(cases: Vec<(FieldSpec, Value)>, typecast: bool) {
    for (spec, value) in cases {
        let shown = format!("{:?} {value}", spec.kind);
        assert_eq!(write(spec, value, typecast), Err(ApiError::bad_value("F")), "{shown}");
    }
}

#[test]
fn each_type_accepts_its_own_values() {
    stored(
        vec![
            (FieldSpec::text("F"), json!("a"), json!("a")),
            (FieldSpec::text("F"), json!(""), Value::Null),
            (FieldSpec::long_text("F"), json!("a\nb\n"), json!("a\nb\n")),
            (
                FieldSpec::new("F", FieldKind::Email),
                json!("ada@example.com"),
                json!("ada@example.com"),
            ),
            (FieldSpec::number("F", 0), json!(0), json!(0)),
            (FieldSpec::number("F", 2), json!(3.0), json!(3)),
            (FieldSpec::currency("F", 2), json!(0.125), json!(0.125)),
            (FieldSpec::percent("F", 0), json!(-1), json!(-1)),
            (FieldSpec::checkbox("F"), json!(true), json!(true)),
            (FieldSpec::checkbox("F"), json!(false), Value::Null),
            (FieldSpec::single_select("F", &["a", "b"]), json!("b"), json!("b")),
            (choices(&["a", "b"]), json!(["b", "b"]), json!(["b"])),
            (choices(&["a"]), json!([]), Value::Null),
            (FieldSpec::date("F"), json!("2026-11-23"), json!("2026-11-23")),
            (FieldSpec::text("F"), Value::Null, Value::Null),
        ],
        false,
    );
}

#[test]
fn a_moment_is_stored_in_utc_with_milliseconds() {
    let at = |text: &str| (FieldSpec::date_time("F"), json!(text));
    let cases = [
        (at("2026-11-23T10:00:00Z"), "2026-11-23T10:00:00.000Z"),
        (at("2026-11-23T10:00:00.123456Z"), "2026-11-23T10:00:00.123Z"),
        (at("2026-11-23T10:00:00+02:00"), "2026-11-23T08:00:00.000Z"),
        (at("2026-11-23T10:00:00"), "2026-11-23T10:00:00.000Z"),
        (at("2026-11-23"), "2026-11-23T00:00:00.000Z"),
    ];
    stored(
        cases.into_iter().map(|((spec, text), cell)| (spec, text, json!(cell))).collect(),
        false,
    );
}

#[test]
fn a_value_of_another_type_is_refused_without_typecast() {
    refused(
        vec![
            (FieldSpec::text("F"), json!(1)),
            (FieldSpec::text("F"), json!(["a"])),
            (FieldSpec::new("F", FieldKind::Email), json!("ada")),
            (FieldSpec::new("F", FieldKind::Email), json!("ada@example")),
            (FieldSpec::number("F", 0), json!("1")),
            (FieldSpec::number("F", 0), json!(true)),
            (FieldSpec::checkbox("F"), json!("true")),
            (FieldSpec::checkbox("F"), json!(1)),
            (FieldSpec::single_select("F", &["a"]), json!(["a"])),
            (choices(&["a"]), json!("a")),
            (FieldSpec::date("F"), json!("2026-11-23T10:00:00.000Z")),
            (FieldSpec::date("F"), json!("2026-13-01")),
            (FieldSpec::date_time("F"), json!("tomorrow")),
            (FieldSpec::date_time("F"), json!(1)),
            (
                FieldSpec::new("F", FieldKind::MultipleAttachments),
                json!("https://example.com/a.png"),
            ),
        ],
        false,
    );
}

#[test]
fn typecast_converts_what_it_can() {
    stored(
        vec![
            (FieldSpec::text("F"), json!(1.5), json!("1.5")),
            (FieldSpec::text("F"), json!(["a", "b"]), json!("a, b")),
            (FieldSpec::number("F", 0), json!(" 1,234 "), json!(1234)),
            (FieldSpec::number("F", 0), json!(""), Value::Null),
            (FieldSpec::currency("F", 2), json!("$3.50"), json!(3.5)),
            (FieldSpec::percent("F", 0), json!("50%"), json!(0.5)),
            (FieldSpec::checkbox("F"), json!("true"), json!(true)),
            (FieldSpec::checkbox("F"), json!(0), Value::Null),
            (FieldSpec::date("F"), json!("2026-11-23T10:00:00Z"), json!("2026-11-23")),
            (choices(&["a", "b"]), json!("a, b"), json!(["a", "b"])),
            (FieldSpec::single_select("F", &["a"]), json!(""), Value::Null),
        ],
        true,
    );
    refused(vec![(FieldSpec::number("F", 0), json!("many"))], true);
}

#[test]
fn a_choice_is_exact_and_only_typecast_makes_one() {
    for (spec, value) in [
        (FieldSpec::single_select("F", &["Done"]), json!("done")),
        (choices(&["Done"]), json!(["Done", "done"])),
    ] {
        let mut field = Cow::Owned(Field { id: "fldAAAAAAAAAAAAAA".to_owned(), spec });
        let refused = write_to(&mut field, value.clone(), false);
        assert_eq!(refused, Err(ApiError::unknown_choice("done")));
        assert_eq!(field.spec.kind.choices().len(), 1);
        assert_eq!(write_to(&mut field, value.clone(), true), Ok(value.clone()));
        assert_eq!(write_to(&mut field, value.clone(), false), Ok(value));
        assert_eq!(field.spec.kind.choices().len(), 2);
    }
}

#[test]
fn a_text_holds_a_hundred_thousand_characters() {
    for spec in [FieldSpec::text("F"), FieldSpec::long_text("F")] {
        assert!(write(spec.clone(), json!("a".repeat(100_000)), false).is_ok());
        assert_eq!(write(spec, json!("a".repeat(100_001)), false), Err(ApiError::bad_value("F")));
    }
}

#[test]
fn a_computed_field_takes_no_value_at_all() {
    for spec in [
        FieldSpec::formula("F", None),
        FieldSpec::created_time("F"),
        FieldSpec::new("F", FieldKind::Count(Default::default())),
    ] {
        assert_eq!(write(spec.clone(), Value::Null, false), Err(ApiError::computed("F")));
        assert_eq!(write(spec, json!("a"), true), Err(ApiError::computed("F")));
    }
}
