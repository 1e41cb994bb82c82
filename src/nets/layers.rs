use burn::tensor::{
    Tensor,
    module::{conv2d, interpolate, layer_norm, linear},
    ops::{ConvOptions, InterpolateMode, InterpolateOptions},
};

use super::{ParamError, Params};

/// y = x W + b over the last axis.
#[derive(Clone)]
pub(super) struct Linear {
    /// `[inputs, outputs]`: files hold the transpose.
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
}

impl Linear {
    /// Reads `weight` and, where `bias` says so, `bias`. A weight stored as a 1x1 convolution is the same matrix.
    pub(super) fn load(p: &Params, inputs: usize, outputs: usize, bias: bool) -> Result<Self, ParamError> {
        let weight = p.turned("weight", inputs, outputs)?;
        let bias = if bias { Some(p.tensor("bias", [outputs])?) } else { None };
        Ok(Self { weight, bias })
    }

    /// `[.., inputs]` to `[.., outputs]`.
    pub(super) fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        linear(x, self.weight.clone(), self.bias.clone())
    }
}

/// A convolution with a square kernel.
#[derive(Clone)]
pub(super) struct Conv {
    weight: Tensor<4>,
    bias: Tensor<1>,
    options: ConvOptions<2>,
}

impl Conv {
    /// Stride 1, as many rows and columns out as in.
    pub(super) fn load(p: &Params, inputs: usize, outputs: usize, kernel: usize) -> Result<Self, ParamError> {
        Self::load_with(p, inputs, outputs, kernel, ConvOptions::new([1; 2], [kernel / 2; 2], [1; 2], 1))
    }

    /// Halves height and width; `padding` is (before, after) on both axes.
    pub(super) fn load_halving(p: &Params, channels: usize, padding: (usize, usize)) -> Result<Self, ParamError> {
        let options = ConvOptions::new_with_padding([2; 2], [padding; 2], [1; 2], 1);
        Self::load_with(p, channels, channels, 3, options)
    }

    fn load_with(
        p: &Params,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        options: ConvOptions<2>,
    ) -> Result<Self, ParamError> {
        let weight = p.tensor("weight", [outputs, inputs, kernel, kernel])?;
        Ok(Self { weight, bias: p.tensor("bias", [outputs])?, options })
    }

    /// `[batch, inputs, h, w]` to `[batch, outputs, h', w']`.
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        conv2d(x, self.weight.clone(), Some(self.bias.clone()), self.options.clone())
    }
}

/// Normalises groups of channels over all their elements (Wu and He, 2018).
#[derive(Clone)]
pub(super) struct GroupNorm {
    groups: usize,
    epsilon: f64,
    /// `[1, channels, 1, 1]` each.
    weight: Tensor<4>,
    bias: Tensor<4>,
}

impl GroupNorm {
    /// `channels` must be a multiple of `groups`; the configs' own checks see to that.
    pub(super) fn load(p: &Params, groups: usize, channels: usize, epsilon: f64) -> Result<Self, ParamError> {
        let shape = [1, channels, 1, 1];
        let weight = p.tensor_of("weight", shape, &[&[channels]])?;
        Ok(Self { groups, epsilon, weight, bias: p.tensor_of("bias", shape, &[&[channels]])? })
    }

    /// `[batch, channels, h, w]`, shape kept.
    ///
    /// One group is one row of a layer norm, for which burn has a single-pass routine.
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, channels, h, w] = x.dims();
        let row = channels / self.groups * h * w;
        let ones = Tensor::ones([row], &x.device());
        let rows = layer_norm(x.reshape([batch * self.groups, row]), ones, None, self.epsilon);
        rows.reshape([batch, channels, h, w]) * self.weight.clone() + self.bias.clone()
    }
}

/// Normalises the last axis.
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

    pub(super) fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        layer_norm(x, self.weight.clone(), Some(self.bias.clone()), self.epsilon)
    }
}

/// `[batch, channels, h, w]` to `[batch, channels, height, width]`, source index `floor(i * from / to)`.
pub(super) fn resize_nearest(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([height, width]))
}

/// `[batch, channels, h, w]` to `[batch, h * w, channels]`. A view: nothing is copied.
pub(super) fn to_tokens(x: Tensor<4>) -> Tensor<3> {
    let [batch, channels, h, w] = x.dims();
    x.reshape([batch, channels, h * w]).swap_dims(1, 2)
}

/// The inverse of [`to_tokens`].
pub(super) fn from_tokens(x: Tensor<3>, [h, w]: [usize; 2]) -> Tensor<4> {
    let [batch, _, channels] = x.dims();
    x.swap_dims(1, 2).reshape([batch, channels, h, w])
}
