//! Strings that look alike, and strings cut to fit.

use unicode_normalization::UnicodeNormalization;

/// `text` without anything invisible at its ends: white space of any kind, characters without width
/// such as U+200B and U+FEFF, and blank letters.
pub fn trim_invisible(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c) || is_blank(c))
}

/// `text` as a person sees it, for comparison: composed (NFC), without characters of no width, each
/// run of white space as one space, and none at the ends.
pub fn as_seen(text: &str) -> String {
    let visible: String = text.nfc().filter(|c| !is_invisible(*c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a person would confuse two names: they look the same, or differ only in letter case.
pub fn is_alike(one: &str, other: &str) -> bool {
    as_seen(one).to_lowercase() == as_seen(other).to_lowercase()
}

/// The longest start of `text` that has at most `most` UTF-16 units, as Airtable counts them. A
/// string that is cut ends with `…`.
pub fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most || text.encode_utf16().count() <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let fits = |c: &char| match left.checked_sub(c.len_utf16()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

/// Whether a character has no width: Unicode's formatting characters, and control characters that
/// are not white space.
fn is_invisible(c: char) -> bool {
    let is_control = c.is_control() && !c.is_whitespace();
    is_control
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Whether a character has width but shows nothing: the empty Braille cell, with which people make
/// empty lines in their posts, and the Hangul fillers.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_makes_no_difference() {
        for text in ["Mara ", " Mara", "Mara\u{a0}", "\u{feff}Mara", "Mara\u{200b}", "Mara\n"] {
            assert_eq!(
                (trim_invisible(text), as_seen(text).as_str()),
                ("Mara", "Mara"),
                "{text:?}"
            );
        }
        assert_eq!(as_seen("Jose\u{301}"), "José");
        assert_eq!(as_seen("Guy\u{a0} Wilson"), "Guy Wilson");
        assert_ne!(as_seen("mara"), as_seen("Mara"));
    }

    #[test]
    fn a_text_is_cut_by_utf_16_units_and_says_so() {
        assert_eq!(bounded("four", 4), "four");
        assert_eq!(bounded("fives", 4), "fiv…");
        assert_eq!(bounded("😀😀😀", 6), "😀😀😀");
        assert_eq!(bounded("😀😀😀", 5), "😀😀…");
        assert_eq!(bounded("😀😀😀", 4), "😀…");
    }
}
