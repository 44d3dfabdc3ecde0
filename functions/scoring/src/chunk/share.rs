//! Divides the tokens of a call over its leads.

/// Divides `total` by `weights`. The parts add up to `total` exactly. If all weights are 0, they
/// count as equal.
///
/// Each part is the difference of two rounded running sums, so rounding errors cancel out.
pub(super) fn split(total: u64, weights: &[u32]) -> Vec<u64> {
    let all: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let (all, flat) = if all == 0 { (weights.len() as u128, true) } else { (all, false) };
    let mut sum = 0_u128;
    let mut given = 0_u64;
    weights
        .iter()
        .map(|weight| {
            sum += if flat { 1 } else { u128::from(*weight) };
            let until = u64::try_from(u128::from(total) * sum / all).unwrap_or(total);
            let part = until - given;
            given = until;
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_longer_lead_has_a_larger_part() {
        assert_eq!(split(100, &[1, 3]), [25, 75]);
        assert_eq!(split(10, &[1, 1, 1]), [3, 3, 4]);
        assert_eq!(split(7, &[0, 0]), [3, 4]);
        assert_eq!(split(7, &[0, 5]), [0, 7]);
        assert_eq!(split(0, &[2, 1]), [0, 0]);
        assert!(split(5, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_whole(
            total in any::<u64>(),
            weights in prop::collection::vec(any::<u32>(), 1..12),
        ) {
            let parts = split(total, &weights);
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(total));
        }
    }
}
