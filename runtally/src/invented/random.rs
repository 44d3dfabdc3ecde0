//! Random choices that depend only on the seed.

use fastrand::Rng;

/// A generator for the thing that `parts` name. The same parts give the same choices, whatever else
/// was made before.
pub(super) fn rng(parts: &[u64]) -> Rng {
    Rng::with_seed(parts.iter().fold(0x005e_ed0f_da7a, |mixed, &part| mix(mixed ^ mix(part))))
}

pub(super) fn letters(rng: &mut Rng, length: usize) -> String {
    (0..length).map(|_| rng.alphanumeric()).collect()
}

/// One of `words`.
///
/// # Panics
/// If `words` is empty.
pub(super) fn pick(rng: &mut Rng, words: &[&'static str]) -> &'static str {
    words[rng.usize(..words.len())]
}

/// Spreads neighbouring numbers over all of `u64` (the finaliser of SplitMix64).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_parts_counts_and_nothing_else_does() {
        let drawn = |parts: &[u64]| rng(parts).u64(..);
        assert_eq!(drawn(&[7, 1, 2]), drawn(&[7, 1, 2]));
        assert_ne!(drawn(&[7, 1, 2]), drawn(&[7, 2, 1]));
        assert_ne!(drawn(&[7, 1]), drawn(&[8, 1]));
    }
}
