//! The residual block of U-Nets and autoencoders.
//!
//! Separate, because both networks use it.

use burn::tensor::Tensor;

use super::{
    ParamError, Params,
    layers::{Conv, ConvExtras, GroupNorm, Linear},
};

/// `ResnetBlock2D`: two convolutions with a shortcut around them, and a shift by the time embedding between them.
#[derive(Clone)]
pub(super) struct ResnetBlock {
    norm1: GroupNorm,
    conv1: Conv,
    time: Option<Linear>,
    norm2: GroupNorm,
    conv2: Conv,
    /// Present where the number of channels changes.
    shortcut: Option<Conv>,
}

/// The settings that all resnet blocks of a network share.
#[derive(Clone, Copy)]
pub(super) struct ResnetNorm {
    /// Groups of the group norms.
    pub(super) groups: usize,
    pub(super) epsilon: f64,
    /// Width of the time embedding; `None` in an autoencoder.
    pub(super) time: Option<usize>,
}

impl ResnetBlock {
    pub(super) fn load(p: &Params, inputs: usize, outputs: usize, norm: ResnetNorm) -> Result<Self, ParamError> {
        let group_norm = |name, channels| GroupNorm::load(&p.at(name), norm.groups, channels, norm.epsilon);
        Ok(Self {
            norm1: group_norm("norm1", inputs)?,
            conv1: Conv::load(&p.at("conv1"), inputs, outputs, 3)?,
            time: norm.time.map(|width| Linear::load(&p.at("time_emb_proj"), width, outputs, true)).transpose()?,
            norm2: group_norm("norm2", outputs)?,
            conv2: Conv::load(&p.at("conv2"), outputs, outputs, 3)?,
            shortcut: (inputs != outputs)
                .then(|| Conv::load(&p.at("conv_shortcut"), inputs, outputs, 1))
                .transpose()?,
        })
    }

    /// The shift `[batch, outputs, 1]` of this block for a time embedding `[batch, time width, 1]`, already through silu.
    pub(super) fn shift(&self, time: &Tensor<3>) -> Option<Tensor<3>> {
        self.time.as_ref().map(|projection| projection.forward(time.clone()))
    }

    /// `x` `[batch, inputs, h, w]` to `[batch, outputs, h, w]`; `shift` from [`ResnetBlock::shift`].
    pub(super) fn forward(&self, x: Tensor<4>, shift: Option<Tensor<3>>) -> Tensor<4> {
        let hidden =
            self.conv1.forward_with(x.clone(), ConvExtras { norm: Some(&self.norm1), shift, ..Default::default() });
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(x),
            None => x,
        };
        let extras = ConvExtras { norm: Some(&self.norm2), residual: Some(shortcut), ..Default::default() };
        self.conv2.forward_with(hidden, extras)
    }
}
