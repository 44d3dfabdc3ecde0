//! Reads JSON as services and models really send it.

use serde_json::Value;
use shared::core::text::trim_invisible;

/// Reads JSON with the errors that services produce (see [`mended`]), and with text that gateways
/// add: a byte order mark, or words after it. Strict JSON is read as it is.
///
/// A stream consists of several values: an array of its parts, or lines that each begin with
/// `data:`. They are returned in order. The result is empty if there is no value.
pub(crate) fn read_json(text: &[u8]) -> Vec<Value> {
    let values = match serde_json::from_slice(text) {
        Ok(value) => vec![value],
        Err(_) => {
            let text = mended(&String::from_utf8_lossy(text));
            values_in(&text).filter_map(|(_, value)| value.ok()).collect()
        }
    };
    let parts = |value| if let Value::Array(parts) = value { parts } else { vec![value] };
    values.into_iter().flat_map(parts).filter(Value::is_object).collect()
}

/// Each position in a text where an object or an array begins, with the result of reading it. In
/// order; a value inside another readable value is not returned.
pub(crate) fn values_in(text: &str) -> impl Iterator<Item = (usize, serde_json::Result<Value>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(['{', '['])?;
        let mut stream = serde_json::Deserializer::from_str(&text[start..]).into_iter();
        let value = stream.next()?;
        at = start + if value.is_ok() { stream.byte_offset() } else { 1 };
        Some((start, value))
    })
}

/// `text` with everything repaired that strict readers refuse. Half a surrogate pair becomes the
/// replacement character. `NaN` and similar words become null. Control characters are escaped, and
/// so are quotes inside a string and backslashes that escape nothing. Trailing commas and comments
/// are removed. Other white space and other quotes become those of JSON, and bare names and values
/// get quotes. Text that is not JSON, such as words around it, stays.
pub(crate) fn mended(text: &str) -> String {
    let mut mender = Mender { out: String::with_capacity(text.len()), quote: None, last: ' ' };
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let taken = match mender.quote {
            Some(quote) => mender.within(next, quote, rest),
            None => mender.between(next, rest),
        };
        rest = &rest[taken..];
    }
    mender.out
}

/// Words of programming languages that are not JSON, with their JSON.
const WORDS: [(&str, &str); 7] = [
    ("NaN", "null"),
    ("-Infinity", "null"),
    ("Infinity", "null"),
    ("undefined", "null"),
    ("None", "null"),
    ("True", "true"),
    ("False", "false"),
];

struct Mender {
    out: String,
    /// The quote that ends the current string; `None` outside a string.
    quote: Option<char>,
    /// The last character written outside strings, ignoring white space.
    last: char,
}

impl Mender {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = text.trim_end().chars().next_back().unwrap_or(self.last);
    }

    /// Handles the text that begins with `next` outside a string. Returns how many bytes it
    /// consumed.
    fn between(&mut self, next: char, rest: &str) -> usize {
        // Quotes in the words around the JSON come after other characters.
        let is_expected = matches!(self.last, '[' | '{' | ',' | ':');
        match next {
            '"' | '\'' | '“' | '”' | '`' if is_expected => {
                self.quote = Some(if next == '“' { '”' } else { next });
                self.out.push('"');
                return next.len_utf8();
            }
            '/' if !self.out.ends_with(':')
                && let Some(length) = comment(rest) =>
            {
                return length;
            }
            '}' | ']' if self.last == ',' => {
                self.out.truncate(self.out.trim_end().len() - 1);
            }
            _ if !next.is_ascii()
                && (next.is_whitespace()
                    || trim_invisible(&rest[..next.len_utf8()]).is_empty()) =>
            {
                self.out.push(' ');
                return next.len_utf8();
            }
            _ => {
                if let Some((word, json)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
                    self.put(json);
                    return word.len();
                }
                if let Some(bare) = self.bare(rest) {
                    self.put(&format!("\"{bare}\""));
                    return bare.len();
                }
            }
        }
        self.put(next.encode_utf8(&mut [0; 4]));
        next.len_utf8()
    }

    /// A name or a value without quotes at the start of `rest`. A name is followed by a colon. A
    /// value is not a JSON literal, and ends with the member or the line.
    fn bare<'a>(&self, rest: &'a str) -> Option<&'a str> {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
        match self.last {
            '{' | ',' => {
                let name = &rest[..rest.find(|c| !is_of_name(c))?];
                let is_named = !name.is_empty() && rest[name.len()..].trim_start().starts_with(':');
                is_named.then_some(name)
            }
            ':' if !rest.starts_with(char::is_whitespace) => {
                let end = near(rest).find([',', '}', ']', '[', '{', '"', '\\', '\n'])?;
                let is_whole = rest[end..].starts_with([',', '}', ']', '\n']);
                let said = &rest[..end];
                let remark = said.find(" //").or_else(|| said.find(" /*"));
                let value = said[..remark.unwrap_or(end)].trim_end();
                let is_literal = || serde_json::from_str::<Value>(value).is_ok();
                (is_whole && !value.is_empty() && !is_literal()).then_some(value)
            }
            _ => None,
        }
    }

    /// The same inside a string.
    fn within(&mut self, next: char, quote: char, rest: &str) -> usize {
        match next {
            '\\' => return escape(rest, &mut self.out),
            _ if next == quote && ends_string(&rest[next.len_utf8()..]) => {
                self.quote = None;
                self.put("\"");
            }
            '"' => self.out.push_str("\\\""),
            control if control < ' ' => {
                self.out.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            _ => self.out.push(next),
        }
        next.len_utf8()
    }
}

/// The length of the comment at the start of `text`; `None` if there is none.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return near(text).find('\n');
    }
    Some(near(text.strip_prefix("/*")?).find("*/")? + 4)
}

/// The first 300 characters of `text`. Looking further ahead at every character of a long text
/// would never end.
fn near(text: &str) -> &str {
    text.char_indices().nth(300).map_or(text, |(end, _)| &text[..end])
}

/// Whether a quote followed by `behind` ends its string.
fn ends_string(behind: &str) -> bool {
    let behind = behind.trim_start();
    behind.is_empty() || behind.starts_with([',', ':', ']', '}'])
}

/// Copies the escape at the start of `text`. Returns how many bytes it consumed.
fn escape(text: &str, out: &mut String) -> usize {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(text) else {
        return match text[1..].chars().next() {
            Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => {
                out.push_str(&text[..2]);
                2
            }
            Some('\'') => {
                out.push('\'');
                2
            }
            // The backslash escapes nothing.
            Some(_) | None => {
                out.push_str(r"\\");
                1
            }
        };
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

    fn read(text: &str) -> Value {
        serde_json::from_str(&mended(text)).unwrap()
    }

    #[test]
    fn what_strict_readers_refuse_costs_only_itself() {
        let text = r#"{"a": NaN, "b": -Infinity, "c": "x\ud83d y \ud83d\ude00 \ude00", "d": "NaN \" None", "e": [1]}"#;
        let told = json!({"a": null, "b": null, "c": "x\u{fffd} y 😀 \u{fffd}", "d": "NaN \" None", "e": [1]});
        assert_eq!(read_json(text.as_bytes()), [told]);
        assert_eq!(read_json(b"{\"a\": \"one\ntwo\"}"), [json!({"a": "one\ntwo"})]);
        assert_eq!(read_json(b"{\"a\": \"\xff\"}"), [json!({"a": "\u{fffd}"})]);
        assert_eq!(read_json(br#"{"a": 1, "a": 2}"#), [json!({"a": 2})]);
        assert!(read_json(b"{\"a\": ").is_empty() && read_json(b"\"\\").is_empty());
    }

    #[test]
    fn what_models_write_in_place_of_json_is_read() {
        for (text, says) in [
            (r#"{"a": "It\'s 5\% of C:\x \q"}"#, json!({"a": r"It's 5\% of C:\x \q"})),
            (r#"{"a": "He said "hi" to me"}"#, json!({"a": "He said \"hi\" to me"})),
            (r#"[{"a": [1, 2, ], }, ]"#, json!([{"a": [1, 2]}])),
            (
                r#"{'a': 'it is "so"', 'b': True, 'c': "it's"}"#,
                json!({"a": "it is \"so\"", "b": true, "c": "it's"}),
            ),
            (r#"{"a": "\u12"}"#, json!({"a": r"\u12"})),
            (
                "{ // why: \"it's\"\n\"a\": \"http://b\", /* it's */ \"c\": 1 // \"d\"\n}",
                json!({"a": "http://b", "c": 1}),
            ),
            (
                "{a: 60%, b_c: 7/10, d: +8, e: 05, f: 6., g: Fits well.\n}",
                json!({"a": "60%", "b_c": "7/10", "d": "+8", "e": "05", "f": "6.", "g": "Fits well."}),
            ),
            ("{“a”: “say ”it””, `b`: `it's`}", json!({"a": "say ”it”", "b": "it's"})),
            ("{\u{a0}\"a\":\u{200b}1,\u{3000}\"b\": 2}", json!({"a": 1, "b": 2})),
        ] {
            assert_eq!(read(text), says, "{text}");
        }
    }

    /// Models write white space until their room is used up. Code that looks back over it at every
    /// character would never end.
    #[test]
    fn endless_white_space_is_read_once() {
        let text = format!(r#"[{{"a": 1,{}}}, {{"b": 2,"#, " ".repeat(4_000_000));
        assert_eq!(read_json(text.as_bytes()), [json!({"a": 1})]);
        for endless in ["/*", "//", ":a", ",a"] {
            let text = format!(r#"[{{"a": 1,}}, {}"#, endless.repeat(20_000));
            assert_eq!(read_json(text.as_bytes()), [json!({"a": 1})]);
        }
    }

    #[test]
    fn a_stream_is_read_part_by_part() {
        let parts = [json!({"a": 1}), json!({"b": [2]})];
        let [one, two] = &parts;
        for stream in [
            format!("[{one},\n{two}]"),
            format!("data: {one}\r\n\r\ndata: {two}\n\ndata: [DONE]\n"),
            format!("{one}\n{two}\nIt's done."),
            format!("[{one}\n,\n{two}"),
        ] {
            assert_eq!(read_json(stream.as_bytes()), parts, "{stream}");
        }
    }
}
