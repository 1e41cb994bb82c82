//! The encoder and the decoder of an autoencoder.
//!
//! Separate from the autoencoder, which scales latents and moves data between host and device.

use burn::tensor::Tensor;

use super::{
    ParamError, Params, Stopped, VaeConfig,
    attention::Attention,
    layers::{Conv, ConvExtras, GroupNorm, from_tokens, to_tokens},
    resnet::{ResnetBlock, ResnetNorm},
};

/// Epsilon of all group norms of an autoencoder.
const EPS: f64 = 1e-6;

fn resnet_norm(config: &VaeConfig) -> ResnetNorm {
    ResnetNorm { groups: config.norm_groups, epsilon: EPS, time: None }
}

/// One resolution level: resnet blocks, then a change of resolution in all levels but the last.
#[derive(Clone)]
struct Stage {
    resnets: Vec<ResnetBlock>,
    resize: Option<Resize>,
}

#[derive(Clone)]
enum Resize {
    Down(Conv),
    Up(Conv),
}

impl Stage {
    fn load_resnets(
        p: &Params,
        config: &VaeConfig,
        inputs: usize,
        outputs: usize,
        count: usize,
    ) -> Result<Vec<ResnetBlock>, ParamError> {
        (0..count)
            .map(|i| {
                ResnetBlock::load(
                    &p.nth("resnets", i),
                    if i == 0 { inputs } else { outputs },
                    outputs,
                    resnet_norm(config),
                )
            })
            .collect()
    }

    fn forward(&self, mut x: Tensor<4>, is_current: &dyn Fn() -> bool) -> Result<Tensor<4>, Stopped> {
        for resnet in &self.resnets {
            Stopped::check(is_current)?;
            x = resnet.forward(x, None);
        }
        Stopped::check(is_current)?;
        Ok(match &self.resize {
            None => x,
            Some(Resize::Down(conv)) => conv.forward(x),
            Some(Resize::Up(conv)) => {
                let [_, _, h, w] = x.dims();
                conv.forward_with(x, ConvExtras { size: Some([2 * h, 2 * w]), ..Default::default() })
            }
        })
    }
}

/// The middle block, at the resolution of the latents: two resnet blocks around a self-attention with one head.
#[derive(Clone)]
struct Middle {
    first: ResnetBlock,
    attention: Option<(GroupNorm, Attention)>,
    second: ResnetBlock,
}

impl Middle {
    fn load(p: &Params, config: &VaeConfig) -> Result<Self, ParamError> {
        let width = config.channels[config.channels.len() - 1];
        let resnet = |i| ResnetBlock::load(&p.nth("resnets", i), width, width, resnet_norm(config));
        let attention = config.middle_attention.then(|| {
            let p = p.nth("attentions", 0);
            let norm = GroupNorm::load(&p.at("group_norm"), config.norm_groups, width, EPS)?;
            Ok((norm, Attention::load(&p, width, width, 1, true)?))
        });
        Ok(Self { first: resnet(0)?, attention: attention.transpose()?, second: resnet(1)? })
    }

    fn forward(&self, x: Tensor<4>, is_current: &dyn Fn() -> bool) -> Result<Tensor<4>, Stopped> {
        Stopped::check(is_current)?;
        let mut x = self.first.forward(x, None);
        if let Some((norm, attention)) = &self.attention {
            Stopped::check(is_current)?;
            let [_, _, h, w] = x.dims();
            let tokens = to_tokens(x);
            let normed = norm.forward(tokens.clone());
            let (attended, _) = attention.forward(normed.clone(), attention.key_value(normed), Some(tokens), false);
            x = from_tokens(attended, [h, w]);
        }
        Stopped::check(is_current)?;
        Ok(self.second.forward(x, None))
    }
}

/// From a picture to the mean and log variance of its latents.
#[derive(Clone)]
pub(super) struct Encoder {
    conv_in: Conv,
    stages: Vec<Stage>,
    middle: Middle,
    norm_out: GroupNorm,
    conv_out: Conv,
    quant: Option<Conv>,
}

impl Encoder {
    /// `p` is the root of the autoencoder.
    pub(super) fn load(p: &Params, config: &VaeConfig) -> Result<Self, ParamError> {
        let e = p.at("encoder");
        let last = config.channels.len() - 1;
        let stage = |i: usize| {
            let p = e.nth("down_blocks", i);
            let outputs = config.channels[i];
            let inputs = config.channels[i.saturating_sub(1)];
            // The encoder pads with zeros below and to the right only.
            let down = (i < last).then(|| Conv::load_downsampling(&p.at("downsamplers.0.conv"), outputs, (0, 1)));
            Ok(Stage {
                resnets: Stage::load_resnets(&p, config, inputs, outputs, config.layers)?,
                resize: down.transpose()?.map(Resize::Down),
            })
        };
        let (widest, moments) = (config.channels[last], 2 * config.latent_channels);
        Ok(Self {
            conv_in: Conv::load(&e.at("conv_in"), config.picture_channels, config.channels[0], 3)?,
            stages: (0..=last).map(stage).collect::<Result<_, ParamError>>()?,
            middle: Middle::load(&e.at("mid_block"), config)?,
            norm_out: GroupNorm::load(&e.at("conv_norm_out"), config.norm_groups, widest, EPS)?,
            conv_out: Conv::load(&e.at("conv_out"), widest, moments, 3)?,
            quant: config.quant_conv.then(|| Conv::load(&p.at("quant_conv"), moments, moments, 1)).transpose()?,
        })
    }

    /// `[batch, 3, H, W]` to `[batch, 2 * latent channels, h, w]`: means first, then log variances.
    pub(super) fn forward(&self, x: Tensor<4>, is_current: &dyn Fn() -> bool) -> Result<Tensor<4>, Stopped> {
        let mut x = self.conv_in.forward(x);
        for stage in &self.stages {
            x = stage.forward(x, is_current)?;
        }
        let x = self.middle.forward(x, is_current)?;
        let x = self.conv_out.forward_normed(x, &self.norm_out);
        Ok(match &self.quant {
            Some(conv) => conv.forward(x),
            None => x,
        })
    }
}

/// From unscaled latents to a picture.
#[derive(Clone)]
pub(super) struct Decoder {
    post_quant: Option<Conv>,
    conv_in: Conv,
    middle: Middle,
    stages: Vec<Stage>,
    norm_out: GroupNorm,
    conv_out: Conv,
}

impl Decoder {
    /// `p` is the root of the autoencoder.
    pub(super) fn load(p: &Params, config: &VaeConfig) -> Result<Self, ParamError> {
        let d = p.at("decoder");
        let coarse_first: Vec<usize> = config.channels.iter().rev().copied().collect();
        let last = coarse_first.len() - 1;
        let stage = |i: usize| {
            let p = d.nth("up_blocks", i);
            let outputs = coarse_first[i];
            let inputs = coarse_first[i.saturating_sub(1)];
            let up = (i < last).then(|| Conv::load(&p.at("upsamplers.0.conv"), outputs, outputs, 3));
            Ok(Stage {
                resnets: Stage::load_resnets(&p, config, inputs, outputs, config.layers + 1)?,
                resize: up.transpose()?.map(Resize::Up),
            })
        };
        let (latent, finest) = (config.latent_channels, config.channels[0]);
        let post_quant = config.post_quant_conv.then(|| Conv::load(&p.at("post_quant_conv"), latent, latent, 1));
        Ok(Self {
            post_quant: post_quant.transpose()?,
            conv_in: Conv::load(&d.at("conv_in"), latent, coarse_first[0], 3)?,
            middle: Middle::load(&d.at("mid_block"), config)?,
            stages: (0..=last).map(stage).collect::<Result<_, ParamError>>()?,
            norm_out: GroupNorm::load(&d.at("conv_norm_out"), config.norm_groups, finest, EPS)?,
            conv_out: Conv::load(&d.at("conv_out"), finest, config.picture_channels, 3)?,
        })
    }

    /// `[batch, latent channels, h, w]` to `[batch, 3, H, W]`.
    pub(super) fn forward(&self, x: Tensor<4>, is_current: &dyn Fn() -> bool) -> Result<Tensor<4>, Stopped> {
        let x = match &self.post_quant {
            Some(conv) => conv.forward(x),
            None => x,
        };
        let mut x = self.middle.forward(self.conv_in.forward(x), is_current)?;
        for stage in &self.stages {
            x = stage.forward(x, is_current)?;
        }
        Ok(self.conv_out.forward_normed(x, &self.norm_out))
    }
}
