//! The smallest bases of one client.

use runtally::invented::field_spec;
use serde_json::{Map, Value, json};
use shared::schema::{
    apify, clients, leads, post_attributes, post_instructions, profile_attributes, run_record,
};
use simulators::airtable::{Airtable, FieldSpec, TableSpec};

/// The base with the clients and the run records.
pub const MASTER_BASE: &str = "appMaster00000001";
pub const CLIENT_BASE: &str = "appClient00000001";
pub const CLIENT: &str = "Guy-Wilson";

/// Creates both bases: one active client with a rubric and no leads, and one paused client.
pub fn furnish(airtable: &Airtable) {
    let scored = "2-Lead and post scoring";
    furnish_master(
        airtable,
        &[
            (CLIENT, "Guy Wilson", clients::ACTIVE, CLIENT_BASE, scored),
            ("Paused-Client", "Paused Client", "Paused", CLIENT_BASE, scored),
            ("Basic-Client", "Basic Client", clients::ACTIVE, CLIENT_BASE, "1-Lead scoring"),
        ],
    );
    furnish_client(airtable, CLIENT_BASE);
}

/// Creates the master base with clients: id, name, status, base and service level of each.
pub fn furnish_master(airtable: &Airtable, rows: &[(&str, &str, &str, &str, &str)]) {
    make(airtable, MASTER_BASE, clients_table());
    make(airtable, MASTER_BASE, run_records_table());
    make(airtable, MASTER_BASE, apify_table());
    for (id, name, status, base, level) in rows {
        let row = json!({clients::CLIENT_ID: id, clients::CLIENT_NAME: name,
            clients::STATUS: status, clients::BASE_ID: base, clients::SERVICE_LEVEL: level});
        insert(airtable, MASTER_BASE, clients::TABLE, row);
    }
}

/// Creates a client's base with a rubric and no leads.
pub fn furnish_client(airtable: &Airtable, base: &str) {
    make(airtable, base, leads_table());
    make(airtable, base, instructions_table());
    make(airtable, base, attributes_table());
    for (id, text, order) in [
        ("OUTPUT", "Answer in JSON with every post's URL, score and rationale.", 3),
        (post_instructions::SCORING_HEADER, "Score each post by this rubric.", 2),
        ("ROLE", "You judge LinkedIn posts.", 1),
    ] {
        let row = json!({post_instructions::COMPONENT_ID: id, post_instructions::TEXT: text,
            post_instructions::SORT_ORDER: order});
        insert(airtable, base, post_instructions::TABLE, row);
    }
    let criterion = json!({post_attributes::ID: "A", post_attributes::NAME: "Builds things",
        post_attributes::CATEGORY: post_attributes::POSITIVE, post_attributes::MAX_SCORE: 100,
        post_attributes::ACTIVE: true});
    insert(airtable, base, post_attributes::TABLE, criterion);
    make(airtable, base, profile_attributes_table());
    for (id, category, points, text) in [
        (profile_attributes::PREAMBLE, profile_attributes::META, 0, "You assess profiles."),
        ("A", profile_attributes::POSITIVE, 40, "Decides about operations."),
        ("B", profile_attributes::POSITIVE, 30, "Works at a company of the right size."),
        ("N1", profile_attributes::NEGATIVE, -20, "Sells the same."),
    ] {
        let points_field =
            if points < 0 { profile_attributes::PENALTY } else { profile_attributes::MAX_POINTS };
        let row = json!({profile_attributes::ID: id, profile_attributes::CATEGORY: category,
            profile_attributes::HEADING: id, profile_attributes::INSTRUCTIONS: text,
            points_field: points, profile_attributes::ACTIVE: true});
        insert(airtable, base, profile_attributes::TABLE, row);
    }
}

pub fn insert(airtable: &Airtable, base: &str, table: &str, row: Value) -> String {
    let Value::Object(fields) = row else { panic!("a row is an object") };
    airtable.insert(base, table, fields).expect("the row fits its table")
}

fn make(airtable: &Airtable, base: &str, table: TableSpec) {
    airtable.add_table(base, table).expect("the table is well-formed");
}

fn clients_table() -> TableSpec {
    let texts = [
        clients::CLIENT_ID,
        clients::CLIENT_NAME,
        clients::STATUS,
        clients::BASE_ID,
        clients::SERVICE_LEVEL,
    ];
    let mut fields: Vec<FieldSpec> = texts.into_iter().map(FieldSpec::text).collect();
    let limits = [clients::POST_TOKEN_LIMIT, clients::PROFILE_TOKEN_LIMIT];
    fields.extend(limits.map(|limit| FieldSpec::number(limit, 0)));
    TableSpec::new(clients::TABLE, fields)
}

fn run_records_table() -> TableSpec {
    let fields = run_record::FIELDS.iter().chain(&run_record::OPERATOR_FIELDS);
    let mut fields: Vec<FieldSpec> = fields.map(field_spec).collect();
    fields.push(FieldSpec::checkbox("Invoiced"));
    TableSpec::new(run_record::TABLE, fields)
}

fn apify_table() -> TableSpec {
    let texts = [apify::RUN_ID, apify::CLIENT_ID, apify::APIFY_RUN_ID];
    TableSpec::new(apify::TABLE, texts.into_iter().map(FieldSpec::text).collect())
}

fn leads_table() -> TableSpec {
    let mut fields = vec![
        FieldSpec::text(leads::PROFILE_URL),
        FieldSpec::long_text(leads::RAW_PROFILE),
        FieldSpec::checkbox(leads::POSTS_ACTIONED),
    ];
    fields.extend(leads::POST_FIELDS.iter().chain(&leads::PROFILE_FIELDS).map(field_spec));
    TableSpec::new(leads::TABLE, fields)
}

fn profile_attributes_table() -> TableSpec {
    let mut fields = vec![
        FieldSpec::text(profile_attributes::ID),
        FieldSpec::single_select(profile_attributes::CATEGORY, &profile_attributes::CATEGORIES),
        FieldSpec::text(profile_attributes::HEADING),
        FieldSpec::long_text(profile_attributes::INSTRUCTIONS),
    ];
    let numbers = [profile_attributes::MAX_POINTS, profile_attributes::PENALTY];
    fields.extend(numbers.map(|number| FieldSpec::number(number, 0)));
    fields.push(FieldSpec::checkbox(profile_attributes::ACTIVE));
    TableSpec::new(profile_attributes::TABLE, fields)
}

fn instructions_table() -> TableSpec {
    let fields = vec![
        FieldSpec::text(post_instructions::COMPONENT_ID),
        FieldSpec::long_text(post_instructions::TEXT),
        FieldSpec::number(post_instructions::SORT_ORDER, 0),
    ];
    TableSpec::new(post_instructions::TABLE, fields)
}

fn attributes_table() -> TableSpec {
    let fields = vec![
        FieldSpec::text(post_attributes::ID),
        FieldSpec::text(post_attributes::NAME),
        FieldSpec::text(post_attributes::CATEGORY),
        FieldSpec::number(post_attributes::MAX_SCORE, 0),
        FieldSpec::checkbox(post_attributes::ACTIVE),
    ];
    TableSpec::new(post_attributes::TABLE, fields)
}

/// The row of an invented lead of which only the profile is known.
pub fn lead_row(name: &str) -> Value {
    lead(&super::posts::profile(name), &Value::Null)
}

pub fn lead(profile_url: &str, cells: &Value) -> Value {
    let mut row: Map<String, Value> = cells.as_object().cloned().unwrap_or_default();
    row.insert(leads::PROFILE_URL.to_owned(), json!(profile_url));
    Value::Object(row)
}
