//! How many lines unauthenticated requests may add to the log.

use jiff::Timestamp;

/// Lines per minute about requests without the token. Anybody can send any number of these
/// requests.
const LINES_A_MINUTE: u32 = 20;

/// Counts the lines of the current minute, and the lines that were left out.
#[derive(Debug, Default)]
pub(crate) struct LineBudget {
    minute: i64,
    lines: u32,
    left_out: u64,
}

impl LineBudget {
    /// Takes a line at `now`; `None` if the minute has no lines left. Otherwise the result is the
    /// number of lines that were left out before this one.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<u64> {
        let minute = now.as_second().div_euclid(60);
        // This also holds if the clock is set back.
        if minute != self.minute {
            (self.minute, self.lines) = (minute, 0);
        }
        if self.lines == LINES_A_MINUTE {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_a_bounded_number_of_lines_and_the_next_one_counts_what_was_left_out() {
        let at = |second: i64| Timestamp::from_second(1_795_427_100 + second).unwrap();
        let mut budget = LineBudget::default();
        let written = (0..1_000).filter_map(|_| budget.take(at(10))).count();
        assert_eq!(written, 20);
        assert_eq!(budget.take(at(70)), Some(980));
        assert_eq!(budget.take(at(71)), Some(0));
        // The clock is set back by two hours.
        assert_eq!(budget.take(at(-7_200)), Some(0));
    }
}
