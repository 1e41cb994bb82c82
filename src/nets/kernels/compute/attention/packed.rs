//! The sizes of one attention, and its keys and values in the layout that the inner loop reads.
//!
//! Apart because a head is packed once and read by every block of queries.

use std::f32::consts::LOG2_E;

use super::super::matrix::ROWS;

/// Keys whose scores are held at a time: 24 KiB for the widest tile.
pub(super) const KEYS: usize = 128;

/// Sizes of one attention.
#[derive(Clone, Copy)]
pub(in super::super) struct Sizes {
    pub(in super::super) heads: usize,
    /// Width of a head.
    pub(in super::super) d: usize,
    /// Queries.
    pub(in super::super) n: usize,
    /// Keys.
    pub(in super::super) l: usize,
    /// Whether a query does not see the keys after its own position.
    pub(in super::super) causal: bool,
}

impl Sizes {
    /// Floats that a head keeps for its map: what each key brought, `[l, n]`, and the factor it has in the end,
    /// `[l / 128, n]`.
    pub(in super::super) fn kept(self) -> usize {
        (self.l + self.l.div_ceil(KEYS)) * self.n
    }
}

/// The keys and values of a head.
pub(in super::super) struct Packed {
    /// Scaled, so that scores are powers of 2: `[l / 8][d][8]`, filled up with zeros.
    keys: Vec<f32>,
    /// For each [`KEYS`] of them, or the rest, `[d / 8][keys][8]`, filled up with zeros.
    values: Vec<f32>,
}

impl Packed {
    /// Of `key` and `value`, `[d, l]` each.
    ///
    /// # Panics
    /// If they have other sizes.
    pub(in super::super) fn new(Sizes { d, l, .. }: Sizes, key: &[f32], value: &[f32]) -> Self {
        assert!(key.len() == d * l && value.len() == d * l, "keys and values of a head");
        let scale = LOG2_E / (d as f32).sqrt();
        let mut keys = vec![0.0; l.next_multiple_of(ROWS) * d];
        for (panel, keys) in keys.chunks_exact_mut(ROWS * d).enumerate() {
            for (key, to) in key.chunks_exact(l).zip(keys.chunks_exact_mut(ROWS)) {
                let from = &key[panel * ROWS..l.min((panel + 1) * ROWS)];
                to.iter_mut().zip(from).for_each(|(to, key)| *to = key * scale);
            }
        }
        let mut values = vec![0.0; d.next_multiple_of(ROWS) * l];
        let mut rest = &mut values[..];
        for first in (0..l).step_by(KEYS) {
            let count = (l - first).min(KEYS);
            let (now, later) = rest.split_at_mut(d.next_multiple_of(ROWS) * count);
            rest = later;
            for (row, value) in value.chunks_exact(l).enumerate() {
                let to = now[row / ROWS * ROWS * count + row % ROWS..].iter_mut().step_by(ROWS);
                to.zip(&value[first..first + count]).for_each(|(to, value)| *to = *value);
            }
        }
        Self { keys, values }
    }

    /// A head without keys, to be replaced.
    pub(super) fn empty() -> Self {
        Self { keys: Vec::new(), values: Vec::new() }
    }

    /// Panel `panel` of the keys, `[d][8]`.
    #[inline(always)]
    pub(super) fn keys(&self, panel: usize, d: usize) -> &[f32] {
        &self.keys[panel * ROWS * d..][..ROWS * d]
    }

    /// The values of the `count` keys from `first` on, a multiple of [`KEYS`]: `[d / 8][count][8]`.
    #[inline(always)]
    pub(super) fn values(&self, first: usize, count: usize, d: usize) -> &[f32] {
        &self.values[first * d.next_multiple_of(ROWS)..][..count * d.next_multiple_of(ROWS)]
    }
}
