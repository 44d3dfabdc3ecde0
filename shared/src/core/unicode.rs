//! The two Unicode forms of the same string: `é` as one character, or as an `e` followed by an
//! accent.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// `text` with composed letters (Unicode's NFC).
pub fn nfc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// `text` with separate accents (Unicode's NFD).
pub fn nfd(text: &str) -> String {
    DecomposingNormalizerBorrowed::new_nfd().normalize(text).into_owned()
}

/// A JSON text with invalid Unicode replaced: bytes that are not UTF-8, and escapes of half a
/// character, such as an emoji that was cut. A byte order mark in front is removed. JSON readers
/// refuse the whole text for one of them.
pub fn mend_json(text: &[u8]) -> String {
    const REPLACEMENT: &str = "\\ufffd";
    let text = String::from_utf8_lossy(text);
    let mut mended = String::with_capacity(text.len());
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(&text);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let taken = match (escaped_unit(escape), escape.get(6..).and_then(escaped_unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => 0,
            (Some(_), _) => 6,
            // The character after a backslash does not start another escape.
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        mended.push_str(if taken == 0 { REPLACEMENT } else { &escape[..taken] });
        rest = &escape[if taken == 0 { 6 } else { taken }..];
    }
    mended.push_str(rest);
    mended
}

/// The UTF-16 unit of the escape `\uXXXX` at the start of `text`.
fn escaped_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn both_forms_of_a_text_are_one() {
        assert_eq!(nfc("zoe\u{308}"), "zoë");
        assert_eq!(nfd("zoë"), "zoe\u{308}");
    }

    #[test]
    fn halves_of_characters_are_replaced_and_whole_ones_stay() {
        for (broken, mended) in [
            (r#""cut \ud83d""#, "cut \u{fffd}"),
            (r#""\ude80 cut""#, "\u{fffd} cut"),
            (r#""\ud83d\ud83d\ude80""#, "\u{fffd}🚀"),
            (r#""\ud83dx \ud83d\n""#, "\u{fffd}x \u{fffd}\n"),
            (r#""\\ud83d \\\ud83d""#, "\\ud83d \\\u{fffd}"),
            (r#""\u00e9 é \ud83d\ude80 \"\u0041\"""#, "é é 🚀 \"A\""),
        ] {
            let read: Value = serde_json::from_str(&mend_json(broken.as_bytes())).unwrap();
            assert_eq!(read, mended, "{broken}");
        }
        let bytes = [b"\"a".as_slice(), &[0xF0, 0x9F], b"b\""].concat();
        let read: Value = serde_json::from_str(&mend_json(&bytes)).unwrap();
        assert_eq!(read, "a\u{fffd}b");
        assert_eq!(mend_json(br#""ends in \"#), r#""ends in \"#);
        assert_eq!(mend_json(br#""\u12"#), r#""\u12"#);
        assert_eq!(mend_json("\u{feff}{}".as_bytes()), "{}");
    }
}
