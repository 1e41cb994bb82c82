//! Between maps and tokens, two maps joined to one, and the sum with an optional tensor.
//!
//! Separate, because several layers and networks use them.

use burn::tensor::Tensor;

use crate::nets::gpu;

/// `[batch, channels, h, w]` to `[batch, channels, h * w]`, without a copy.
pub(in crate::nets) fn to_tokens(x: Tensor<4>) -> Tensor<3> {
    let [batch, channels, h, w] = x.dims();
    x.reshape([batch, channels, h * w])
}

/// The inverse of [`to_tokens`].
pub(in crate::nets) fn from_tokens(x: Tensor<3>, [h, w]: [usize; 2]) -> Tensor<4> {
    let [batch, channels, _] = x.dims();
    x.reshape([batch, channels, h, w])
}

/// The channels of `first`, then those of `second`: `[batch, c1 + c2, h, w]`.
pub(in crate::nets) fn join_channels(first: Tensor<4>, second: Tensor<4>) -> Tensor<4> {
    gpu::join_channels(&first, &second).unwrap_or_else(|| Tensor::cat(vec![first, second], 1))
}

/// `x + term`, or `x` without a term.
pub(super) fn add_optional<const D: usize>(x: Tensor<D>, term: Option<Tensor<D>>) -> Tensor<D> {
    match term {
        Some(term) => x + term,
        None => x,
    }
}
