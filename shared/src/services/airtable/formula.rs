//! Builds formulas for `filterByFormula`. Literals are written and escaped only here.

use super::row::NO;
use crate::core::unicode::nfd;
use jiff::Timestamp;

/// A condition for `filterByFormula`. Field names and strings are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula(String);

impl Formula {
    /// The rows whose field is exactly `text`. Case matters.
    pub fn equals(field: &str, text: &str) -> Self {
        Self(format!("{}={}", reference(field), literal(text)))
    }

    /// The rows whose field contains `text`. Case matters.
    pub fn contains(field: &str, text: &str) -> Self {
        Self(format!("FIND({},{})>0", literal(text), reference(field)))
    }

    /// The rows whose field, in lower case and with a `/` appended, matches the regular expression
    /// `pattern`.
    pub fn path_matches(field: &str, pattern: &str) -> Self {
        Self(format!("REGEX_MATCH(LOWER({}&'/'),{})", reference(field), literal(pattern)))
    }

    /// The rows whose text field is not empty.
    pub fn filled(field: &str) -> Self {
        Self(format!("{}!=''", reference(field)))
    }

    /// The rows whose cell is empty, whatever the type of the field.
    pub fn blank(field: &str) -> Self {
        Self(format!("{}=BLANK()", reference(field)))
    }

    pub fn unchecked(field: &str) -> Self {
        Self(format!("NOT({})", reference(field)))
    }

    /// The rows whose cell is empty or says no, in a table with a text or a select instead of a checkbox.
    pub fn says_no(field: &str) -> Self {
        let field = reference(field);
        let no = NO.map(|no| Self(format!("LOWER(TRIM({field}&''))={}", literal(no))));
        Self::any(std::iter::once(Self(format!("NOT({field})"))).chain(no))
    }

    /// The rows whose checkbox is set.
    pub fn is_set(field: &str) -> Self {
        Self(reference(field))
    }

    /// The rows whose date is later than `moment`, compared to the millisecond.
    pub fn after(field: &str, moment: Timestamp) -> Self {
        let moment = literal(&moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
        Self(format!("IS_AFTER({},DATETIME_PARSE({moment}))", reference(field)))
    }

    /// The value of a field.
    pub fn cell(field: &str) -> Self {
        Self(reference(field))
    }

    /// The time at which the row was created.
    pub fn created() -> Self {
        Self("CREATED_TIME()".to_owned())
    }

    /// The time at which the row was last modified.
    pub fn modified() -> Self {
        Self("LAST_MODIFIED_TIME()".to_owned())
    }

    /// The rows whose period from `start` to `end` (open if `end` is empty) overlaps the period of
    /// `times`, whose end is exclusive. Comparing an empty cell would be an error, so each cell is
    /// first checked for a value.
    pub fn overlaps([Self(start), Self(end)]: [Self; 2], times: [Timestamp; 2]) -> Self {
        let [from, to] = times.map(|at| {
            let at = literal(&at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
            format!("DATETIME_PARSE({at})")
        });
        let begun = format!("IF({start},IS_BEFORE({start},{to}),FALSE())");
        let goes_on = format!("IF({end},NOT(IS_BEFORE({end},{from})),TRUE())");
        Self(format!("AND({begun},{goes_on})"))
    }

    /// The same rows, and those for which the formula fails because a cell contains an error.
    #[must_use]
    pub fn or_error(self) -> Self {
        Self(format!("IF(ISERROR({0}),TRUE(),{0})", self.0))
    }

    pub fn record_id(id: &str) -> Self {
        Self(format!("RECORD_ID()={}", literal(id)))
    }

    pub fn all(formulas: impl IntoIterator<Item = Self>) -> Self {
        Self::join("AND", formulas)
    }

    pub fn any(formulas: impl IntoIterator<Item = Self>) -> Self {
        Self::join("OR", formulas)
    }

    fn join(function: &str, formulas: impl IntoIterator<Item = Self>) -> Self {
        let formulas: Vec<String> = formulas.into_iter().map(|formula| formula.0).collect();
        Self(format!("{function}({})", formulas.join(",")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A field's name in braces, with closing braces in the name escaped.
fn reference(field: &str) -> String {
    format!("{{{}}}", field.replace('}', r"\}"))
}

/// A string literal. Escaped are the backslash, the quote, and characters that may not appear in a
/// line.
fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    escaped.push('\'');
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str(r"\\"),
            '\'' => escaped.push_str(r"\'"),
            '\n' => escaped.push_str(r"\n"),
            '\r' => escaped.push_str(r"\r"),
            '\t' => escaped.push_str(r"\t"),
            other => escaped.push(other),
        }
    }
    escaped.push('\'');
    escaped
}

/// `text` as a regular expression (RE2 syntax). It matches `text` in lower case, percent-encoded
/// (once or twice) or not, with composed letters or with separate accents.
pub fn any_encoding_of(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            pattern.push(character);
            continue;
        }
        let mut spellings = spellings_of(character);
        let parts: Vec<char> = nfd(&character.to_string()).chars().collect();
        if parts.len() > 1 {
            let parts = parts.into_iter().map(|part| match part.is_ascii_alphanumeric() {
                true => part.to_string(),
                false => format!("(?:{})", spellings_of(part).join("|")),
            });
            spellings.push(parts.collect());
        }
        pattern.push_str(&format!("(?:{})", spellings.join("|")));
    }
    pattern
}

/// One character as it is, percent-encoded, and percent-encoded in upper case. The last one has
/// other bytes, which `LOWER` does not change.
fn spellings_of(character: char) -> Vec<String> {
    let encoded = |text: String| -> String {
        text.bytes().map(|byte| format!("%(?:25)*{byte:02x}")).collect()
    };
    let plain = match character {
        '-' | '_' => character.to_string(),
        other if other.is_ascii() => format!(r"\{other}"),
        other => other.to_string(),
    };
    let upper = character.to_uppercase().collect();
    let mut spellings = vec![plain, encoded(character.to_string()), encoded(upper)];
    spellings.dedup();
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_can_hold_any_text() {
        let formula = Formula::equals("Client ID", r"O'Neil \ Sons");
        assert_eq!(formula.as_str(), r"{Client ID}='O\'Neil \\ Sons'");
        assert_eq!(Formula::equals("A}B", "x").as_str(), r"{A\}B}='x'");
    }

    #[test]
    fn formulas_join() {
        let formula = Formula::all([
            Formula::equals("Client ID", "a"),
            Formula::any([Formula::record_id("rec1"), Formula::contains("Apify Run ID", "b")]),
        ]);
        assert_eq!(
            formula.as_str(),
            "AND({Client ID}='a',OR(RECORD_ID()='rec1',FIND('b',{Apify Run ID})>0))"
        );
    }

    #[test]
    fn a_pattern_matches_a_name_percent_encoded_or_not() {
        assert_eq!(any_encoding_of("a-b_1"), "a(?:-|%(?:25)*2d)b(?:_|%(?:25)*5f)1");
        assert_eq!(any_encoding_of("."), r"(?:\.|%(?:25)*2e)");
        let e = any_encoding_of("é");
        assert!(e.starts_with("(?:é|%(?:25)*c3%(?:25)*a9|%(?:25)*c3%(?:25)*89|e(?:"), "{e}");
        assert!(e.contains("e(?:\u{301}|%(?:25)*cc%(?:25)*81"), "{e}");
    }
}
