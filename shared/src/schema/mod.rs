//! Airtable's names of tables, fields, views and choices, one file per table. They are spelled
//! nowhere else. This module does not decide what a cell means.

pub mod apify;
pub mod clients;
mod field;
pub mod leads;
pub mod post_attributes;
pub mod post_instructions;
pub mod profile_attributes;
pub mod run_record;

pub use field::{Field, FieldType, Table};

/// The tables of the master base.
pub const MASTER_BASE: [Table; 3] = [
    Table::required(clients::TABLE, &[&clients::FIELDS]),
    Table::required(run_record::TABLE, &[&run_record::FIELDS, &run_record::OPERATOR_FIELDS]),
    Table { name: apify::TABLE, fields: &[&apify::FIELDS], optional: true },
];

/// The tables of the base of a client whose leads' profiles and posts are scored.
pub const CLIENT_BASE: [Table; 4] = [
    Table::required(
        leads::TABLE,
        &[
            &leads::READ_FIELDS,
            &leads::PROFILE_SOURCES,
            &leads::PROFILE_FIELDS,
            &leads::OPERATOR_FIELDS,
            &leads::POST_FIELDS,
        ],
    ),
    Table::required(post_instructions::TABLE, &[&post_instructions::FIELDS]),
    Table::required(post_attributes::TABLE, &[&post_attributes::FIELDS]),
    PROFILE_ATTRIBUTES,
];

/// The tables in the base of a client for whom only profiles are scored.
pub const PROFILES_ONLY_BASE: [Table; 2] = [
    Table::required(
        leads::TABLE,
        &[&leads::READ_FIELDS, &leads::PROFILE_SOURCES, &leads::PROFILE_FIELDS],
    ),
    PROFILE_ATTRIBUTES,
];

/// Profiles are scored for every active client.
const PROFILE_ATTRIBUTES: Table =
    Table::required(profile_attributes::TABLE, &[&profile_attributes::FIELDS]);
