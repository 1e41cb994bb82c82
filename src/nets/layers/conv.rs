//! Convolutions.
//!
//! Separate as one kind of layer. Operations before and after a convolution are arguments, because the CPU's kernels do
//! them in the same pass.

use burn::tensor::{
    Tensor,
    module::{conv2d, interpolate},
    ops::{ConvOptions, InterpolateMode, InterpolateOptions},
};

use super::{
    layer_weights::{GpuWeights, LayerWeights},
    norm::GroupNorm,
    reshape::add_optional,
};
use crate::nets::{
    ParamError, Params, gpu,
    kernels::{self, Extras, Geometry, Values},
};

/// A convolution with a square kernel.
#[derive(Clone)]
pub(in crate::nets) struct Conv {
    pub(super) weights: LayerWeights<4>,
    pub(super) geometry: Geometry,
}

/// Operations before and after a convolution.
#[derive(Default)]
pub(in crate::nets) struct ConvExtras<'a> {
    /// Before: normalises the input, then silu.
    pub norm: Option<&'a GroupNorm>,
    /// Before, after the norm: resizes the input to `[height, width]` by nearest neighbours, with source index
    /// `floor(i * from / to)`.
    pub size: Option<[usize; 2]>,
    /// After: `[batch, outputs, 1]`, added to the output.
    pub shift: Option<Tensor<3>>,
    /// After: added to the output, whose shape it has.
    pub residual: Option<Tensor<4>>,
}

impl Conv {
    /// Stride 1, with an output of the same height and width.
    pub(in crate::nets) fn load(p: &Params, inputs: usize, outputs: usize, kernel: usize) -> Result<Self, ParamError> {
        Self::load_with(p, inputs, outputs, Geometry::same(kernel))
    }

    /// A 3x3 kernel of stride 2, which halves height and width; `padding` is (before, after) on both axes.
    pub(in crate::nets) fn load_downsampling(
        p: &Params,
        channels: usize,
        padding: (usize, usize),
    ) -> Result<Self, ParamError> {
        Self::load_with(p, channels, channels, Geometry { kernel: 3, stride: 2, padding })
    }

    /// A 3x3 kernel without a bias, with as many outputs as inputs.
    pub(in crate::nets) fn load_unbiased(p: &Params, channels: usize) -> Result<Self, ParamError> {
        Self::load_maybe_biased(p, [channels; 2], Geometry::same(3), false)
    }

    /// As [`Conv::load_downsampling`] with a padding of 1 all around, without a bias.
    pub(in crate::nets) fn load_downsampling_unbiased(p: &Params, channels: usize) -> Result<Self, ParamError> {
        Self::load_maybe_biased(p, [channels; 2], Geometry { kernel: 3, stride: 2, padding: (1, 1) }, false)
    }

    fn load_with(p: &Params, inputs: usize, outputs: usize, geometry: Geometry) -> Result<Self, ParamError> {
        Self::load_maybe_biased(p, [inputs, outputs], geometry, true)
    }

    fn load_maybe_biased(
        p: &Params,
        [inputs, outputs]: [usize; 2],
        geometry: Geometry,
        bias: bool,
    ) -> Result<Self, ParamError> {
        let shape = [outputs, inputs, geometry.kernel, geometry.kernel];
        Ok(Self { weights: LayerWeights::load(p, shape, outputs, &[&shape], bias)?, geometry })
    }

    /// `[batch, inputs, h, w]` to `[batch, outputs, h', w']`.
    pub(in crate::nets) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.forward_with(x, ConvExtras::default())
    }

    /// [`Conv::forward`] of `silu(norm(x))`.
    pub(in crate::nets) fn forward_normed(&self, x: Tensor<4>, norm: &GroupNorm) -> Tensor<4> {
        self.forward_with(x, ConvExtras { norm: Some(norm), ..Default::default() })
    }

    /// [`Conv::forward`] with operations before and after it.
    pub(in crate::nets) fn forward_with(&self, x: Tensor<4>, extras: ConvExtras) -> Tensor<4> {
        let ConvExtras { norm, size, shift, residual } = extras;
        match &self.weights {
            LayerWeights::Cpu(weights) => {
                let dims = x.dims();
                let parts = norm.map(GroupNorm::values);
                let (shift, residual) = (shift.map(Values::of), residual.map(Values::of));
                let norm = norm.zip(parts.as_ref()).map(|(norm, parts)| norm.kernel(parts, true));
                let extras = Extras { norm, size, shift: shift.as_deref(), residual: residual.as_deref() };
                kernels::convolve(&Values::of(x), dims, weights, self.geometry, &extras)
            }
            LayerWeights::Gpu(weights) => {
                let x = match norm {
                    Some(norm) => norm.on_gpu(x, true),
                    None => x,
                };
                let added = gpu::Added { bias: weights.bias.clone(), shift: shift.clone(), residual: residual.clone() };
                gpu::convolve(&x, &weights.weight, self.geometry, size, added)
                    .unwrap_or_else(|| self.composed(x, weights, size, shift, residual))
            }
        }
    }

    /// Composed of burn's operations.
    fn composed(
        &self,
        x: Tensor<4>,
        weights: &GpuWeights<4>,
        size: Option<[usize; 2]>,
        shift: Option<Tensor<3>>,
        residual: Option<Tensor<4>>,
    ) -> Tensor<4> {
        let GpuWeights { weight, bias } = weights;
        let x = match size {
            Some(size) => resize_nearest(x, size),
            None => x,
        };
        let Geometry { stride, padding, .. } = self.geometry;
        let options = ConvOptions::new_with_padding([stride; 2], [padding; 2], [1; 2], 1);
        let y = weights.product(x, |x| conv2d(x, weight.clone(), None, options));
        let y = add_optional(add_optional(y, bias.clone()), shift.map(|s| s.unsqueeze_dim(3)));
        add_optional(y, residual)
    }
}

/// `[batch, channels, h, w]` to `[batch, channels, height, width]` by nearest neighbours, with source index
/// `floor(i * from / to)`.
fn resize_nearest(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([height, width]))
}
