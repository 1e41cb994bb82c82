//! Restart sampling (Xu et al. 2023, arXiv 2306.14878) with the intervals of A1111's sampler of that name.
//!
//! Separate from Heun's method, by which it steps: this says which steps are made.

use super::{
    frame::{Interval, intervals},
    sigmas::karras,
};

/// Noise levels between which steps are repeated.
const LEAST: f32 = 0.1;
const MOST: f32 = 2.0;

/// The steps of a restarted run: `steps` of them, where that is at least 20. Of each restart the first begins above the end of
/// the step before it; `sigmas` give the run's range, and are its steps where there are fewer.
pub(super) fn restarted(sigmas: &[f32], steps: usize) -> Vec<Interval> {
    let (repeated, times) = match steps {
        0..20 => return intervals(sigmas),
        20..36 => (9, 1),
        _ => (steps / 4, 2),
    };
    let positive: Vec<f32> = sigmas.iter().copied().filter(|sigma| *sigma > 0.0).collect();
    let (Some(&most), Some(&least)) = (positive.first(), positive.last()) else { return intervals(sigmas) };
    let mut spaced = spaced(most, least, steps - repeated * times);
    let (low, high) = (nearest(&spaced, LEAST), nearest(&spaced, MOST));
    let again = self::spaced(spaced[high], spaced[low], repeated + 1);
    spaced.push(0.0);
    let mut list = intervals(&spaced);
    if high < low {
        let extra: Vec<Interval> = std::iter::repeat_n(intervals(&again), times).flatten().collect();
        list.splice(low..low, extra);
    }
    list
}

fn spaced(most: f32, least: f32, count: usize) -> Vec<f32> {
    karras(f64::from(most), f64::from(least), 7.0, count).into_iter().map(|sigma| sigma as f32).collect()
}

fn nearest(sigmas: &[f32], target: f32) -> usize {
    let apart = |i: &usize| (sigmas[*i] - target).abs();
    (0..sigmas.len()).min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap_or(0)
}
