//! Decodes bodies that a caller compressed. Apify's clients compress all but small bodies.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::request::Parts;
use std::io::Read;

/// The longest accepted body, in bytes.
const LONGEST: u64 = 256 * 1_024 * 1_024;
/// How many bytes the Brotli decoder reads at a time.
const BUFFER: usize = 4_096;

/// The decoded body. The headers about the encoding are removed. `None` if the body is not
/// compressed as its header says.
pub(crate) fn decoded(head: &mut Parts, body: Bytes) -> Option<Bytes> {
    let Some(encoding) = head.headers.get(CONTENT_ENCODING) else { return Some(body) };
    let plain = match encoding.as_bytes() {
        b"identity" => body,
        b"gzip" => read(flate2::read::MultiGzDecoder::new(&*body))?,
        b"deflate" => read(flate2::read::ZlibDecoder::new(&*body))?,
        b"br" => read(brotli_decompressor::Decompressor::new(&*body, BUFFER))?,
        _ => return None,
    };
    head.headers.remove(CONTENT_ENCODING);
    head.headers.remove(CONTENT_LENGTH);
    Some(plain)
}

fn read(compressed: impl Read) -> Option<Bytes> {
    let mut plain = Vec::new();
    compressed.take(LONGEST).read_to_end(&mut plain).ok()?;
    Some(plain.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    fn decoded_text(encoding: &str, base64: &str) -> Option<String> {
        let request = http::Request::post("/").header(CONTENT_ENCODING, encoding);
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let plain = decoded(&mut head, STANDARD.decode(base64).unwrap().into())?;
        assert!(head.headers.is_empty());
        Some(String::from_utf8(plain.to_vec()).unwrap())
    }

    #[test]
    fn a_compressed_body_is_read_as_what_it_was() {
        let plain = Some("{\"a\":1}".to_owned());
        for (encoding, body) in [
            ("identity", "eyJhIjoxfQ=="),
            ("gzip", "H4sIAAAAAAAAA6tWSlSyMqwFAK+sG1YHAAAA"),
            ("deflate", "eJyrVkpUsjKsBQAIKgIJ"),
            ("br", "CwOAeyJhIjoxfQM="),
        ] {
            assert_eq!(decoded_text(encoding, body), plain, "{encoding}");
        }
    }

    #[test]
    fn a_body_that_is_not_what_its_header_says_is_refused() {
        assert_eq!(decoded_text("gzip", "eyJhIjoxfQ=="), None);
        assert_eq!(decoded_text("zip", "eyJhIjoxfQ=="), None);
    }
}
