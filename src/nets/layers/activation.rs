//! Activation functions.
//!
//! Separate as one kind of layer; they have no weights.

use burn::tensor::{
    Tensor,
    activation::{gelu, sigmoid, silu},
};

use crate::nets::{
    gpu,
    kernels::{self, Values},
};

/// An activation function, applied to each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nets) enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// With the error function, not the tanh approximation.
    Gelu,
    /// `x * sigmoid(1.702 x)`.
    QuickGelu,
}

impl Activation {
    /// The function of each value of `x`.
    pub(in crate::nets) fn of<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        let dims = x.dims();
        match (self, Values::take(x)) {
            (Self::Silu, Ok(x)) => kernels::silu(&x, dims),
            (Self::Gelu, Ok(x)) => kernels::gelu(&x, dims),
            (Self::QuickGelu, Ok(x)) => kernels::quick_gelu(&x, dims),
            (Self::Silu, Err(x)) => gpu::silu(x).unwrap_or_else(|x| self.composed(x)),
            (_, Err(x)) => self.composed(x),
        }
    }

    /// Composed of burn's operations.
    pub(super) fn composed<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Silu => silu(x),
            Self::Gelu => gelu(x),
            Self::QuickGelu => x.clone() * sigmoid(x.mul_scalar(1.702)),
        }
    }
}

/// GEGLU (Shazeer 2020, arXiv 2002.05202), with the exact gelu: the first half of the channels times gelu of the second,
/// `[batch, 2 * width, n]` to `[batch, width, n]`.
pub(in crate::nets) fn geglu(x: Tensor<3>) -> Tensor<3> {
    let dims = x.dims();
    match Values::take(x) {
        Ok(x) => kernels::geglu(&x, dims),
        Err(x) => gpu::geglu(x).unwrap_or_else(geglu_composed),
    }
}

/// [`geglu`] composed of burn's operations.
pub(super) fn geglu_composed(x: Tensor<3>) -> Tensor<3> {
    let half = x.dims()[1] / 2;
    x.clone().narrow(1, 0, half) * gelu(x.narrow(1, half, half))
}
