//! Convolutions and linear layers with their surroundings: norm and silu before, shift and shortcut after.
#![allow(unsafe_code, reason = "outputs are written before their vector gets its length")]

use burn::tensor::Tensor;

pub(in super::super) use super::grid::Geometry;
use super::{
    grid::{Grid, Sizes},
    memory::{filled, scratch},
    norm::GroupNorm,
    product::{Columns, Matrix, Product, pack, packed_len},
    values::{self, Values},
};

/// A matrix `[rows, depth]` in the layout that products want, with its bias.
pub(in super::super) struct Weights {
    panels: Vec<f32>,
    rows: usize,
    depth: usize,
    bias: Option<Vec<f32>>,
}

impl Weights {
    /// Packs `[rows, depth]`, row-major; a convolution's weight `[outputs, inputs, k, k]` is one with
    /// depth = inputs * k * k.
    pub(in super::super) fn new(values: &[f32], rows: usize, bias: Option<Vec<f32>>) -> Self {
        let depth = values.len() / rows.max(1);
        let mut panels = vec![0.0; packed_len(rows, depth)];
        pack(&mut panels, rows, depth, |row, k| values[row * depth + k]);
        Self { panels, rows, depth, bias }
    }

    fn matrix(&self) -> Matrix<'_> {
        Matrix { panels: &self.panels, rows: self.rows, depth: self.depth }
    }
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
    let grid = Grid::new(geometry, Sizes { h, w, height, width });
    let (high, wide) = (geometry.output(height), geometry.output(width));
    let area = high * wide;
    let plain = geometry.is_plain() && extras.norm.is_none() && extras.size.is_none();
    let starts = grid.starts(inputs);
    let per_sample = weights.rows * area;
    // SAFETY: a product writes all of its sample's outputs.
    let out = unsafe {
        filled(batch * per_sample, |out| {
            for (i, out) in out.chunks_exact_mut(per_sample.max(1)).enumerate() {
                let source = &x[i * inputs * h * w..][..inputs * h * w];
                let bias = shifted(weights, extras.shift.map(|s| &s[i * weights.rows..][..weights.rows]));
                let product = |data: &[f32], out| {
                    let columns = Columns {
                        data,
                        starts: &starts,
                        height: high,
                        width: wide,
                        stride: grid.row,
                        floats_per_column: inputs * geometry.stride * geometry.stride,
                    };
                    let residual = extras.residual.map(|r| &r[i * per_sample..][..per_sample]);
                    let (matrix, bias) = (weights.matrix(), bias.as_deref());
                    Product { matrix, columns, bias, residual, row_stride: area }.fill(out);
                };
                if plain {
                    product(source, out);
                } else {
                    let prepare = extras.norm.as_ref().map(|norm| norm.channels(source, h * w));
                    scratch(inputs * grid.plane, |data| {
                        grid.fill(data, source, prepare.as_deref());
                        product(data, out);
                    });
                }
            }
        })
    };
    values::tensor(out, [batch, weights.rows, high, wide])
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
    let starts: Vec<usize> = (0..inputs).map(|k| k * n).collect();
    let per_sample = weights.rows * n;
    // SAFETY: a product writes all of its sample's outputs.
    let out = unsafe {
        filled(batch * per_sample, |out| {
            for (i, out) in out.chunks_exact_mut(per_sample.max(1)).enumerate() {
                let data = &x[i * inputs * n..][..inputs * n];
                let columns =
                    Columns { data, starts: &starts, height: 1, width: n, stride: n, floats_per_column: inputs };
                let residual = residual.map(|r| &r[i * per_sample..][..per_sample]);
                let (matrix, bias) = (weights.matrix(), weights.bias.as_deref());
                Product { matrix, columns, bias, residual, row_stride: n }.fill(out);
            }
        })
    };
    values::tensor(out, [batch, weights.rows, n])
}
