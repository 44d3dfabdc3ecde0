//! JSON as services and models really send it.

use serde_json::Value;

/// Reads JSON with the faults that services send: one half of a surrogate pair, `NaN` in place of a
/// number, control characters in strings; and what gateways put around it: a byte order mark, `data:`,
/// words behind it. Strict JSON is read as it is.
pub(crate) fn read_json(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok().or_else(|| {
        let text = String::from_utf8_lossy(text);
        let mended = mended(text[text.find(['{', '['])?..].trim_end());
        serde_json::Deserializer::from_str(&mended).into_iter().next()?.ok()
    })
}

/// `text` with what strict readers refuse put right: half a surrogate pair becomes the sign for a
/// character that cannot be shown, `NaN` and its like become null, and control characters are escaped.
pub(crate) fn mended(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(next) = rest.chars().next() {
        let taken = match next {
            '\\' if in_string => {
                let taken = escape(rest, &mut out);
                rest = &rest[taken..];
                continue;
            }
            '"' => {
                in_string = !in_string;
                out.push(next);
                1
            }
            control if in_string && control < ' ' => {
                out.push_str(&format!("\\u{:04x}", u32::from(control)));
                1
            }
            _ => match NOT_NUMBERS.iter().find(|word| !in_string && rest.starts_with(**word)) {
                Some(word) => {
                    out.push_str("null");
                    word.len()
                }
                None => {
                    out.push(next);
                    next.len_utf8()
                }
            },
        };
        rest = &rest[taken..];
    }
    out
}

/// Words in place of a number, as languages write them that are no JSON.
const NOT_NUMBERS: [&str; 5] = ["NaN", "-Infinity", "Infinity", "undefined", "None"];

/// Copies the escape at the start of `text`; returns how many bytes it took.
fn escape(text: &str, out: &mut String) -> usize {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(text) else {
        let taken = 1 + text[1..].chars().next().map_or(0, char::len_utf8);
        out.push_str(&text[..taken]);
        return taken;
    };
    let second = text.get(6..).and_then(unit);
    match (first, second) {
        (0xD800..=0xDBFF, Some(0xDC00..=0xDFFF)) => {
            out.push_str(&text[..12]);
            12
        }
        (0xD800..=0xDFFF, _) => {
            out.push_str("\\ufffd");
            6
        }
        _ => {
            out.push_str(&text[..6]);
            6
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_strict_readers_refuse_costs_only_itself() {
        let text = r#"{"a": NaN, "b": -Infinity, "c": "x\ud83d y \ud83d\ude00 \ude00", "d": "NaN \" None", "e": [1]}"#;
        let read = json!({"a": null, "b": null, "c": "x\u{fffd} y 😀 \u{fffd}", "d": "NaN \" None", "e": [1]});
        assert_eq!(read_json(text.as_bytes()), Some(read));
        assert_eq!(read_json(b"{\"a\": \"one\ntwo\"}"), Some(json!({"a": "one\ntwo"})));
        assert_eq!(read_json(b"{\"a\": \"\xff\"}"), Some(json!({"a": "\u{fffd}"})));
        assert_eq!(read_json(br#"{"a": 1, "a": 2}"#), Some(json!({"a": 2})));
        assert_eq!(read_json(b"{\"a\": "), None);
        assert_eq!(read_json(b"\"\\"), None);
    }
}
