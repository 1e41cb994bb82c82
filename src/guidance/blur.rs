//! The 3x3 smoothing of S-CFG (algorithms.md §0.1): separable taps after reflect padding by one element.
//!
//! Its reference squares `d / (2 sigma)` where a Gaussian halves `(d / sigma)^2`, so a nominal sigma of 0.5 acts like
//! 0.7071; the taps below are that kernel, normalised. Apart because it is not the textbook's Gaussian.

use crate::tensor::Plane;

/// `exp(-1) / (1 + 2 exp(-1))`: weight of either neighbour.
const SIDE: f32 = 0.211_941_56;
/// `1 / (1 + 2 exp(-1))`: weight of the element itself.
const CENTRE: f32 = 0.576_116_9;

/// Smooths a map. Constants are preserved. A side of one element has nothing to reflect and is repeated instead.
pub fn smooth(map: &Plane) -> Plane {
    let (h, w) = (map.height, map.width);
    let mut rows = vec![0.0; h * w];
    for (out, row) in rows.chunks_exact_mut(w).zip(map.values.chunks_exact(w)) {
        for (out, near) in out.iter_mut().skip(1).zip(row.windows(3)) {
            *out = weighted(near[0], near[1], near[2]);
        }
        for x in [0, w - 1] {
            let (left, right) = neighbours(x, w);
            out[x] = weighted(row[left], row[x], row[right]);
        }
    }
    let mut out = vec![0.0; h * w];
    for (y, out) in out.chunks_exact_mut(w).enumerate() {
        let (above, below) = neighbours(y, h);
        let [above, row, below] = [above, y, below].map(|y| &rows[y * w..][..w]);
        for (((out, above), row), below) in out.iter_mut().zip(above).zip(row).zip(below) {
            *out = weighted(*above, *row, *below);
        }
    }
    Plane::new(h, w, out)
}

#[inline]
fn weighted(before: f32, at: f32, after: f32) -> f32 {
    SIDE * (before + after) + CENTRE * at
}

/// Which values of a line of `n` make value `i` of the smoothed one, and by what weight.
pub(super) fn taps(i: usize, n: usize) -> [(usize, f32); 3] {
    let (before, after) = neighbours(i, n);
    [(before, SIDE), (i, CENTRE), (after, SIDE)]
}

/// Indices before and after `i` in a line of `n`, mirrored at the ends without repeating the end.
fn neighbours(i: usize, n: usize) -> (usize, usize) {
    let last = n - 1;
    (if i == 0 { 1.min(last) } else { i - 1 }, if i == last { last.saturating_sub(1) } else { i + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impulse_becomes_the_published_kernel() {
        let mut map = Plane::filled(5, 5, 0.0);
        map.values[12] = 1.0;
        let out = smooth(&map);
        for (y, x, want) in [(2, 2, 0.33191), (1, 2, 0.12210), (1, 1, 0.04492), (0, 2, 0.0)] {
            assert!((out.at(y, x) - want).abs() < 1e-5, "({y},{x}) = {}", out.at(y, x));
        }
    }

    #[test]
    fn borders_reflect_and_constants_stay() {
        let out = smooth(&Plane::filled(3, 7, 2.5));
        assert!(out.values.iter().all(|v| (v - 2.5).abs() < 1e-6));
        let edge = smooth(&Plane::new(1, 3, vec![1.0, 0.0, 0.0]));
        assert!((edge.values[1] - SIDE).abs() < 1e-6 && (edge.values[0] - CENTRE).abs() < 1e-6);
    }
}
