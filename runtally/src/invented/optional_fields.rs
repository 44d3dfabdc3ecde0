//! Bases that lack some of the optional fields.

use super::client::InventedClient;
use shared::schema::leads;

/// Which of the optional fields of `Leads` a base has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Has {
    /// All of them.
    All,
    /// Every other one, and none for what people act on.
    Some,
}

impl Has {
    /// Bases take turns: the first has them all, the second some.
    pub(super) fn of(client: &InventedClient) -> Self {
        if client.place.is_multiple_of(2) { Self::All } else { Self::Some }
    }

    pub(super) fn field(self, name: &str) -> bool {
        if self == Self::All {
            return true;
        }
        let mut optional = leads::POST_FIELDS.iter().filter(|field| field.optional);
        let left_out = optional.position(|field| field.name == name).is_some_and(|at| at % 2 == 0);
        name != leads::POSTS_ACTIONED && !left_out
    }
}
