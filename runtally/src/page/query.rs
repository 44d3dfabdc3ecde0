//! The names and values of a URL's query, or of a form.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Names with their values, decoded, in their original order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of this name that is not blank.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, value)| known == name && !value.trim().is_empty());
        found.map(|(_, value)| value.trim())
    }

    /// The value of this name as a whole number.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.parse().ok()
    }

    /// The requested page under this name, out of `pages`.
    pub(super) fn page(&self, name: &str, pages: usize) -> usize {
        self.number(name).unwrap_or(1).clamp(1, pages.max(1))
    }

    /// The query with another value of `name`; without `name` if `value` is empty.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        for (known, value) in
            self.0.iter().filter(|(known, value)| known != name && !value.is_empty())
        {
            text.append_pair(known, value);
        }
        if !value.is_empty() {
            text.append_pair(name, value);
        }
        format!("?{}", text.finish())
    }
}

/// Characters that must be encoded in a part of a path.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A path of the page that ends with this text, encoded.
pub(super) fn path(start: &str, text: &str) -> String {
    let end = utf8_percent_encode(text, ENCODED);
    format!("{start}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_changed_in_one_name_and_keeps_the_others() {
        let query = Query::parse(b"client=Guy+Wilson&status=&page=3");
        assert_eq!(query.get("client"), Some("Guy Wilson"));
        assert_eq!((query.get("status"), query.number("page")), (None, Some(3)));
        assert_eq!(query.with("page", "4"), "?client=Guy+Wilson&page=4");
        assert_eq!(query.with("page", ""), "?client=Guy+Wilson");
        let page = |text: &str| Query::parse(text.as_bytes()).page("page", 7);
        assert_eq!((page("page=3"), page(""), page("page=0"), page("page=-1")), (3, 1, 1, 1));
        assert_eq!((page("page=8"), page(&format!("page={}", usize::MAX))), (7, 7));
        assert_eq!(path("/run/", "261123-094519-A&B c"), "/run/261123-094519-A%26B%20c");
    }
}
