//! How much of a page is asked for.

use http::HeaderMap;

/// What a script sends that keeps an open page up to date: `1` for the whole content, or the ids of the
/// parts that it shows now, with spaces between them.
const FRAGMENT: &str = "x-fragment";

/// How much of a page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The page with what is around it, as a browser loads it.
    Page,
    /// Its content.
    Content,
    /// Those parts of the content that have these ids.
    Parts(Vec<String>),
}

impl Wanted {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let Some(ids) = headers.get(FRAGMENT).map(|value| value.to_str().unwrap_or_default())
        else {
            return Self::Page;
        };
        match ids.split_whitespace().map(str::to_owned).collect::<Vec<_>>() {
            ids if ids.is_empty() || ids == ["1"] => Self::Content,
            ids => Self::Parts(ids),
        }
    }

    /// Whether a script asks, and no person.
    pub(super) fn is_fragment(&self) -> bool {
        *self != Self::Page
    }

    /// Whether the part with this id is asked for.
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
    use http::HeaderValue;

    #[test]
    fn a_script_asks_for_the_parts_that_are_seen_or_for_all() {
        let of = |ids: &'static str| {
            Wanted::of(&HeaderMap::from_iter([(
                FRAGMENT.parse().unwrap(),
                HeaderValue::from_static(ids),
            )]))
        };
        assert_eq!(Wanted::of(&HeaderMap::new()), Wanted::Page);
        assert_eq!((of("1"), of("")), (Wanted::Content, Wanted::Content));
        let parts = of("head  balance");
        assert!(parts.has("head") && parts.has("balance") && !parts.has("events"));
        assert!(
            parts.is_fragment() && !Wanted::Page.is_fragment() && Wanted::Content.has("events")
        );
    }
}
