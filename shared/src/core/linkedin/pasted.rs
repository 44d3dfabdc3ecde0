//! A URL as people and programs paste it.

use crate::core::unicode::nfc;
use percent_encoding::percent_decode_str;

/// How many times a URL is decoded at most: some are encoded twice.
const MOST_ENCODINGS: usize = 4;

/// The parts of a URL, without anything that does not distinguish two LinkedIn URLs: scheme,
/// `www.`, fragment, empty path segments, percent-encoding, case, and how accented letters are
/// composed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pasted {
    pub(super) host: String,
    pub(super) path: Vec<String>,
    pub(super) query: String,
}

impl Pasted {
    pub(super) fn read(text: &str) -> Self {
        let text = plain(text);
        let text = text.split('#').next().unwrap_or_default();
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let mut parts = text.split('/').map(trimmed).filter(|part| !part.is_empty());
        let mut host = parts.next().unwrap_or_default();
        if host.ends_with(':') {
            host = parts.next().unwrap_or_default();
        }
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let host = host.split_once(':').filter(|(_, port)| is_port(port)).map_or(host, |it| it.0);
        Self {
            host: host.strip_prefix("www.").unwrap_or(host).to_owned(),
            path: parts.map(str::to_owned).collect(),
            query: query.to_owned(),
        }
    }

    /// Whether the URL leads to LinkedIn, in any country.
    pub(super) fn is_linkedin(&self) -> bool {
        let is_at = |host: &str| self.host == host || self.host.ends_with(&format!(".{host}"));
        is_at("linkedin.com") || is_at("linkedin.cn")
    }
}

/// `text` decoded, in lower case and in composed letters (NFC).
pub(super) fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..MOST_ENCODINGS {
        // Bytes that are not UTF-8 stay encoded: two such names must not become one.
        match percent_decode_str(&text).decode_utf8() {
            Ok(decoded) if decoded != text => text = decoded.into_owned(),
            Ok(_) | Err(_) => break,
        }
    }
    nfc(&text.to_lowercase())
}

/// `text` without white space and invisible characters at either end.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c))
}

/// Whether a character is invisible. People copy such characters along with a URL.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
