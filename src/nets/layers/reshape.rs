//! Between maps and tokens, and the sum with an optional tensor.
//!
//! Separate, because several layers and networks use them.

use burn::tensor::Tensor;

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

/// `x + term`, or `x` without a term.
pub(super) fn add_optional<const D: usize>(x: Tensor<D>, term: Option<Tensor<D>>) -> Tensor<D> {
    match term {
        Some(term) => x + term,
        None => x,
    }
}
