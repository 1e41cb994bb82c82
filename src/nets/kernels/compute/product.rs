//! Matrix products: a packed matrix times rows that lie in memory as they come.
//!
//! One inner loop serves convolutions, linear layers and attention. Row k of the right-hand side is
//! `data[starts[k]..]`, so a 3x3 convolution reads nine shifted views of the same padded map and nothing is laid out
//! anew. Each output is a sum of chains of fused multiply-adds in the order of k: how the work is cut up never shows in
//! a bit. Apart from the tasks that compute it, and from the cut into tasks.

use super::{element::Element, matrix::Matrix};

/// The right-hand side, whose columns are the positions of a map: column `y * width + x` of row k is
/// `data[starts[k] + y * stride + x]`.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a, E> {
    pub(super) data: &'a [E],
    /// The place of row k in `data`.
    pub(super) starts: &'a [usize],
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) stride: usize,
}

impl<E> Columns<'_, E> {
    pub(super) fn count(&self) -> usize {
        self.height * self.width
    }

    /// From the first to behind the last element of a row.
    fn extent(&self) -> usize {
        if self.count() == 0 { 0 } else { (self.height - 1) * self.stride + self.width }
    }
}

/// The places of outputs: position (y, x) of a row goes to `row * channel + first + y * line + x * step`.
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
    /// Checks that slices are as long as the sizes say, with an output of `out` values, and that no two outputs share a
    /// place.
    ///
    /// # Panics
    /// If not.
    pub(super) fn check(&self, out: usize) {
        let Self { matrix, columns, bias, residual, places } = self;
        assert_eq!(columns.starts.len(), matrix.depth(), "depth");
        let last = columns.starts.iter().max().copied().unwrap_or(0);
        assert!(columns.data.len() >= last + columns.extent(), "columns");
        assert!(columns.stride >= columns.width, "stride");
        assert!(bias.is_none_or(|b| b.len() == matrix.rows()), "bias");
        if let (Some(row), Some(y), Some(x)) =
            (matrix.rows().checked_sub(1), columns.height.checked_sub(1), columns.width.checked_sub(1))
        {
            let end = row * places.channel + places.first + y * places.line + x * places.step + 1;
            assert!(out >= end && residual.is_none_or(|r| r.len() >= end), "output");
            // Lines and rows follow one another, so that no two positions share a place.
            assert!(places.step > 0 && places.line > x * places.step, "lines");
            assert!(row == 0 || places.channel > y * places.line + x * places.step, "rows");
        }
    }
}
