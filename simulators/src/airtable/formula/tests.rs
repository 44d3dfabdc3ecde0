use super::*;
use crate::airtable::model::{Base, Field};
use crate::airtable::schema::{FieldKind, FieldSpec};
use serde_json::{Value, json};
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
    let cell = |index: usize, value: Value| (format!("fld{index:014}"), value);
    Record {
        seq: 0,
        created: "2026-03-01T00:00:00Z".parse().unwrap(),
        changed: [(format!("fld{:014}", 0), "2026-03-02T00:00:00Z".parse().unwrap())].into(),
        cells: BTreeMap::from([
            cell(0, json!("O'Brien")),
            cell(1, json!(36)),
            cell(2, json!(true)),
            cell(3, json!("2026-03-04T10:20:30.400Z")),
            cell(4, json!("x")),
            cell(6, json!(["a", "b"])),
            cell(9, json!(0)),
            cell(10, json!("Köln")),
        ]),
    }
}

fn keeps(formula: &str) -> Result<bool, Problem> {
    let base = Base { id: String::new(), name: String::new(), tables: Vec::new() };
    let regexes = Regexes::default();
    let now = "2026-03-05T12:00:00Z".parse().unwrap();
    let context = Context { base: &base, now, regexes: &regexes };
    Ok(Formula::read(formula, &table())?.keeps(&context, ROW, &record()))
}

/// Checks that every formula keeps the row.
fn all_true(formulas: &[&str]) {
    for formula in formulas {
        assert_eq!(keeps(formula), Ok(true), "{formula}");
    }
}

/// Checks that every formula is read but drops the row.
fn all_false(formulas: &[&str]) {
    for formula in formulas {
        assert_eq!(keeps(formula), Ok(false), "{formula}");
    }
}

#[test]
fn a_field_is_named_in_braces_by_id_or_as_a_bare_word() {
    all_true(&[
        "{Name}='O\\'Brien'",
        "Name=\"O'Brien\"",
        "{fld00000000000000}='O\\'Brien'",
        r"{odd \} name}='x'",
        "Ort_ä='Köln'",
    ]);
}

#[test]
fn texts_know_escapes_and_keep_other_backslashes() {
    all_true(&[
        r"LEN('\\')=1",
        r"LEN('\'')=1",
        r#"LEN("\"")=1"#,
        r"LEN('\n\t')=2",
        r"LEN('\d')=2",
        r"'a\\n'='a\\'&'n'",
        r"REGEX_MATCH('42', '^\d+$')",
    ]);
}

#[test]
fn a_row_is_dropped_for_zero_false_nothing_and_errors() {
    all_true(&["1", "'a'", "TRUE()", "-1", "{At}", "{Tags}"]);
    all_false(&["0", "''", "FALSE()", "BLANK()", "ERROR()", "{Empty}", "{Bad}", "1/0"]);
}

#[test]
fn an_empty_cell_equals_the_empty_text_zero_and_false() {
    all_true(&[
        "{Empty}=''",
        "{Empty}=0",
        "{Empty}=FALSE()",
        "{Empty}=BLANK()",
        "{Zero}=BLANK()",
        "NOT({Empty})",
        "{Done}=TRUE()",
        "{Done}!=BLANK()",
        "{Empty}&'x'='x'",
        "{Empty}+1=1",
    ]);
}

#[test]
fn texts_compare_exactly_and_numbers_by_size() {
    all_true(&["'a'='a'", "2<10", "'a'<'b'", "{Age}>=36", "{Age}!=35", "1.50=1.5"]);
    all_false(&["'a'='A'", "'5'=5", "{Name}=0", "3>4"]);
    all_false(&["'a'<1", "NOT('a'<1)"]);
}

#[test]
fn operators_bind_as_in_arithmetic() {
    all_true(&[
        "1+2*3=7",
        "(1+2)*3=9",
        "10-4-3=3",
        "-2+5=3",
        "1+1&'x'='2x'",
        "8/4/2=1",
        "2--1=3",
        "1<2=TRUE()",
    ]);
}

#[test]
fn an_error_in_any_argument_is_an_error() {
    all_false(&["OR(TRUE(), ERROR())", "NOT(AND(FALSE(), {Bad}))", "NOT(NOT(1/0)=2)"]);
    all_true(&["IF(TRUE(), 1, ERROR())", "ISERROR({Bad})", "ISERROR('a'*2)", "NOT(ISERROR(1))"]);
}

#[test]
fn logic_functions_decide() {
    all_true(&[
        "AND(1, 'a', TRUE())",
        "OR(0, '', 1)",
        "NOT(OR(0, ''))",
        "XOR(1, 1, 1)",
        "NOT(XOR(1, 1))",
        "IF(0, 1, 2)=2",
        "IF(0, 1)=BLANK()",
        "SWITCH({Age}, 35, 'a', 36, 'b')='b'",
        "SWITCH({Age}, 1, 'a', 'other')='other'",
        "SWITCH({Age}, 1, 'a', 2, 'b')=BLANK()",
        "RECORD_ID()='recAAAAAAAAAAAAAA'",
        "OR(RECORD_ID()='recBBBBBBBBBBBBBB',RECORD_ID()='recAAAAAAAAAAAAAA')",
        "or({Empty}='', {Empty}='z')",
    ]);
    all_false(&["OR({Age}='36', {Age}='37')", "OR({Bad}='1', {Bad}='2')", "AND(1, 0)"]);
}

#[test]
fn text_functions_count_characters_from_one() {
    all_true(&[
        "FIND('l', 'Köln')=3",
        "FIND('L', 'Köln')=0",
        "FIND('a', 'banana', 3)=4",
        "NOT(FIND('a', 'banana', 7))",
        "SEARCH('L', 'Köln')=3",
        "SEARCH('z', 'Köln')&''=''",
        "LOWER('ÄB')='äb'",
        "UPPER('äb')='ÄB'",
        "TRIM('  a b ')='a b'",
        "LEN('Köln')=4",
        "LEFT('Köln', 2)='Kö'",
        "RIGHT('Köln', 2)='ln'",
        "RIGHT('a', 9)='a'",
        "MID('Köln', 2, 2)='öl'",
        "SUBSTITUTE('aXbX', 'X', '-')='a-b-'",
        "SUBSTITUTE('aXbX', 'X', '-', 2)='aXb-'",
        "SUBSTITUTE('aXbX', 'X', '-', 3)='aXbX'",
        "REPLACE('Köln', 2, 1, 'oe')='Koeln'",
        "CONCATENATE('a', 1, {Empty}, TRUE())='a11'",
        "VALUE('$1,234.50')=1234.5",
        "{Tags}='a, b'",
    ]);
    all_false(&["VALUE('none')", "NOT(VALUE('none'))"]);
}

#[test]
fn the_profile_url_formula_of_the_old_service_matches() {
    let bare = "LOWER(SUBSTITUTE(SUBSTITUTE(SUBSTITUTE('https://www.LinkedIn.com/in/ada',\
                \"https://\",\"\"),\"http://\",\"\"),\"www.\",\"\"))";
    all_true(&[&format!("OR({bare}=\"linkedin.com/in/ada\",{bare}=\"linkedin.com/in/ada/\")")]);
}

#[test]
fn regular_expressions_match_extract_and_replace() {
    all_true(&[
        "REGEX_MATCH('abc', 'b')",
        "REGEX_MATCH({Name}, '^O' & '.*n$')",
        "REGEX_EXTRACT('post 123 of 9', '[0-9]+')='123'",
        "REGEX_REPLACE('a1b2', '[0-9]', '#')='a#b#'",
        "ISERROR(REGEX_EXTRACT('abc', '[0-9]'))",
        "ISERROR(REGEX_MATCH('abc', '('))",
        "ISERROR(REGEX_MATCH('abc', 'a(?=b)'))",
    ]);
}

#[test]
fn date_functions_read_utc() {
    all_true(&[
        "{At}='2026-03-04T10:20:30.400Z'",
        "{At}&''='2026-03-04T10:20:30.400Z'",
        "IS_AFTER({At}, '2026-03-04')",
        "IS_BEFORE({At}, NOW())",
        "{At}<TODAY()",
        "IS_SAME({At}, '2026-03-04T23:00:00Z', 'day')",
        "NOT(IS_SAME({At}, '2026-03-04T23:00:00Z'))",
        "IS_SAME('2026-03-01', '2026-03-07', 'week')",
        "NOT(IS_SAME('2026-03-01', '2026-03-08', 'week'))",
        "IS_SAME({At}, '2026-03-31', 'months')",
        "DATETIME_DIFF('2026-03-04T10:00:00Z', '2026-03-04T11:30:00Z', 'minutes')=-90",
        "DATETIME_DIFF('2026-03-04T11:59:00Z', '2026-03-04T10:00:00Z', 'hours')=1",
        "DATETIME_DIFF('2026-03-30', '2026-01-31', 'months')=1",
        "DATETIME_DIFF('2026-03-04T10:00:05Z', '2026-03-04T10:00:00Z')=5",
        "DATEADD('2026-01-31', 1, 'months')=DATETIME_PARSE('2026-02-28')",
        "DATEADD({At}, -1, 'day')='2026-03-03T10:20:30.400Z'",
        "DATETIME_FORMAT({At}, 'YYYY-MM-DD HH:mm:ss.SSS [at] D MMM')='2026-03-04 10:20:30.400 at 4 Mar'",
        "DATETIME_FORMAT({At})='2026-03-04T10:20:30.400Z'",
        "CREATED_TIME()=DATETIME_PARSE('2026-03-01')",
        "LAST_MODIFIED_TIME()=DATETIME_PARSE('2026-03-02')",
        "LAST_MODIFIED_TIME({Age})=CREATED_TIME()",
        "IS_SAME(TODAY(), NOW(), 'day')",
    ]);
    all_false(&["IS_AFTER({Empty}, NOW())", "NOT(IS_AFTER({Empty}, NOW()))"]);
}

#[test]
fn unknown_fields_are_named_all_at_once() {
    let problem = keeps("AND({Nome}='', Ages>1, {Nome}=1)").unwrap_err();
    assert_eq!(problem.to_string(), "Unknown field names: Nome, Ages");
}

#[test]
fn what_is_no_formula_is_refused() {
    let deep = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let long = format!("1{}", "+1".repeat(50_000));
    let signs = format!("{}1", "-".repeat(50_000));
    let formulas = [
        "",
        "1 +",
        "{Name",
        "{}",
        "'open",
        "AND(",
        "NOSUCH(1)",
        "NOT()",
        "NOT(1,2)",
        "1 2",
        "{Done}=FALSE()",
        "FALSE()={Done}",
        r"{two \} of \} them}",
        &deep,
        &long,
        &signs,
    ];
    for formula in formulas {
        let shown: String = formula.chars().take(40).collect();
        assert_eq!(keeps(formula), Err(Problem::Invalid), "{shown}");
    }
}

#[test]
fn brackets_inside_texts_do_not_nest() {
    all_true(&[&format!("LEN('{}')=100", "(".repeat(100))]);
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
