//! The optional table of harvests in the master base.

use super::field::{Field, FieldType};

/// The table.
pub const TABLE: &str = "Apify";
/// The run a harvest was started for.
pub const RUN_ID: &str = "Run ID";
/// The client it was started for.
pub const CLIENT_ID: &str = "Client ID";
/// Apify's id of the harvest.
pub const APIFY_RUN_ID: &str = "Apify Run ID";
/// How far the harvest is.
pub const STATUS: &str = "Status";
/// When it was started.
pub const CREATED_AT: &str = "Created At";
/// When it ended.
pub const COMPLETED_AT: &str = "Completed At";
/// Where its items are.
pub const DATASET_ID: &str = "Dataset ID";
/// Why it failed.
pub const ERROR: &str = "Error";

/// Every field that is read, with its type.
pub const FIELDS: [Field; 3] = [
    Field::read(APIFY_RUN_ID, FieldType::Text),
    Field::read(RUN_ID, FieldType::Text),
    Field::read(CLIENT_ID, FieldType::Text),
];
