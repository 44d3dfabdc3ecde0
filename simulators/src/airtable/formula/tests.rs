//! Tests the language on one row. `cases.txt` says for each formula whether it keeps the row.

use super::*;
use crate::airtable::model::{Base, Field};
use crate::airtable::schema::{FieldKind, FieldSpec};
use serde_json::json;
use std::collections::BTreeMap;

const ROW: &str = "recAAAAAAAAAAAAAA";

fn table() -> Table {
    let specs = [
        FieldSpec::text("Name"),
        FieldSpec::number("Age", 0),
        FieldSpec::checkbox("Done"),
        FieldSpec::date_time("At"),
        FieldSpec::text("odd } name"),
        FieldSpec::text("two } of } them"),
        FieldSpec::new("Tags", FieldKind::MultipleSelects { choices: Vec::new() }),
        FieldSpec::formula("Bad", Some(json!({"error": "#ERROR!"}))),
        FieldSpec::long_text("Empty"),
        FieldSpec::number("Zero", 0),
        FieldSpec::text("Ort_ä"),
    ];
    let field = |(index, spec)| Field { id: format!("fld{index:014}"), spec };
    Table {
        id: "tblAAAAAAAAAAAAAA".to_owned(),
        name: "T".to_owned(),
        description: None,
        fields: specs.into_iter().enumerate().map(field).collect(),
        views: Vec::new(),
        records: BTreeMap::new(),
    }
}

fn record() -> Record {
    let record = json!({
        "seq": 0,
        "created": "2026-03-01T00:00:00Z",
        "changed": {"fld00000000000000": "2026-03-02T00:00:00Z"},
        "cells": {
            "fld00000000000000": "O'Brien",
            "fld00000000000001": 36,
            "fld00000000000002": true,
            "fld00000000000003": "2026-03-04T10:20:30.400Z",
            "fld00000000000004": "x",
            "fld00000000000006": ["a", "b"],
            "fld00000000000009": 0,
            "fld00000000000010": "Köln",
        },
    });
    serde_json::from_value(record).unwrap()
}

fn keeps(formula: &str) -> Result<bool, Problem> {
    let base = Base { id: String::new(), name: String::new(), tables: Vec::new() };
    let regexes = Regexes::default();
    let now = "2026-03-05T12:00:00Z".parse().unwrap();
    let context = Context { base: &base, now, regexes: &regexes };
    Ok(Formula::read(formula, &table())?.keeps(&context, ROW, &record()))
}

#[test]
fn every_case_is_answered_as_the_service_answers_it() {
    for case in include_str!("cases.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some((expected, formula)) = case.split_once(' ') else { continue };
        let answer = match keeps(formula.trim_start()) {
            Ok(true) => "true",
            Ok(false) => "false",
            Err(Problem::Invalid) => "wrong",
            Err(Problem::UnknownFields(_)) => "unknown",
            Err(Problem::NotSimulated(_)) => "absent",
        };
        assert_eq!(answer, expected, "{case}");
    }
}

#[test]
fn a_formula_is_neither_empty_nor_too_deep_to_walk() {
    let texts = [
        format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("1{}", "+1".repeat(50_000)),
        format!("{}1", "-".repeat(50_000)),
        String::new(),
    ];
    for text in texts {
        assert_eq!(keeps(&text), Err(Problem::Invalid), "{text:.40}");
    }
    // Brackets inside a string do not nest.
    assert_eq!(keeps(&format!("LEN('{}')=100", "(".repeat(100))), Ok(true));
}

#[test]
fn unknown_fields_are_named_all_at_once() {
    let problem = keeps("AND({Nome}='', Ages>1, {Nome}=1)").unwrap_err();
    assert_eq!(problem.to_string(), "Unknown field names: Nome, Ages");
}

#[test]
fn a_formula_of_ids_tells_which_rows_it_can_keep() {
    let ids = |text| {
        let formula = Formula::read(text, &table()).unwrap();
        formula.record_ids().map(|ids| ids.len())
    };
    assert_eq!(ids("OR(RECORD_ID()='recA',RECORD_ID()='recB')"), Some(2));
    assert_eq!(ids("RECORD_ID()='recA'"), Some(1));
    assert_eq!(ids("OR({Name}='recA',{Name}='recB')"), None);
    assert_eq!(ids("OR(RECORD_ID()='recA',{Name}='recB')"), None);
}

#[test]
fn a_formula_can_name_its_fields_by_id() {
    let text = "AND({Name}='{Name}', Age>1)";
    assert_eq!(
        with_field_ids(text, &table()).unwrap(),
        "AND({fld00000000000000}='{Name}', {fld00000000000001}>1)"
    );
}
