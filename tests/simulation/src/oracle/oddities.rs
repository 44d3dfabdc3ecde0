//! What a harvest contains besides the posts of the scenario.

/// The oddities of a harvest that its record must show.
#[derive(Debug, Clone, Default)]
pub(crate) struct Oddities {
    /// Number of items besides the posts of the scenario.
    pub(crate) items: u64,
    /// How many of them have an unknown shape.
    pub(crate) strange: u64,
    /// How many of them no JSON reader accepts.
    pub(crate) damaged: u64,
    /// Whether the run ended because of its limit on items.
    pub(crate) is_full: bool,
}
