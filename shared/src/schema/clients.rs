//! The table of clients in the master base.

use super::field::{Field, FieldType};

/// The table.
pub const TABLE: &str = "Clients";
/// Primary key.
pub const CLIENT_ID: &str = "Client ID";
/// For people.
pub const CLIENT_NAME: &str = "Client Name";
/// Only [`ACTIVE`] clients are served.
pub const STATUS: &str = "Status";
/// The client's own base.
pub const BASE_ID: &str = "Airtable Base ID";
/// `1-…` lead scoring, `2-…` lead and post scoring.
pub const SERVICE_LEVEL: &str = "Service Level";
/// Most tokens of a run's profile scoring; empty: no limit.
pub const PROFILE_TOKEN_LIMIT: &str = "Profile Scoring Token Limit";
/// Most tokens of a run's post scoring; empty: no limit.
pub const POST_TOKEN_LIMIT: &str = "Post Scoring Token Limit";
/// The status of a client that is served.
pub const ACTIVE: &str = "Active";
/// The status of a client that is not.
pub const INACTIVE: &str = "Inactive";

/// The choices of [`STATUS`] that are read: whatever else it says, the client is not served.
pub const STATUSES: [&str; 1] = [ACTIVE];

/// Every field that is read, with its type.
pub const FIELDS: [Field; 7] = [
    Field::read(CLIENT_ID, FieldType::Text),
    Field::read(CLIENT_NAME, FieldType::Text),
    Field::read(STATUS, FieldType::SingleSelect(&STATUSES)),
    Field::read(BASE_ID, FieldType::Text),
    Field::read(SERVICE_LEVEL, FieldType::Text),
    Field::read_if_there(PROFILE_TOKEN_LIMIT, FieldType::Number),
    Field::read_if_there(POST_TOKEN_LIMIT, FieldType::Number),
];
