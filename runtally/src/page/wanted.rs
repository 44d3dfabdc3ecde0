//! How much of a page is wanted.

/// How much of a page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Its content, for a page that a person just requested.
    Page,
    /// Its content, for a page that is open.
    Content,
    /// Only the parts with these ids, for a page that is open.
    Parts(Vec<String>),
}

impl Wanted {
    /// What an open page wants that shows the parts with these ids, separated by spaces. Without
    /// ids it wants all parts.
    pub(super) fn of(ids: &str) -> Self {
        match ids.split_whitespace().map(str::to_owned).collect::<Vec<_>>() {
            ids if ids.is_empty() => Self::Content,
            ids => Self::Parts(ids),
        }
    }

    /// Whether it is for an open page, which no person just requested.
    pub(super) fn is_of_open_page(&self) -> bool {
        *self != Self::Page
    }

    /// Whether the part with this id is wanted.
    pub(super) fn has(&self, id: &str) -> bool {
        match self {
            Self::Page | Self::Content => true,
            Self::Parts(ids) => ids.iter().any(|wanted| wanted == id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_page_wants_the_parts_that_are_seen_or_all() {
        assert_eq!((Wanted::of(" "), Wanted::of("")), (Wanted::Content, Wanted::Content));
        let parts = Wanted::of("head  balance");
        assert!(parts.has("head") && parts.has("balance") && !parts.has("events"));
        assert!(parts.is_of_open_page() && !Wanted::Page.is_of_open_page());
        assert!(Wanted::Content.is_of_open_page() && Wanted::Content.has("events"));
    }
}
