//! Ids made from other ids: unambiguous, short, and the same on every machine.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Longest group or deduplication id that SQS accepts.
const QUEUE_ID_MAX: usize = 128;

/// A 22-character id of `parts` (128 bits of SHA-256). Each part is length-prefixed, so `["a-b", "c"]` and
/// `["a", "b-c"]` differ.
pub fn id_of(parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(&digest(parts)[..16])
}

/// An 11-character id of `parts` (64 bits of SHA-256), for sets of up to a few thousand members.
pub fn short_id_of(parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(&digest(parts)[..8])
}

/// `text` as a group or deduplication id: unchanged if SQS accepts it (1 to 128 ASCII letters,
/// digits and punctuation), otherwise its digest.
pub fn queue_id(text: &str) -> String {
    let plain = (1..=QUEUE_ID_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if plain { text.to_owned() } else { id_of(&[text]) }
}

/// The lane of `text` among `lanes` lanes. The same text always gets the same lane.
pub fn lane_of(text: &str, lanes: u32) -> u32 {
    let [a, b, c, d, ..] = digest(&[text]);
    u32::from_be_bytes([a, b, c, d]) % lanes
}

fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_join_to_the_same_text_have_different_ids() {
        assert_ne!(id_of(&["a-b", "c"]), id_of(&["a", "b-c"]));
        assert_ne!(id_of(&["ab"]), id_of(&["a", "b"]));
        assert_ne!(short_id_of(&["", "a"]), short_id_of(&["a", ""]));
    }

    #[test]
    fn an_id_never_changes_between_releases() {
        assert_eq!(id_of(&["plan", "261123-094519-Guy-Wilson"]), "eCXNmNMGp3jrM5OOVRsjPA");
        assert_eq!(short_id_of(&["a", "b"]), "PJ1ZEEW8iHY");
    }

    #[test]
    fn plain_text_is_its_own_queue_id_and_anything_else_is_hashed() {
        assert_eq!(queue_id("plan#Guy-Wilson"), "plan#Guy-Wilson");
        for odd in ["Zoë Ltd", "two words", "", "tab\t", &"x".repeat(129)] {
            let id = queue_id(odd);
            assert_eq!(id.len(), 22, "{odd:?}");
            assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        assert_eq!(queue_id(&"x".repeat(128)).len(), 128);
    }
}
