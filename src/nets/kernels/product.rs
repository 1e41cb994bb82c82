//! Matrix products: a packed matrix times rows that lie in memory as they come.
//!
//! One inner loop serves convolutions, linear layers and attention. Row k of the right-hand side is
//! `data[starts[k]..]`, so a 3x3 convolution reads nine shifted views of the same padded map and nothing is laid out
//! anew. Each output is a sum of chains of fused multiply-adds in the order of k: how the work is cut up never shows in
//! a bit.

use std::{mem::MaybeUninit, ops::Range};

use super::{
    element::Element,
    tile::{CHAIN, Target, Task, tile_width},
    worker_pool,
};

/// Rows of a panel.
pub(super) const ROWS: usize = 8;
/// Elements of the right-hand side that a task gathers at a time and reads again for each panel: 192 KiB, well inside a
/// second-level cache.
const BLOCK_ELEMENTS: usize = 48 << 10;
/// Multiplications that are worth a task of their own: some microseconds.
const TASK_WORK: usize = 1 << 19;

/// The left-hand side, `[rows, depth]` elements, as panels of [`ROWS`] rows, filled up with zeros: one stretch of the
/// depth after another, each `[rows / 8][stretch][8]`. In this order they are read, from memory where they are many.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a, E> {
    pub(super) panels: &'a [E],
    pub(super) rows: usize,
    pub(super) depth: usize,
    /// Of a convolution, else 1: stretches do not part two planes' taps.
    pub(super) taps: usize,
}

impl<'a, E: Element> Matrix<'a, E> {
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

/// Writes the panels of a `[rows, depth]` matrix whose element is `at(row, k)`; `taps` as in [`Matrix`].
pub(super) fn pack<E: Element>(panels: &mut [E], [rows, depth, taps]: [usize; 3], at: impl Fn(usize, usize) -> E) {
    assert_eq!(panels.len(), packed_len(rows, depth));
    let stretch = stretch::<E>(taps);
    let mut rest = panels;
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
}

/// The right-hand side, whose columns are the positions of a map: column `y * width + x` of row k is
/// `data[starts[k] + y * stride + x]`.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a, E> {
    pub(super) data: &'a [E],
    /// Where row k begins in `data`.
    pub(super) starts: &'a [usize],
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) stride: usize,
}

impl<E> Columns<'_, E> {
    fn count(&self) -> usize {
        self.height * self.width
    }

    /// From the first to behind the last element of a row.
    fn extent(&self) -> usize {
        if self.count() == 0 { 0 } else { (self.height - 1) * self.stride + self.width }
    }
}

/// Where outputs go: position (y, x) of a row to `row * channel + first + y * line + x * step`.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) channel: usize,
    pub(super) first: usize,
    pub(super) line: usize,
    pub(super) step: usize,
}

impl Places {
    /// One position after another, rows `channel` apart.
    pub(super) fn dense(channel: usize, width: usize) -> Self {
        Self { channel, first: 0, line: width, step: 1 }
    }
}

/// `out[row, position] = bias[row] + sum over k of matrix[row, k] * columns[k, position] + residual[row, position]`.
#[derive(Clone, Copy)]
pub(super) struct Product<'a, E> {
    pub(super) matrix: Matrix<'a, E>,
    pub(super) columns: Columns<'a, E>,
    pub(super) bias: Option<&'a [f32]>,
    /// Laid out as the output.
    pub(super) residual: Option<&'a [f32]>,
    pub(super) places: Places,
}

impl<E: Element> Product<'_, E> {
    /// Writes all outputs to `out`, on all threads of the current pool.
    ///
    /// # Panics
    /// Where slices are shorter than the sizes claim: a mistake of the caller that must not become a stray read.
    pub(super) fn fill(&self, out: &mut [MaybeUninit<f32>]) {
        self.check(out.len());
        let total = self.columns.count();
        let panels = self.matrix.rows.div_ceil(ROWS);
        if total == 0 || panels == 0 {
            return;
        }
        let width = tile_width();
        let tiles = total.div_ceil(width);
        let cut = Cut::of(
            panels,
            tiles,
            self.matrix.depth * ROWS * width,
            width * self.matrix.depth.min(self.matrix.stretch()),
        );
        let target = Target::of(out);
        // Each task has panels and columns of its own, so no output is written twice.
        let run = |task: usize| {
            let (row_part, tile_part) = (task % cut.row_parts, task / cut.row_parts);
            let tiles = part(tiles, cut.tile_parts, tile_part);
            let panels = part(panels, cut.row_parts, row_part);
            let columns = tiles.start * width..(tiles.end * width).min(total);
            Task::with_room(self, [panels, columns], target, E::run);
        };
        worker_pool::each(cut.row_parts * cut.tile_parts, run);
    }

    fn check(&self, out: usize) {
        let Self { matrix, columns, bias, residual, places } = self;
        assert!(matrix.panels.len() >= packed_len(matrix.rows, matrix.depth), "panels");
        assert_eq!(columns.starts.len(), matrix.depth, "depth");
        let last = columns.starts.iter().max().copied().unwrap_or(0);
        assert!(columns.data.len() >= last + columns.extent(), "columns");
        assert!(columns.stride >= columns.width, "stride");
        assert!(bias.is_none_or(|b| b.len() == matrix.rows), "bias");
        if let (Some(row), Some(y), Some(x)) =
            (matrix.rows.checked_sub(1), columns.height.checked_sub(1), columns.width.checked_sub(1))
        {
            let end = row * places.channel + places.first + y * places.line + x * places.step + 1;
            assert!(out >= end && residual.is_none_or(|r| r.len() >= end), "output");
            // Lines and rows follow one another, so that no two positions share a place.
            assert!(places.step > 0 && places.line > x * places.step, "lines");
            assert!(row == 0 || places.channel > y * places.line + x * places.step, "rows");
        }
    }
}

/// Into how many parts rows and tiles are cut.
struct Cut {
    row_parts: usize,
    tile_parts: usize,
}

impl Cut {
    /// Enough tasks for all threads, none too small to be worth it, and none with more columns than a cache holds.
    fn of(panels: usize, tiles: usize, work_per_tile: usize, elements_per_tile: usize) -> Self {
        let cached = tiles.div_ceil((BLOCK_ELEMENTS / elements_per_tile.max(1)).max(1));
        let threads = worker_pool::hands();
        let wanted = (panels * tiles * work_per_tile / TASK_WORK).clamp(1, 4 * threads);
        // Columns are cut first: then each task packs the whole matrix through one block of columns. Every thread gets
        // as many of them: one task too many keeps all threads but one waiting for it.
        let tile_parts = cached.max(wanted.min(tiles)).next_multiple_of(threads).min(tiles);
        let row_parts = wanted.div_ceil(tile_parts).min(panels);
        if tile_parts > cached && row_parts == 1 && panels > 2 * wanted && tiles < 4 * wanted {
            // Few columns and many rows (small maps): rows divide more evenly.
            return Self { row_parts: wanted.div_ceil(cached), tile_parts: cached };
        }
        Self { row_parts, tile_parts }
    }
}

/// Part `index` of `0..len` in `parts` nearly equal ones.
pub(super) fn part(len: usize, parts: usize, index: usize) -> Range<usize> {
    len * index / parts..len * (index + 1) / parts
}
