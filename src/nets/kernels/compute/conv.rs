//! Convolutions and linear layers with their surroundings: norm and silu before, shift and shortcut after.
//!
//! Apart from the products that compute them: here a map becomes columns, or its tiles.
#![allow(unsafe_code, reason = "outputs are written before their vector gets its length")]

use std::mem::MaybeUninit;

use super::{
    element::{Element, Rows},
    grid::{Geometry, Grid, Sizes},
    instruction_set::MAX_LANES,
    matrix::Matrix,
    memory::{filled, scratch},
    multiply::Multiply,
    norm::GroupNormArgs,
    product::{Columns, Places, Product},
    weights::{Packed, Panels, Weights},
    winograd::{self, Filtering},
};

/// Weights that caches may hold from one use to the next, in elements: 8 MiB.
const CACHED: usize = 2 << 20;

/// What happens around a convolution.
#[derive(Default)]
pub(crate) struct Extras<'a> {
    /// Before it.
    pub(crate) norm: Option<GroupNormArgs<'a>>,
    /// Resizes to `[height, width]` by nearest neighbours, after the norm.
    pub(crate) size: Option<[usize; 2]>,
    /// Added to each output channel, `[batch, outputs]`.
    pub(crate) shift: Option<&'a [f32]>,
    /// Added to the output, shaped like it.
    pub(crate) residual: Option<&'a [f32]>,
}

/// `[batch, inputs, h, w]` to `[batch, outputs, h', w']`, whose sizes it returns too.
///
/// # Panics
/// If slices have other sizes than that, or the weights are those of another convolution.
pub(crate) fn convolve(
    x: &[f32],
    [batch, inputs, h, w]: [usize; 4],
    weights: &Weights,
    geometry: Geometry,
    extras: &Extras,
) -> ([usize; 4], Vec<f32>) {
    let [height, width] = extras.size.unwrap_or([h, w]);
    let (high, wide) = (geometry.output(height), geometry.output(width));
    let per_sample = weights.rows * high * wide;
    assert!(x.len() == batch * inputs * h * w, "a map");
    assert!(extras.shift.is_none_or(|shift| shift.len() == batch * weights.rows), "a shift");
    assert!(extras.residual.is_none_or(|residual| residual.len() == batch * per_sample), "a residual");
    // SAFETY: `Sample::convolve` writes all of its sample's outputs.
    let out = unsafe {
        filled(batch * per_sample, |out| {
            for (i, out) in out.chunks_exact_mut(per_sample.max(1)).enumerate() {
                let bias = weights.shifted(extras.shift.map(|s| &s[i * weights.rows..][..weights.rows]));
                let sample = Sample {
                    source: &x[i * inputs * h * w..][..inputs * h * w],
                    inputs,
                    sizes: Sizes { h, w, height, width },
                    geometry,
                    bias: bias.as_deref(),
                    norm: extras.norm.as_ref(),
                    residual: extras.residual.map(|r| &r[i * per_sample..][..per_sample]),
                };
                match &weights.packed {
                    Packed::Singles(panels) => sample.convolve(panels, out),
                    Packed::Pairs(panels) => sample.convolve(panels, out),
                }
            }
        })
    };
    ([batch, weights.rows, high, wide], out)
}

/// One sample's convolution.
#[derive(Clone, Copy)]
struct Sample<'a> {
    /// `[inputs, h, w]`.
    source: &'a [f32],
    inputs: usize,
    sizes: Sizes,
    geometry: Geometry,
    bias: Option<&'a [f32]>,
    norm: Option<&'a GroupNormArgs<'a>>,
    residual: Option<&'a [f32]>,
}

impl Sample<'_> {
    /// Writes every element of `out`.
    fn convolve<E: Multiply>(&self, panels: &Panels<E>, out: &mut [MaybeUninit<f32>]) {
        let Sizes { h, w, height, width } = self.sizes;
        assert!(panels.inputs() == self.inputs, "channels of a convolution");
        assert!(panels.taps() == self.geometry.kernel * self.geometry.kernel, "taps of a convolution");
        if self.geometry == Geometry::same(3) && (height, width) == (2 * h, 2 * w) {
            return self.convolve_doubled(panels, out);
        }
        if self.geometry == Geometry::same(3) && filters(panels, height * width) {
            return self.filter(panels, out);
        }
        let grid = Grid::new(self.geometry, self.sizes);
        let (high, wide) = (self.geometry.output(height), self.geometry.output(width));
        let places = Places::dense(high * wide, wide);
        if self.geometry.is_plain() && self.norm.is_none() && (height, width) == (h, w) {
            let rows = Rows { data: self.source, depth: self.inputs, stride: h * w, first: 0, count: h * w };
            E::lend(rows, |data, starts| {
                self.product(panels.matrix(), data, starts, [high, wide, wide], places).fill(out);
            });
        } else {
            let starts = panels.starts(grid.plane, panels.taps(), |tap| grid.tap(tap));
            self.on_grid(&grid, 0, |data| {
                self.product(panels.matrix(), data, &starts, [high, wide, grid.row], places).fill(out);
            });
        }
    }

    /// By minimal filtering.
    fn filter<E: Element>(&self, panels: &Panels<E>, out: &mut [MaybeUninit<f32>]) {
        let layout = winograd::layout(self.sizes);
        self.on_grid(&layout, winograd::SLACK, |inputs| {
            let Sizes { height, width, .. } = self.sizes;
            Filtering {
                matrix: panels.matrix(),
                inputs,
                layout: &layout,
                channels: self.inputs,
                height,
                width,
                bias: self.bias,
                residual: self.residual,
            }
            .fill(out);
        });
    }

    /// The four phases of a doubled map, each from the small map; see [`Panels::doubled`].
    fn convolve_doubled<E: Multiply>(&self, panels: &Panels<E>, out: &mut [MaybeUninit<f32>]) {
        let Sizes { h, w, height, width } = self.sizes;
        let grid = Grid::new(self.geometry, Sizes { h, w, height: h, width: w });
        self.on_grid(&grid, 0, |data| {
            for (phase, matrix) in panels.doubled().into_iter().enumerate() {
                let (odd_row, odd_column) = (phase / 2, phase % 2);
                let place = |tap: usize| (odd_row + tap / 2) * grid.row + odd_column + tap % 2;
                let starts = panels.starts(grid.plane, 4, place);
                let first = odd_row * width + odd_column;
                let places = Places { channel: height * width, first, line: 2 * width, step: 2 };
                self.product(matrix, data, &starts, [h, w, grid.row], places).fill(out);
            }
        });
    }

    /// Lends `work` the map with its borders, normalised if there is a norm, and `slack` elements more.
    fn on_grid<E: Element>(&self, grid: &Grid, slack: usize, work: impl FnOnce(&[E])) {
        let prepare = self.norm.map(|norm| norm.channels(self.source, self.sizes.h * self.sizes.w));
        let len = self.inputs.div_ceil(E::SPAN) * grid.plane;
        scratch(len + slack, |data| {
            grid.fill(&mut data[..len], self.source, prepare.as_deref());
            work(data);
        });
    }

    /// `[height, width, stride]` are those of the columns.
    fn product<'a, E: Element>(
        &'a self,
        matrix: Matrix<'a, E>,
        data: &'a [E],
        starts: &'a [usize],
        [height, width, stride]: [usize; 3],
        places: Places,
    ) -> Product<'a, E> {
        let columns = Columns { data, starts, height, width, stride };
        Product { matrix, columns, bias: self.bias, residual: self.residual, places }
    }
}

/// Whether minimal filtering is worth it. Below some channels its transforms are most of the work; kernels that come from
/// memory are not worth transforming for one vector of tiles.
fn filters<E: Element>(panels: &Panels<E>, area: usize) -> bool {
    let (channels, cached) = (16, panels.len() <= CACHED);
    let matrix = panels.matrix();
    matrix.rows() >= channels && matrix.depth() >= channels * 9 / E::SPAN && (cached || area > 4 * MAX_LANES)
}

/// `[batch, inputs, n]` to `[batch, outputs, n]`; `residual` is added to the output.
///
/// # Panics
/// If slices have other sizes than that, or the weights are those of another layer.
pub(crate) fn multiply(
    x: &[f32],
    [batch, inputs, n]: [usize; 3],
    weights: &Weights,
    residual: Option<&[f32]>,
) -> Vec<f32> {
    let per_sample = weights.rows * n;
    assert!(x.len() == batch * inputs * n, "the input of a linear layer");
    assert!(residual.is_none_or(|residual| residual.len() == batch * per_sample), "a residual");
    // SAFETY: a product writes all of its sample's outputs.
    unsafe {
        filled(batch * per_sample, |out| {
            for (i, out) in out.chunks_exact_mut(per_sample.max(1)).enumerate() {
                let data = &x[i * inputs * n..][..inputs * n];
                let rows = Rows { data, depth: inputs, stride: n, first: 0, count: n };
                let residual = residual.map(|r| &r[i * per_sample..][..per_sample]);
                match &weights.packed {
                    Packed::Singles(panels) => multiply_sample(panels, rows, weights.bias.as_deref(), residual, out),
                    Packed::Pairs(panels) => multiply_sample(panels, rows, weights.bias.as_deref(), residual, out),
                }
            }
        })
    }
}

/// Writes the products of all these columns.
fn multiply_sample<E: Multiply>(
    panels: &Panels<E>,
    rows: Rows,
    bias: Option<&[f32]>,
    residual: Option<&[f32]>,
    out: &mut [MaybeUninit<f32>],
) {
    let n = rows.count;
    assert!(panels.inputs() == rows.depth && panels.taps() == 1, "channels of a linear layer");
    E::lend(rows, |data, starts| {
        let columns = Columns { data, starts, height: 1, width: n, stride: n };
        Product { matrix: panels.matrix(), columns, bias, residual, places: Places::dense(n, n) }.fill(out);
    });
}
