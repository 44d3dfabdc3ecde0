//! Formulas in the simulated Airtable's own parser: whatever the text is, a formula finds exactly
//! the rows that contain it.

use proptest::prelude::*;
use serde_json::{Map, json};
use shared::core::ids::BaseId;
use shared::core::linkedin::ProfileKey;
use shared::ports::{HttpRequest, HttpResponse, Transport, TransportError};
use shared::services::airtable::formula::Formula;
use shared::services::airtable::profile_urls::any_url_of;
use shared::services::airtable::{Airtable, Limiters, ListQuery};
use simulators::airtable::{AirtableOptions, FieldSpec, TableSpec};
use simulators::{Answer, NoStore, Simulated};
use std::sync::Arc;
use std::time::Duration;

const BASE: &str = "appFormula0000001";
const TABLE: &str = "Any / table";
const FIELD: &str = "A {odd} field's name";

/// The simulated Airtable, without a socket.
struct InProcess(Simulated<simulators::airtable::Airtable>);

impl Transport for InProcess {
    async fn send(
        &self,
        request: HttpRequest,
        _: Duration,
    ) -> Result<HttpResponse, TransportError> {
        match self.0.call(request).await {
            Answer::Reply(response) => Ok(response),
            Answer::Lost => panic!("no fault is injected"),
        }
    }
}

/// The texts in `rows` that a formula keeps.
fn kept(rows: &[String], formula: Formula) -> Vec<String> {
    let options = AirtableOptions { rate_limit: false, ..AirtableOptions::with_token("patX") };
    let clock = simulators::Clock::system();
    let airtable =
        simulators::airtable::Airtable::new(options, clock, Arc::new(NoStore), 1).unwrap();
    airtable.add_table(BASE, TableSpec::new(TABLE, vec![FieldSpec::long_text(FIELD)])).unwrap();
    for text in rows {
        let row = Map::from_iter([(FIELD.to_owned(), json!(text))]);
        airtable.insert(BASE, TABLE, row).unwrap();
    }
    let client = Airtable::new(
        InProcess(Simulated::new(airtable, 1)),
        "http://airtable.test/".parse().unwrap(),
        "patX".to_owned().into(),
        Arc::new(Limiters::of_the_only_process()),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let query = ListQuery { formula: Some(formula), ..ListQuery::default() };
    let base: BaseId = BASE.parse().unwrap();
    let found = runtime.block_on(client.list(&base, TABLE, &query)).unwrap();
    found.iter().map(|row| row.fields[FIELD].as_str().unwrap_or_default().to_owned()).collect()
}

/// Texts with all characters that a literal must escape.
fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z'\"\\\\{}()&,\\n\\t ]{1,20}",
        any::<String>().prop_map(|text| text
            .chars()
            .filter(|c| !c.is_control())
            .take(30)
            .collect()),
    ]
    .prop_filter("an empty cell is left out by Airtable", |text: &String| !text.trim().is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn equals_finds_exactly_that_text(text in odd_text(), other in odd_text()) {
        let rows = [text.clone(), other.clone(), format!("{text}x")];
        let expected = rows.iter().filter(|row| **row == text).count();
        let found = kept(&rows, Formula::equals(FIELD, &text));
        prop_assert_eq!(found.len(), expected);
        prop_assert!(found.iter().all(|row| *row == text));
    }

    #[test]
    fn contains_finds_exactly_the_texts_that_contain_it(text in odd_text(), other in odd_text()) {
        let rows = [format!("before{text}after"), other.clone()];
        let expected = rows.iter().filter(|row| row.contains(&text)).count();
        prop_assert_eq!(kept(&rows, Formula::contains(FIELD, &text)).len(), expected);
    }

    #[test]
    fn a_profile_is_found_by_its_key_whichever_way_its_row_writes_it(
        id in "[a-zäöüé0-9][a-zäöüé0-9._~-]{0,12}",
        upper in any::<bool>(),
        encoded in any::<bool>(),
    ) {
        let key = ProfileKey::of(&format!("linkedin.com/in/{id}")).unwrap();
        let mut written = if upper { id.to_uppercase() } else { id };
        if encoded {
            written = url::form_urlencoded::byte_serialize(written.as_bytes()).collect();
        }
        let rows = [
            format!("https://www.linkedin.com/in/{written}"),
            format!("https://www.linkedin.com/in/{written}/?x=1"),
            format!("https://www.linkedin.com/in/{written}x"),
            format!("https://www.linkedin.com/company/{written}"),
        ];
        let nobody = ProfileKey::of("linkedin.com/in/nobody").unwrap();
        let pattern = any_url_of(&[&nobody, &key]);
        let mut found = kept(&rows, Formula::path_matches(FIELD, &pattern));
        found.sort_unstable();
        let mut expected = rows[..2].to_vec();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
    }
}
