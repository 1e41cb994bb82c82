//! Group norms and layer norms.
//!
//! Separate as one kind of layer.

use burn::tensor::{Tensor, activation::silu, module::layer_norm};

use crate::nets::{
    ParamError, Params,
    gpu::{self, Affine},
    kernels::{self, Values},
};

/// Normalises groups of channels over all their elements (Wu & He 2018, arXiv 1803.08494).
#[derive(Clone)]
pub(in crate::nets) struct GroupNorm {
    pub(super) groups: usize,
    pub(super) epsilon: f64,
    /// `[channels]`, as `bias`.
    pub(super) weight: Tensor<1>,
    pub(super) bias: Tensor<1>,
}

impl GroupNorm {
    /// `channels` must be a multiple of `groups`, which the parsers of configs check.
    pub(in crate::nets) fn load(p: &Params, groups: usize, channels: usize, epsilon: f64) -> Result<Self, ParamError> {
        Ok(Self { groups, epsilon, weight: p.tensor("weight", [channels])?, bias: p.tensor("bias", [channels])? })
    }

    /// `[batch, channels, ..]` to the same shape.
    pub(in crate::nets) fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let dims = x.dims();
        match Values::take(x) {
            Ok(x) => kernels::group_norm(&x, dims, &self.kernel(&self.values(), false)),
            Err(x) => self.on_gpu(x, false),
        }
    }

    /// On devices other than the CPU, then silu where `then_silu` is set: by one fused kernel where the device has it, else
    /// composed of burn's operations.
    pub(in crate::nets) fn on_gpu<const D: usize>(&self, x: Tensor<D>, then_silu: bool) -> Tensor<D> {
        let affine = Affine { weight: &self.weight, bias: &self.bias, epsilon: self.epsilon };
        gpu::group_norm(x, self.groups, &affine, then_silu).unwrap_or_else(|x| {
            let normalized = self.composed(x);
            if then_silu { silu(normalized) } else { normalized }
        })
    }

    /// Composed of burn's operations. Means are taken in two stages, over lines and over the means of lines: burn 0.22.1 on
    /// wgpu computes sums of more than 65536 elements wrongly, and groups in a decoder's last block have more.
    pub(super) fn composed<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let dims = x.dims();
        let (groups, line) = (dims[0] * self.groups, dims[D - 1]);
        let lines = dims.iter().product::<usize>() / (groups * line);
        let mean = |x: Tensor<3>| x.mean_dim(2).mean_dim(1);
        let x = x.reshape([groups, lines, line]);
        let centred = x.clone() - mean(x);
        let variance = mean(centred.clone().square());
        let normalized = centred / variance.add_scalar(self.epsilon).sqrt();
        let mut shape = [1; D];
        shape[1] = dims[1];
        normalized.reshape(dims) * self.weight.clone().reshape(shape) + self.bias.clone().reshape(shape)
    }

    /// Weight and bias on the CPU, for [`GroupNorm::kernel`].
    pub(super) fn values(&self) -> [Values; 2] {
        [Values::of(self.weight.clone()), Values::of(self.bias.clone())]
    }

    /// The norm in the form of the CPU's kernels, followed by silu where the flag is set.
    pub(super) fn kernel<'a>(&self, [weight, bias]: &'a [Values; 2], silu: bool) -> kernels::GroupNormArgs<'a> {
        kernels::GroupNormArgs { groups: self.groups, epsilon: self.epsilon, weight, bias, silu }
    }
}

/// Normalises the channels of each position (Ba et al. 2016, arXiv 1607.06450).
#[derive(Clone)]
pub(in crate::nets) struct LayerNorm {
    /// `[width]`, as `bias`.
    pub(super) weight: Tensor<1>,
    pub(super) bias: Tensor<1>,
    pub(super) epsilon: f64,
}

impl LayerNorm {
    pub(in crate::nets) fn load(p: &Params, width: usize, epsilon: f64) -> Result<Self, ParamError> {
        Ok(Self { weight: p.tensor("weight", [width])?, bias: p.tensor("bias", [width])?, epsilon })
    }

    /// `[batch, width, n]` to the same shape.
    pub(in crate::nets) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let dims = x.dims();
        match Values::take(x) {
            Ok(x) => {
                let [weight, bias] = [&self.weight, &self.bias].map(|t| Values::of(t.clone()));
                kernels::layer_norm(&x, dims, &weight, &bias, self.epsilon)
            }
            Err(x) => {
                let affine = Affine { weight: &self.weight, bias: &self.bias, epsilon: self.epsilon };
                gpu::layer_norm(x, &affine).unwrap_or_else(|x| self.composed(x))
            }
        }
    }

    /// Composed of burn's operations.
    pub(super) fn composed(&self, x: Tensor<3>) -> Tensor<3> {
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        layer_norm(x.swap_dims(1, 2), weight, Some(bias), self.epsilon).swap_dims(1, 2)
    }
}
