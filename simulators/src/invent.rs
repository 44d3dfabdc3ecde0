//! Ids and numbers drawn from a hash, so that the same input always gives the same output.

use sha2::{Digest, Sha256};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An id of `length` letters and digits (at most 32) for the thing that `parts` name.
pub(crate) fn id(parts: &[&str], length: usize) -> String {
    let digest = digest(parts);
    digest.iter().take(length).map(|&byte| char::from(BASE62[usize::from(byte) % 62])).collect()
}

/// A number spread evenly over all of `u64`, the same for the same `parts`.
pub(crate) fn number(parts: &[&str]) -> u64 {
    digest(parts).iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Hashes the parts with their lengths, so that `["ab", "c"]` differs from `["a", "bc"]`.
fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(number(&["ab", "c"]), number(&["a", "bc"]));
        assert_eq!(id(&["run", "1"], 17).len(), 17);
    }
}
