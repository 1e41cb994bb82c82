//! The packed left-hand side of products.
//!
//! Apart because convolutions pack it once and products, filtering and attention read it.

use std::ops::Range;

use super::element::Element;

/// Rows of a panel.
pub(super) const ROWS: usize = 8;

/// Products that are added one by one; longer sums are sums of such chains, which keeps rounding errors small. So many
/// rows of a tile are what a first-level cache holds.
const CHAIN: usize = 256;

/// The left-hand side, `[rows, depth]` elements, as panels of [`ROWS`] rows, filled up with zeros: one stretch of the
/// depth after another, each `[rows / 8][stretch][8]`. They are read in this order, from memory where they are many.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a, E> {
    panels: &'a [E],
    rows: usize,
    depth: usize,
    taps: usize,
}

impl<'a, E: Element> Matrix<'a, E> {
    /// Of `panels` that [`pack`] wrote with these sizes.
    ///
    /// # Panics
    /// If there are fewer panels.
    pub(super) fn new(panels: &'a [E], [rows, depth, taps]: [usize; 3]) -> Self {
        assert!(panels.len() >= packed_len(rows, depth), "panels");
        Self { panels, rows, depth, taps }
    }

    #[inline(always)]
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The stretch `depth` of a panel, `[stretch][8]`.
    #[inline(always)]
    pub(super) fn panel(&self, panel: usize, depth: &Range<usize>) -> &'a [E] {
        let before = depth.start * self.rows.div_ceil(ROWS) + panel * depth.len();
        &self.panels[before * ROWS..][..depth.len() * ROWS]
    }

    /// Elements of depth that are summed in one chain.
    #[inline(always)]
    pub(super) fn stretch(&self) -> usize {
        stretch::<E>(self.taps)
    }

    /// From element `k` of a panel to the end of its stretch, `[..][8]`.
    #[inline(always)]
    pub(super) fn from(&self, panel: usize, k: usize) -> &'a [E] {
        let first = k - k % self.stretch();
        let depth = first..(first + self.stretch()).min(self.depth);
        &self.panel(panel, &depth)[(k - first) * ROWS..]
    }

    /// Element `(row, k)`.
    pub(super) fn at(&self, row: usize, k: usize) -> E {
        self.from(row / ROWS, k)[row % ROWS]
    }
}

/// Elements of depth that are summed in one chain: with several taps whole pairs of planes.
#[inline(always)]
fn stretch<E: Element>(taps: usize) -> usize {
    CHAIN / E::SPAN / (2 * taps) * (2 * taps)
}

/// How many elements the panels of a matrix take.
pub(super) fn packed_len(rows: usize, depth: usize) -> usize {
    rows.div_ceil(ROWS) * ROWS * depth
}

/// The panels of a `[rows, depth]` matrix whose element is `at(row, k)`. `taps` are those of a convolution, else 1:
/// stretches do not part two planes' taps.
///
/// # Panics
/// If there are no taps, or more than a chain has room for.
pub(super) fn pack<E: Element>([rows, depth, taps]: [usize; 3], at: impl Fn(usize, usize) -> E) -> Vec<E> {
    let mut panels = vec![E::default(); packed_len(rows, depth)];
    let stretch = stretch::<E>(taps);
    let mut rest = &mut panels[..];
    for first in (0..depth).step_by(stretch) {
        let length = (depth - first).min(stretch);
        let (now, later) = rest.split_at_mut(packed_len(rows, length));
        rest = later;
        for (i, panel) in now.chunks_exact_mut(ROWS * length).enumerate() {
            let live = (rows - i * ROWS).min(ROWS);
            for (k, column) in panel.chunks_exact_mut(ROWS).enumerate() {
                for (r, value) in column.iter_mut().enumerate() {
                    *value = if r < live { at(i * ROWS + r, first + k) } else { E::default() };
                }
            }
        }
    }
    panels
}
