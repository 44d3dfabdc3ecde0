//! The lines of the cell `Tokens by Day`, such as `2026-11-28: 12,345`.

use crate::core::counted::grouped;
use jiff::civil::Date;

/// The line of a day.
pub(super) fn day_line(day: Date, tokens: u64) -> String {
    format!("{day}: {}", grouped(tokens))
}

/// The tokens of `day` in the cell; 0 if the day is not listed. `None` if a line of the cell cannot
/// be read.
pub fn tokens_of_day(cell: &str, day: Date) -> Option<u64> {
    sum(cell, |of| of == day)
}

/// The tokens of all days in the cell; `None` for a cell with an unreadable line.
pub fn tokens_of_all_days(cell: &str) -> Option<u64> {
    sum(cell, |_| true)
}

fn sum(cell: &str, is_counted: impl Fn(Date) -> bool) -> Option<u64> {
    let mut tokens: u64 = 0;
    for line in cell.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (of, count) = line.split_once(':')?;
        let of: Date = of.trim().parse().ok()?;
        let count: u64 = count.trim().replace(',', "").parse().ok()?;
        if is_counted(of) {
            // People can write any number.
            tokens = tokens.saturating_add(count);
        }
    }
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_written() {
        let day = jiff::civil::date(2026, 11, 28);
        for (tokens, line) in [
            (0, "2026-11-28: 0"),
            (999, "2026-11-28: 999"),
            (12_345, "2026-11-28: 12,345"),
            (1_000_000, "2026-11-28: 1,000,000"),
        ] {
            assert_eq!(day_line(day, tokens), line);
            assert_eq!(tokens_of_day(&format!("2026-11-27: 5\n{line}"), day), Some(tokens));
        }
        assert_eq!(tokens_of_day("2026-11-27: 5", day), Some(0));
        assert_eq!(tokens_of_all_days("2026-11-27: 5\n2026-11-28: 1,000"), Some(1_005));
        let most = format!("2026-11-28: {}", u64::MAX);
        assert_eq!(tokens_of_day(&format!("{most}\n{most}"), day), Some(u64::MAX));
        assert_eq!(tokens_of_day("", day), Some(0));
        assert_eq!(tokens_of_day("about 5", day), None);
        assert_eq!(tokens_of_day("2026-11-27: many", day), None);
    }
}
