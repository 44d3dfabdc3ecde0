//! The optional table of harvests in the master base.

use super::field::fields;

/// The table's name.
pub const TABLE: &str = "Apify";

fields! {
    /// Every field that is read, with its type.
    FIELDS {
        APIFY_RUN_ID = "Apify Run ID", read(Text);
        RUN_ID = "Run ID", read(Text);
        CLIENT_ID = "Client ID", read(Text);
    }
}
