//! Ids in Airtable's form: a prefix of three letters for the kind, then 14 letters and digits.

/// Numbers are reserved in the store this many at a time, so that a restart never repeats an id
/// and not every id costs a write.
pub(crate) const BLOCK: u64 = 1_000;

/// Draws ids from a seed: the same seed and the same order of draws give the same ids.
#[derive(Debug)]
pub(crate) struct Ids {
    seed: u64,
    next: u64,
    reserved: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64, used: u64) -> Self {
        Self { seed, next: used, reserved: used }
    }

    /// Draws an id. The number grows with every draw and so shows which id is older.
    pub(crate) fn draw(&mut self, prefix: &str) -> (u64, String) {
        let number = self.next;
        self.next += 1;
        let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut rng = fastrand::Rng::with_seed(self.seed.wrapping_add(spread));
        let mut id = prefix.to_owned();
        id.extend((0..14).map(|_| rng.alphanumeric()));
        (number, id)
    }

    /// The number up to which the store must reserve, if the last block is used up.
    pub(crate) fn reservation(&mut self) -> Option<u64> {
        if self.next <= self.reserved {
            return None;
        }
        self.reserved = self.next + BLOCK;
        Some(self.reserved)
    }
}

/// Whether `text` has the form of an id with this prefix.
pub(crate) fn is_id(prefix: &str, text: &str) -> bool {
    text.len() == 17
        && text.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() == 14 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_ids_and_no_id_twice() {
        let draw = |used| {
            let mut ids = Ids::new(7, used);
            (0..3).map(|_| ids.draw("rec").1).collect::<Vec<_>>()
        };
        assert_eq!(draw(0), draw(0));
        assert!(draw(0).iter().all(|id| is_id("rec", id)));
        assert!(draw(0).iter().all(|id| !draw(3).contains(id)));
    }

    #[test]
    fn a_block_is_reserved_before_its_first_id_is_used_elsewhere() {
        let mut ids = Ids::new(7, 0);
        assert_eq!(ids.reservation(), None);
        ids.draw("rec");
        assert_eq!(ids.reservation(), Some(1 + BLOCK));
        ids.draw("rec");
        assert_eq!(ids.reservation(), None);
    }

    #[test]
    fn an_id_has_a_prefix_and_fourteen_letters_and_digits() {
        assert!(is_id("rec", "recABCDEFGHIJKLMN"));
        for text in ["recABC", "tblABCDEFGHIJKLMN", "recABCDEFGHIJKLM_", "rec"] {
            assert!(!is_id("rec", text), "{text}");
        }
    }
}
