//! The table of clients in the master base.

use super::field::fields;

/// The table's name.
pub const TABLE: &str = "Clients";
/// The status of a client that is served.
pub const ACTIVE: &str = "Active";
/// The status of a client that is not served.
pub const INACTIVE: &str = "Inactive";

/// The choices of [`STATUS`] that are recognised. With any other value the client is not served.
pub const STATUSES: [&str; 1] = [ACTIVE];

fields! {
    /// Every field that is read, with its type.
    FIELDS {
        CLIENT_ID = "Client ID", read(Text);
        CLIENT_NAME = "Client Name", read(Text);
        /// Only [`ACTIVE`] clients are served.
        STATUS = "Status", read(SingleSelect(&STATUSES));
        BASE_ID = "Airtable Base ID", read(Text);
        /// `1-…` for lead scoring, `2-…` for lead and post scoring.
        SERVICE_LEVEL = "Service Level", read(Text);
        /// Most tokens for profile scoring in one run; empty for no limit.
        PROFILE_TOKEN_LIMIT = "Profile Scoring Token Limit", read_if_there(Number);
        /// Most tokens for post scoring in one run; empty for no limit.
        POST_TOKEN_LIMIT = "Post Scoring Token Limit", read_if_there(Number);
    }
}
