//! Whether two sets of samples differ by more than noise.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use std::time::Duration;

pub fn median(samples: &[Duration]) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// Relative difference of the medians, and the z of Mann and Whitney's rank test.
#[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
pub fn compare(one: &[Duration], two: &[Duration]) -> (f64, f64) {
    let (first, second) = (median(one).as_secs_f64(), median(two).as_secs_f64());
    let wins = one
        .iter()
        .map(|a| two.iter().filter(|b| a > *b).count())
        .sum::<usize>() as f64;
    let (n, m) = (one.len() as f64, two.len() as f64);
    let rank = (wins - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt();
    ((first - second).abs() / first, rank.abs())
}

/// The classes `0..classes` in an order that is another one for each `turn`, so that none is always first, and none always
/// comes after the same other.
pub fn order(turn: usize, classes: usize) -> Vec<usize> {
    let mut state = turn as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut order: Vec<usize> = (0..classes).collect();
    for at in (1..classes).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let other = usize::try_from(state >> 33).unwrap_or(0) % (at + 1);
        order.swap(at, other);
    }
    order
}
