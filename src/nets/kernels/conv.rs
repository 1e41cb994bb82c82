//! Convolutions and linear layers with their surroundings: norm and silu before, shift and shortcut after.
#![allow(unsafe_code, reason = "outputs are written before their vector gets its length")]

use std::{array, mem::MaybeUninit, sync::OnceLock};

use burn::tensor::Tensor;

pub(in super::super) use super::grid::Geometry;
use super::{
    element::{Element, Pair, Rows},
    grid::{Grid, Sizes},
    memory::{filled, scratch},
    norm::GroupNorm,
    product::{Columns, Matrix, Places, Product, pack, packed_len},
    values::{self, Values},
    winograd::{self, Filtering},
};
use crate::nets::Precision;

/// The matrix of a convolution or linear layer in the layout that products want, with its bias.
pub(in super::super) struct Weights {
    packed: Packed,
    rows: usize,
    bias: Option<Vec<f32>>,
}

enum Packed {
    Singles(Panels<f32>),
    Pairs(Panels<Pair>),
}

/// Weights that caches may hold from one use to the next, in elements: 8 MiB.
const CACHED: usize = 2 << 20;

impl Weights {
    /// Packs `[rows, depth]`, row-major; a convolution's weight `[outputs, inputs, k, k]` is one with
    /// depth = inputs * `taps`, taps = k * k.
    pub(in super::super) fn new(
        values: &[f32],
        rows: usize,
        taps: usize,
        precision: Precision,
        bias: Option<Vec<f32>>,
    ) -> Self {
        let packed = match precision {
            Precision::F32 | Precision::F16 => Packed::Singles(Panels::new(values, rows, taps)),
            Precision::Bf16 => Packed::Pairs(Panels::new(values, rows, taps)),
        };
        Self { packed, rows, bias }
    }
}

/// Panels of one kind of element. In their depth an element holds a tap of SPAN channels, a plane. A product with
/// several taps takes two planes at a time, tap by tap: `[planes / 2][taps][2]`.
pub(super) struct Panels<E> {
    panels: Vec<E>,
    rows: usize,
    depth: usize,
    taps: usize,
    /// See [`Panels::doubling`].
    doubling: OnceLock<[Vec<E>; 4]>,
}

impl<E: Element> Panels<E> {
    pub(super) fn new(values: &[f32], rows: usize, taps: usize) -> Self {
        let row_len = values.len() / rows.max(1);
        let inputs = row_len / taps.max(1);
        let depth = planes::<E>(inputs, taps) * taps;
        let mut panels = vec![E::default(); packed_len(rows, depth)];
        pack(&mut panels, [rows, depth, taps], |row, k| {
            let (plane, tap) = plane_and_tap(k, taps);
            let channel = plane * E::SPAN;
            // A channel that is missing counts as zero.
            E::of(|i| if channel + i < inputs { values[row * row_len + (channel + i) * taps + tap] } else { 0.0 })
        });
        Self { panels, rows, depth, taps, doubling: OnceLock::new() }
    }

    pub(super) fn matrix(&self) -> Matrix<'_, E> {
        Matrix { panels: &self.panels, rows: self.rows, depth: self.depth, taps: self.taps }
    }

    /// A 3x3 convolution of a map doubled by nearest neighbours sees each value of the small map in 1, 2 or 4 taps.
    /// These are the summed taps: for outputs of even and odd rows, and even and odd columns within those, the panels
    /// of a 2x2 convolution of the small map. 4 multiplications take the place of 9.
    fn doubling(&self) -> &[Vec<E>; 4] {
        // Which of the three taps fall on the first of two values, at even outputs, and at odd ones.
        const FIRST: [usize; 2] = [1, 2];
        let taps = |odd: usize, second: usize| if second == 0 { 0..FIRST[odd] } else { FIRST[odd]..3 };
        let matrix = self.matrix();
        let at = |row: usize, k: usize| matrix.at(row, k);
        self.doubling.get_or_init(|| {
            array::from_fn(|phase| {
                let depth = self.depth / self.taps * 4;
                let mut panels = vec![E::default(); packed_len(self.rows, depth)];
                pack(&mut panels, [self.rows, depth, 4], |row, k| {
                    let (plane, tap) = plane_and_tap(k, 4);
                    let line = |ky: usize| taps(phase % 2, tap % 2).map(move |kx| ky * 3 + kx);
                    let seen = || taps(phase / 2, tap / 2).flat_map(line).map(|tap| element(plane, tap, 9));
                    E::of(|i| seen().map(|k| f64::from(at(row, k).value(i))).sum::<f64>() as f32)
                });
                panels
            })
        })
    }
}

/// Planes of a product of this many channels: with several taps an even number.
fn planes<E: Element>(channels: usize, taps: usize) -> usize {
    let planes = channels.div_ceil(E::SPAN);
    if taps > 1 { planes.next_multiple_of(2) } else { planes }
}

/// The element of depth that holds `tap` of `plane`.
fn element(plane: usize, tap: usize, taps: usize) -> usize {
    if taps > 1 { (plane / 2 * taps + tap) * 2 + plane % 2 } else { plane }
}

/// The inverse of [`element`].
fn plane_and_tap(k: usize, taps: usize) -> (usize, usize) {
    if taps > 1 { (k / (2 * taps) * 2 + k % 2, k / 2 % taps) } else { (k, 0) }
}

/// What happens around a convolution.
#[derive(Default)]
pub(in super::super) struct Extras<'a> {
    /// Before it.
    pub(in super::super) norm: Option<GroupNorm<'a>>,
    /// Resizes to `[height, width]` by nearest neighbours, after the norm.
    pub(in super::super) size: Option<[usize; 2]>,
    /// Added to each output channel, `[batch, outputs]`.
    pub(in super::super) shift: Option<&'a [f32]>,
    /// Added to the output, shaped like it.
    pub(in super::super) residual: Option<&'a [f32]>,
}

/// `[batch, inputs, h, w]` to `[batch, outputs, h', w']`.
pub(in super::super) fn convolve(
    x: &Values,
    [batch, inputs, h, w]: [usize; 4],
    weights: &Weights,
    geometry: Geometry,
    extras: &Extras,
) -> Tensor<4> {
    let [height, width] = extras.size.unwrap_or([h, w]);
    let (high, wide) = (geometry.output(height), geometry.output(width));
    let per_sample = weights.rows * high * wide;
    // SAFETY: `one_sample` writes all of its sample's outputs.
    let out = unsafe {
        filled(batch * per_sample, |out| {
            for (i, out) in out.chunks_exact_mut(per_sample.max(1)).enumerate() {
                let bias = shifted(weights, extras.shift.map(|s| &s[i * weights.rows..][..weights.rows]));
                let sample = Sample {
                    source: &x[i * inputs * h * w..][..inputs * h * w],
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
    values::tensor(out, [batch, weights.rows, high, wide])
}

/// One sample's convolution.
#[derive(Clone, Copy)]
struct Sample<'a> {
    source: &'a [f32],
    sizes: Sizes,
    geometry: Geometry,
    bias: Option<&'a [f32]>,
    norm: Option<&'a GroupNorm<'a>>,
    residual: Option<&'a [f32]>,
}

impl Sample<'_> {
    /// Writes every element of `out`.
    fn convolve<E: Element>(&self, panels: &Panels<E>, out: &mut [MaybeUninit<f32>]) {
        let Sizes { h, w, height, width } = self.sizes;
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
            let rows = Rows { data: self.source, depth: self.inputs(), stride: h * w, first: 0, count: h * w };
            E::lend(rows, |data, starts| {
                self.product(panels.matrix(), data, starts, [high, wide, wide], places).fill(out);
            });
        } else {
            let starts = self.starts(panels, grid.plane, panels.taps, |tap| grid.tap(tap));
            self.on_grid(&grid, 0, |data| {
                self.product(panels.matrix(), data, &starts, [high, wide, grid.row], places).fill(out);
            });
        }
    }

    /// By minimal filtering.
    fn filter<E: Element>(&self, panels: &Panels<E>, out: &mut [MaybeUninit<f32>]) {
        let layout = winograd::grid(self.sizes);
        self.on_grid(&layout, winograd::SLACK, |inputs| {
            let Sizes { height, width, .. } = self.sizes;
            Filtering {
                matrix: panels.matrix(),
                inputs,
                layout: &layout,
                channels: self.inputs(),
                height,
                width,
                bias: self.bias,
                residual: self.residual,
            }
            .fill(out);
        });
    }

    /// The four phases of a doubled map, each from the small map; see [`Panels::doubling`].
    fn convolve_doubled<E: Element>(&self, panels: &Panels<E>, out: &mut [MaybeUninit<f32>]) {
        let Sizes { h, w, height, width } = self.sizes;
        let grid = Grid::new(self.geometry, Sizes { h, w, height: h, width: w });
        let depth = panels.depth / panels.taps * 4;
        self.on_grid(&grid, 0, |data| {
            for (phase, doubled) in panels.doubling().iter().enumerate() {
                let (odd_row, odd_column) = (phase / 2, phase % 2);
                let starts =
                    self.starts(panels, grid.plane, 4, |tap| (odd_row + tap / 2) * grid.row + odd_column + tap % 2);
                let matrix = Matrix { panels: doubled, rows: panels.rows, depth, taps: 4 };
                let first = odd_row * width + odd_column;
                let places = Places { channel: height * width, first, line: 2 * width, step: 2 };
                self.product(matrix, data, &starts, [h, w, grid.row], places).fill(out);
            }
        });
    }

    /// Where each element of depth begins in a grid of planes so far apart, each tap at its place in a plane.
    fn starts<E: Element>(
        &self,
        panels: &Panels<E>,
        plane: usize,
        taps: usize,
        place: impl Fn(usize) -> usize,
    ) -> Vec<usize> {
        let last = self.inputs().div_ceil(E::SPAN).saturating_sub(1);
        let start = |k: usize| {
            let (at, tap) = plane_and_tap(k, taps);
            // A plane that is missing is multiplied by zeros: any other will do.
            at.min(last) * plane + place(tap)
        };
        (0..panels.depth / panels.taps * taps).map(start).collect()
    }

    fn inputs(&self) -> usize {
        self.source.len() / (self.sizes.h * self.sizes.w).max(1)
    }

    /// Lends `work` the map with its borders, normalised if there is a norm, and `slack` elements more.
    fn on_grid<E: Element>(&self, grid: &Grid, slack: usize, work: impl FnOnce(&[E])) {
        let prepare = self.norm.map(|norm| norm.channels(self.source, self.sizes.h * self.sizes.w));
        let len = self.inputs().div_ceil(E::SPAN) * grid.plane;
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
    let (channels, cached) = (16, panels.panels.len() <= CACHED);
    panels.rows >= channels && panels.depth >= channels * 9 / E::SPAN && (cached || area > 4 * winograd::LANES)
}

/// The bias of one sample.
fn shifted(weights: &Weights, shift: Option<&[f32]>) -> Option<Vec<f32>> {
    match (&weights.bias, shift) {
        (Some(bias), Some(shift)) => Some(bias.iter().zip(shift).map(|(b, s)| b + s).collect()),
        (bias, None) => bias.clone(),
        (None, Some(shift)) => Some(shift.to_vec()),
    }
}

/// `[batch, inputs, n]` to `[batch, outputs, n]`; `residual` is added to the output.
pub(in super::super) fn multiply(
    x: &Values,
    [batch, inputs, n]: [usize; 3],
    weights: &Weights,
    residual: Option<&[f32]>,
) -> Tensor<3> {
    let per_sample = weights.rows * n;
    // SAFETY: a product writes all of its sample's outputs.
    let out = unsafe {
        filled(batch * per_sample, |out| {
            for (i, out) in out.chunks_exact_mut(per_sample.max(1)).enumerate() {
                let data = &x[i * inputs * n..][..inputs * n];
                let rows = Rows { data, depth: inputs, stride: n, first: 0, count: n };
                let residual = residual.map(|r| &r[i * per_sample..][..per_sample]);
                match &weights.packed {
                    Packed::Singles(panels) => panels.multiply(rows, weights.bias.as_deref(), residual, out),
                    Packed::Pairs(panels) => panels.multiply(rows, weights.bias.as_deref(), residual, out),
                }
            }
        })
    };
    values::tensor(out, [batch, weights.rows, n])
}

impl<E: Element> Panels<E> {
    /// Writes the products of all these columns.
    fn multiply(&self, rows: Rows, bias: Option<&[f32]>, residual: Option<&[f32]>, out: &mut [MaybeUninit<f32>]) {
        let n = rows.count;
        E::lend(rows, |data, starts| {
            let columns = Columns { data, starts, height: 1, width: n, stride: n };
            Product { matrix: self.matrix(), columns, bias, residual, places: Places::dense(n, n) }.fill(out);
        });
    }
}
