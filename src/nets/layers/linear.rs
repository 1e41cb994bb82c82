//! Linear layers.
//!
//! Separate as one kind of layer.

use burn::tensor::Tensor;

use super::{
    layer_weights::{GpuWeights, LayerWeights},
    reshape::add_optional,
};
use crate::nets::{
    ParamError, Params, gpu,
    kernels::{self, Values},
};

/// y = W x + b over the channels.
#[derive(Clone)]
pub(in crate::nets) struct Linear(pub(super) LayerWeights<3>);

impl Linear {
    /// Loads `weight`, and `bias` where the flag is set. A weight stored as a 1x1 convolution is the same matrix.
    pub(in crate::nets) fn load(p: &Params, inputs: usize, outputs: usize, bias: bool) -> Result<Self, ParamError> {
        let stored: [&[usize]; 2] = [&[outputs, inputs], &[outputs, inputs, 1, 1]];
        LayerWeights::load(p, [1, outputs, inputs], outputs, &stored, bias).map(Self)
    }

    /// `[batch, inputs, n]` to `[batch, outputs, n]`.
    pub(in crate::nets) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.forward_with_residual(x, None)
    }

    /// [`Linear::forward`] plus `residual`, which has the shape of the result.
    pub(in crate::nets) fn forward_with_residual(&self, x: Tensor<3>, residual: Option<Tensor<3>>) -> Tensor<3> {
        match &self.0 {
            LayerWeights::Cpu(weights) => {
                let dims = x.dims();
                let residual = residual.map(Values::of);
                kernels::multiply(&Values::of(x), dims, weights, residual.as_deref())
            }
            LayerWeights::Gpu(weights) => {
                let GpuWeights { weight, bias } = weights.as_ref();
                let added = gpu::Added { bias: bias.clone(), shift: None, residual: residual.clone() };
                if let Some(y) = gpu::linear(&x, weight, added) {
                    return y;
                }
                let y = weights.product(x, |x| weight.clone().matmul(x));
                add_optional(add_optional(y, bias.clone()), residual)
            }
        }
    }
}
