//! What a filtered convolution takes: its operands and their layout.
//!
//! Apart from the tasks that compute it.

use super::super::{
    element::Element,
    grid::{Geometry, Grid, Sizes},
    instruction_set::MAX_LANES,
    matrix::Matrix,
};

/// Places of a transformed tile.
pub(super) const PLACES: usize = 16;

/// Elements behind a grid that may be read, and are not used: rows are read by whole vectors.
pub(in super::super) const SLACK: usize = MAX_LANES;

/// The layout of the inputs: padded, rows and columns apart by parity, so that neighbouring tiles are neighbours in memory.
pub(in super::super) fn layout(sizes: Sizes) -> Grid {
    let odd = (sizes.height % 2).max(sizes.width % 2);
    Grid::new(Geometry { kernel: 4, stride: 2, padding: (1, 1 + odd) }, sizes)
}

/// A 3x3 convolution of one sample, stride 1, as many rows and columns out as in.
pub(in super::super) struct Filtering<'a, E> {
    /// Depth runs over channels, then the 9 taps.
    pub(in super::super) matrix: Matrix<'a, E>,
    /// Laid out as `layout` says, [`SLACK`] behind it.
    pub(in super::super) inputs: &'a [f32],
    pub(in super::super) layout: &'a Grid,
    pub(in super::super) channels: usize,
    /// Of the map.
    pub(in super::super) height: usize,
    pub(in super::super) width: usize,
    pub(in super::super) bias: Option<&'a [f32]>,
    /// Laid out as the output.
    pub(in super::super) residual: Option<&'a [f32]>,
}

impl<E: Element> Filtering<'_, E> {
    /// Checks that slices are as long as the sizes say, with an output of `out` values.
    ///
    /// # Panics
    /// If not.
    pub(super) fn check(&self, out: usize) {
        let (rows, area) = (self.matrix.rows(), self.height * self.width);
        assert_eq!(out, rows * area, "output");
        assert_eq!(self.matrix.depth(), padded::<E>(self.channels) / E::SPAN * 9, "taps");
        assert!(self.inputs.len() >= self.channels * self.layout.plane + SLACK, "inputs");
        assert!(self.bias.is_none_or(|b| b.len() == rows), "bias");
        assert!(self.residual.is_none_or(|r| r.len() == out), "residual");
    }

    /// Tiles of the map.
    pub(in super::super) fn tiles(&self) -> usize {
        self.height.div_ceil(2) * self.width.div_ceil(2)
    }
}

/// Channels with those that fill up the last two planes.
#[inline(always)]
pub(super) fn padded<E: Element>(channels: usize) -> usize {
    channels.next_multiple_of(2 * E::SPAN)
}
