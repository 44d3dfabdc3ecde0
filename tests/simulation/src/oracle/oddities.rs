//! What a harvest holds besides the posts that the scenario invented.

/// What is odd about a harvest, as far as its record must show it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Oddities {
    /// Items besides the posts that the scenario invented.
    pub(crate) items: u64,
    /// Of those: items of a shape that nobody knows.
    pub(crate) strange: u64,
    /// Of those: items that no JSON reader takes.
    pub(crate) damaged: u64,
    /// Whether the run ended because it may push no more items.
    pub(crate) is_full: bool,
}
