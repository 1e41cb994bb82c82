use std::sync::Arc;

use burn::tensor::{
    DType, FloatDType, Tensor,
    activation::{gelu, sigmoid, silu},
    module::{conv2d, interpolate, layer_norm},
    ops::{ConvOptions, InterpolateMode, InterpolateOptions},
};

use super::{
    ParamError, Params, Precision,
    gpu::{self, Affine},
    kernels::{self, Extras, Geometry, Values, Weights},
};

#[cfg(test)]
mod tests;

/// Weights where the layer computes: packed for the CPU's kernels, or as tensors of another device.
#[derive(Clone)]
enum Held<const D: usize> {
    Cpu(Arc<Weights>),
    Gpu(Box<GpuWeights<D>>),
}

#[derive(Clone)]
struct GpuWeights<const D: usize> {
    /// In the precision of the product: inputs are rounded to it, and the result is f32 again.
    weight: Tensor<D>,
    /// `[1, outputs, 1, ..]`.
    bias: Option<Tensor<D>>,
}

impl<const D: usize> Held<D> {
    /// `weight` of `shape` (outputs at `outputs`), stored as one of `stored`.
    fn load(
        p: &Params,
        shape: [usize; D],
        outputs: usize,
        stored: &[&[usize]],
        bias: bool,
    ) -> Result<Self, ParamError> {
        let mut row = [1; D];
        row[1] = outputs;
        if kernels::is_cpu(p.device()) {
            let weight = p.values("weight", stored)?;
            let bias = if bias { Some(p.values("bias", &[&[outputs]])?) } else { None };
            // A convolution's kernel; a linear layer has none.
            let taps = if D == 4 { shape[2..].iter().product() } else { 1 };
            return Ok(Self::Cpu(Arc::new(Weights::new(&weight, outputs, taps, p.precision(), bias))));
        }
        let weight = p.tensor_of("weight", shape, stored)?;
        let weight = if p.precision() == Precision::F16 { weight.cast(FloatDType::F16) } else { weight };
        let bias = if bias { Some(p.tensor_of("bias", row, &[&[outputs]])?) } else { None };
        Ok(Self::Gpu(Box::new(GpuWeights { weight, bias })))
    }
}

impl<const D: usize> GpuWeights<D> {
    /// What `multiply` makes of `x`, which it gets in the precision of the weight.
    fn product<const N: usize>(&self, x: Tensor<N>, multiply: impl FnOnce(Tensor<N>) -> Tensor<N>) -> Tensor<N> {
        match self.weight.dtype() {
            DType::F16 => multiply(x.cast(FloatDType::F16)).cast(FloatDType::F32),
            _ => multiply(x),
        }
    }
}

/// y = W x + b over the channels.
#[derive(Clone)]
pub(super) struct Linear(Held<3>);

impl Linear {
    /// Reads `weight` and, where `bias` says so, `bias`. A weight stored as a 1x1 convolution is the same matrix.
    pub(super) fn load(p: &Params, inputs: usize, outputs: usize, bias: bool) -> Result<Self, ParamError> {
        let stored: [&[usize]; 2] = [&[outputs, inputs], &[outputs, inputs, 1, 1]];
        Held::load(p, [1, outputs, inputs], outputs, &stored, bias).map(Self)
    }

    /// `[batch, inputs, n]` to `[batch, outputs, n]`.
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.forward_onto(x, None)
    }

    /// [`Linear::forward`], added to `residual`, which is shaped like the result.
    pub(super) fn forward_onto(&self, x: Tensor<3>, residual: Option<Tensor<3>>) -> Tensor<3> {
        match &self.0 {
            Held::Cpu(weights) => {
                let dims = x.dims();
                let residual = residual.map(Values::of);
                kernels::multiply(&Values::of(x), dims, weights, residual.as_deref())
            }
            Held::Gpu(held) => {
                let GpuWeights { weight, bias } = held.as_ref();
                let y = held.product(x, |x| weight.clone().matmul(x));
                plus(plus(y, bias.clone()), residual)
            }
        }
    }
}

/// A convolution with a square kernel.
#[derive(Clone)]
pub(super) struct Conv {
    held: Held<4>,
    geometry: Geometry,
}

/// What happens around a convolution: done along with it where that is cheaper.
#[derive(Default)]
pub(super) struct Around<'a> {
    /// Normalises the input, then silu.
    pub(super) norm: Option<&'a GroupNorm>,
    /// Resizes the input to `[height, width]` by nearest neighbours, source index `floor(i * from / to)`.
    pub(super) size: Option<[usize; 2]>,
    /// `[batch, outputs, 1]`, added to the output.
    pub(super) shift: Option<Tensor<3>>,
    /// Shaped like the output, added to it.
    pub(super) residual: Option<Tensor<4>>,
}

impl Conv {
    /// Stride 1, as many rows and columns out as in.
    pub(super) fn load(p: &Params, inputs: usize, outputs: usize, kernel: usize) -> Result<Self, ParamError> {
        Self::load_with(p, inputs, outputs, Geometry::same(kernel))
    }

    /// Halves height and width; `padding` is (before, after) on both axes.
    pub(super) fn load_halving(p: &Params, channels: usize, padding: (usize, usize)) -> Result<Self, ParamError> {
        Self::load_with(p, channels, channels, Geometry { kernel: 3, stride: 2, padding })
    }

    fn load_with(p: &Params, inputs: usize, outputs: usize, geometry: Geometry) -> Result<Self, ParamError> {
        let shape = [outputs, inputs, geometry.kernel, geometry.kernel];
        let mut held = Held::load(p, shape, outputs, &[&shape], true)?;
        if let Held::Gpu(held) = &mut held {
            // burn convolves channels-last, and would lay the weight out so at every call.
            let last = gpu::row_major(held.weight.clone().permute([0, 2, 3, 1]));
            held.weight = last.permute([0, 3, 1, 2]);
        }
        Ok(Self { held, geometry })
    }

    /// `[batch, inputs, h, w]` to `[batch, outputs, h', w']`.
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.forward_in(x, Around::default())
    }

    /// [`Conv::forward`] of silu of the norm of `x`.
    pub(super) fn forward_normed(&self, x: Tensor<4>, norm: &GroupNorm) -> Tensor<4> {
        self.forward_in(x, Around { norm: Some(norm), ..Default::default() })
    }

    /// [`Conv::forward`] with its surroundings.
    pub(super) fn forward_in(&self, x: Tensor<4>, around: Around) -> Tensor<4> {
        let Around { norm, size, shift, residual } = around;
        match &self.held {
            Held::Cpu(weights) => {
                let dims = x.dims();
                let parts = norm.map(GroupNorm::values);
                let (shift, residual) = (shift.map(Values::of), residual.map(Values::of));
                let norm = norm.zip(parts.as_ref()).map(|(norm, parts)| norm.kernel(parts, true));
                let extras = Extras { norm, size, shift: shift.as_deref(), residual: residual.as_deref() };
                kernels::convolve(&Values::of(x), dims, weights, self.geometry, &extras)
            }
            Held::Gpu(held) => {
                let GpuWeights { weight, bias } = held.as_ref();
                let x = match norm {
                    Some(norm) => norm.on_gpu(x, true),
                    None => x,
                };
                let x = match size {
                    Some(size) => resize_nearest(x, size),
                    None => x,
                };
                let Geometry { stride, padding, .. } = self.geometry;
                let options = ConvOptions::new_with_padding([stride; 2], [padding; 2], [1; 2], 1);
                let y = held.product(x, |x| conv2d(x, weight.clone(), None, options));
                let y = plus(plus(y, bias.clone()), shift.map(|s| s.unsqueeze_dim(3)));
                plus(y, residual)
            }
        }
    }
}

fn plus<const D: usize>(x: Tensor<D>, more: Option<Tensor<D>>) -> Tensor<D> {
    match more {
        Some(more) => x + more,
        None => x,
    }
}

/// Normalises groups of channels over all their elements (Wu and He, 2018).
#[derive(Clone)]
pub(super) struct GroupNorm {
    groups: usize,
    epsilon: f64,
    weight: Tensor<1>,
    bias: Tensor<1>,
}

impl GroupNorm {
    /// `channels` must be a multiple of `groups`; the configs' own checks see to that.
    pub(super) fn load(p: &Params, groups: usize, channels: usize, epsilon: f64) -> Result<Self, ParamError> {
        Ok(Self { groups, epsilon, weight: p.tensor("weight", [channels])?, bias: p.tensor("bias", [channels])? })
    }

    /// `[batch, channels, ..]`, shape kept.
    pub(super) fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let dims = x.dims();
        match Values::take(x) {
            Ok(x) => kernels::group_norm(&x, dims, &self.kernel(&self.values(), false)),
            Err(x) => self.on_gpu(x, false),
        }
    }

    /// Elsewhere: by one kernel for all of it, or in plain steps. Then silu where `then_silu` says so.
    pub(super) fn on_gpu<const D: usize>(&self, x: Tensor<D>, then_silu: bool) -> Tensor<D> {
        let affine = Affine { weight: &self.weight, bias: &self.bias, epsilon: self.epsilon };
        gpu::group_norm(x, self.groups, &affine, then_silu).unwrap_or_else(|x| {
            let normal = self.composed(x);
            if then_silu { silu(normal) } else { normal }
        })
    }

    /// Means are taken in two stages, of lines and then of their means: burn 0.22.1 on wgpu computes sums over more than
    /// 65536 elements wrongly, and a group in a decoder's last block has more.
    fn composed<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let dims = x.dims();
        let (groups, line) = (dims[0] * self.groups, dims[D - 1]);
        let lines = dims.iter().product::<usize>() / (groups * line);
        let mean = |x: Tensor<3>| x.mean_dim(2).mean_dim(1);
        let x = x.reshape([groups, lines, line]);
        let centred = x.clone() - mean(x);
        let variance = mean(centred.clone().square());
        let normal = centred / variance.add_scalar(self.epsilon).sqrt();
        let mut shape = [1; D];
        shape[1] = dims[1];
        normal.reshape(dims) * self.weight.clone().reshape(shape) + self.bias.clone().reshape(shape)
    }

    fn values(&self) -> [Values; 2] {
        [Values::of(self.weight.clone()), Values::of(self.bias.clone())]
    }

    fn kernel<'a>(&self, [weight, bias]: &'a [Values; 2], silu: bool) -> kernels::GroupNorm<'a> {
        kernels::GroupNorm { groups: self.groups, epsilon: self.epsilon, weight, bias, silu }
    }
}

/// Normalises the channels of each position.
#[derive(Clone)]
pub(super) struct LayerNorm {
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
}

impl LayerNorm {
    pub(super) fn load(p: &Params, width: usize, epsilon: f64) -> Result<Self, ParamError> {
        Ok(Self { weight: p.tensor("weight", [width])?, bias: p.tensor("bias", [width])?, epsilon })
    }

    /// `[batch, width, n]`, shape kept.
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
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

    fn composed(&self, x: Tensor<3>) -> Tensor<3> {
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        layer_norm(x.swap_dims(1, 2), weight, Some(bias), self.epsilon).swap_dims(1, 2)
    }
}

/// Functions of single values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    Silu,
    /// With the error function, not the tanh approximation.
    Gelu,
    /// x * sigmoid(1.702 x).
    QuickGelu,
}

impl Activation {
    pub(super) fn of<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        let dims = x.dims();
        match (self, Values::take(x)) {
            (Self::Silu, Ok(x)) => kernels::silu(&x, dims),
            (Self::Gelu, Ok(x)) => kernels::gelu(&x, dims),
            (Self::QuickGelu, Ok(x)) => kernels::quick_gelu(&x, dims),
            (Self::Silu, Err(x)) => gpu::silu(x).unwrap_or_else(|x| self.composed(x)),
            (_, Err(x)) => self.composed(x),
        }
    }

    fn composed<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Silu => silu(x),
            Self::Gelu => gelu(x),
            Self::QuickGelu => x.clone() * sigmoid(x.mul_scalar(1.702)),
        }
    }
}

/// The first half of the channels times gelu of the second: `[batch, 2 * width, n]` to `[batch, width, n]`.
pub(super) fn geglu(x: Tensor<3>) -> Tensor<3> {
    let dims = x.dims();
    match Values::take(x) {
        Ok(x) => kernels::geglu(&x, dims),
        Err(x) => gpu::geglu(x).unwrap_or_else(geglu_composed),
    }
}

fn geglu_composed(x: Tensor<3>) -> Tensor<3> {
    let half = x.dims()[1] / 2;
    x.clone().narrow(1, 0, half) * gelu(x.narrow(1, half, half))
}

/// `[batch, channels, h, w]` to `[batch, channels, height, width]`, source index `floor(i * from / to)`.
fn resize_nearest(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([height, width]))
}

/// `[batch, channels, h, w]` to `[batch, channels, h * w]`. A view: nothing is copied.
pub(super) fn to_tokens(x: Tensor<4>) -> Tensor<3> {
    let [batch, channels, h, w] = x.dims();
    x.reshape([batch, channels, h * w])
}

/// The inverse of [`to_tokens`].
pub(super) fn from_tokens(x: Tensor<3>, [h, w]: [usize; 2]) -> Tensor<4> {
    let [batch, channels, _] = x.dims();
    x.reshape([batch, channels, h, w])
}
