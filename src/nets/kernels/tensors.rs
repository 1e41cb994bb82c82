//! The kernels as functions of burn's tensors.
//!
//! Apart from the kernels, which know slices alone: here shapes are read off and results become tensors, without a copy.

use burn::tensor::{Device, Tensor};

use super::{
    compute::{self, Extras, Geometry, GroupNormArgs, Weights},
    values::{Values, is_cpu, tensor},
};
use crate::nets::precision::Precision;

/// Runs `work`, a pass through a network on `device`. If that is the CPU, the threads of rayon's current pool stand by for
/// it; see [`compute::with_workers`].
pub(in super::super) fn with_workers<T>(device: &Device, work: impl FnOnce() -> T) -> T {
    if is_cpu(device) { compute::with_workers(work) } else { work() }
}

impl Weights {
    /// Packs `[rows, depth]`, row-major; a convolution's weight `[outputs, inputs, k, k]` is one with
    /// depth = inputs * `taps`, taps = k * k. f16 counts as f32.
    pub(in super::super) fn new(
        values: &[f32],
        rows: usize,
        taps: usize,
        precision: Precision,
        bias: Option<Vec<f32>>,
    ) -> Self {
        Self::pack(values, [rows, taps], precision == Precision::Bf16, bias)
    }
}

/// `[batch, inputs, h, w]` to `[batch, outputs, h', w']`.
pub(in super::super) fn convolve(
    x: &Values,
    dims: [usize; 4],
    weights: &Weights,
    geometry: Geometry,
    extras: &Extras,
) -> Tensor<4> {
    let (shape, out) = compute::convolve(x, dims, weights, geometry, extras);
    tensor(out, shape)
}

/// `[batch, inputs, n]` to `[batch, outputs, n]`; `residual` is added to the output.
pub(in super::super) fn multiply(
    x: &Values,
    dims: [usize; 3],
    weights: &Weights,
    residual: Option<&[f32]>,
) -> Tensor<3> {
    let [batch, _, n] = dims;
    tensor(compute::multiply(x, dims, weights, residual), [batch, weights.rows(), n])
}

/// Query `[batch, width, n]`, key and value `[batch, width, l]` to `[batch, width, n]`; `dims` are `[batch, width, n, l]`.
/// `causal` hides keys after the query's own position. With `map`, also the first sample's probabilities `[l, n]`, mean
/// over heads.
pub(in super::super) fn attend(
    [query, key, value]: [&Values; 3],
    dims: [usize; 4],
    heads: usize,
    causal: bool,
    map: bool,
) -> (Tensor<3>, Option<Tensor<2>>) {
    let [batch, width, n, l] = dims;
    let (out, map) = compute::attend([query, key, value], dims, heads, causal, map);
    (tensor(out, [batch, width, n]), map.map(|map| tensor(map, [l, n])))
}

/// Group normalisation of `[batch, channels, ..]`, and silu if `norm.silu` is set.
pub(in super::super) fn group_norm<const D: usize>(x: &Values, shape: [usize; D], norm: &GroupNormArgs) -> Tensor<D> {
    let area = shape[2..].iter().product();
    tensor(compute::group_norm(x, [shape[0], shape[1], area], norm), shape)
}

/// Layer normalisation over the channels of each column: `[batch, channels, n]`, shape kept.
pub(in super::super) fn layer_norm(
    x: &Values,
    shape: [usize; 3],
    weight: &[f32],
    bias: &[f32],
    epsilon: f64,
) -> Tensor<3> {
    tensor(compute::layer_norm(x, shape, weight, bias, epsilon), shape)
}

/// The first half of the channels times gelu of the second: `[batch, 2 * channels, n]` to `[batch, channels, n]`.
pub(in super::super) fn geglu(x: &Values, shape: [usize; 3]) -> Tensor<3> {
    let [batch, channels, n] = shape;
    tensor(compute::geglu(x, shape), [batch, channels / 2, n])
}

/// x / (1 + exp(-x)).
pub(in super::super) fn silu<const D: usize>(x: &Values, shape: [usize; D]) -> Tensor<D> {
    tensor(compute::silu(x), shape)
}

/// x * sigmoid(1.702 x).
pub(in super::super) fn quick_gelu<const D: usize>(x: &Values, shape: [usize; D]) -> Tensor<D> {
    tensor(compute::quick_gelu(x), shape)
}

/// x times the normal distribution function of x.
pub(in super::super) fn gelu<const D: usize>(x: &Values, shape: [usize; D]) -> Tensor<D> {
    tensor(compute::gelu(x), shape)
}
