use burn::tensor::Tensor;

use super::{
    AttentionTap, ParamError, Params, Stopped, TapRequest,
    layers::{Around, Conv},
    resnet::{ResnetBlock, ResnetNorm},
    transformer::SpatialTransformer,
    unet_config::{Level, UNetConfig},
};

/// What every block of one forward pass is given.
pub(super) struct Pass<'a> {
    /// `[batch, time width, 1]`, through silu.
    pub(super) time: Tensor<3>,
    /// `[batch, context width, L]`.
    pub(super) context: Tensor<3>,
    pub(super) request: &'a TapRequest,
    pub(super) wanted: &'a dyn Fn() -> bool,
}

impl Pass<'_> {
    fn go_on(&self) -> Result<(), Stopped> {
        if (self.wanted)() { Ok(()) } else { Err(Stopped) }
    }
}

/// A resnet block and, at levels with attention, the transformer after it.
#[derive(Clone)]
struct Layer {
    resnet: ResnetBlock,
    transformer: Option<SpatialTransformer>,
    factor: usize,
}

impl Layer {
    fn forward(&self, x: Tensor<4>, pass: &Pass, taps: &mut Vec<AttentionTap>) -> Result<Tensor<4>, Stopped> {
        pass.go_on()?;
        let x = self.resnet.forward(x, Some(&pass.time));
        Ok(match &self.transformer {
            Some(t) => t.forward(x, &pass.context, pass.request.wants(self.factor), taps),
            None => x,
        })
    }
}

/// Loads the layers of one block, `channels` giving each resnet's (inputs, outputs).
fn load_layers(
    p: &Params,
    level: &Level,
    config: &UNetConfig,
    attention: bool,
    channels: impl Iterator<Item = (usize, usize)>,
) -> Result<Vec<Layer>, ParamError> {
    channels
        .enumerate()
        .map(|(i, (inputs, outputs))| {
            let resnet = ResnetBlock::load(&p.nth("resnets", i), inputs, outputs, resnet_norm(config))?;
            let transformer = attention
                .then(|| SpatialTransformer::load(&p.nth("attentions", i), level, config.norm_groups))
                .transpose()?;
            Ok(Layer { resnet, transformer, factor: level.factor })
        })
        .collect()
}

fn resnet_norm(config: &UNetConfig) -> ResnetNorm {
    ResnetNorm { groups: config.norm_groups, epsilon: config.norm_eps, time: Some(config.time_width()) }
}

/// DownBlock2D and CrossAttnDownBlock2D.
#[derive(Clone)]
pub(super) struct DownBlock {
    layers: Vec<Layer>,
    halve: Option<Conv>,
}

impl DownBlock {
    /// The level `index`; the coarsest one does not halve. Appends the channels of what it leaves for the way up.
    pub(super) fn load(
        p: &Params,
        config: &UNetConfig,
        index: usize,
        skips: &mut Vec<usize>,
    ) -> Result<Self, ParamError> {
        let level = &config.levels[index];
        let outputs = level.channels;
        let first = if index == 0 { outputs } else { config.levels[index - 1].channels };
        let channels = (0..level.layers).map(|i| (if i == 0 { first } else { outputs }, outputs));
        let layers = load_layers(p, level, config, level.down_attention, channels)?;
        let halves = index + 1 < config.levels.len();
        let halve = halves.then(|| Conv::load_halving(&p.at("downsamplers.0.conv"), outputs, (1, 1))).transpose()?;
        skips.extend(std::iter::repeat_n(outputs, level.layers + usize::from(halves)));
        Ok(Self { layers, halve })
    }

    pub(super) fn forward(
        &self,
        mut x: Tensor<4>,
        pass: &Pass,
        skips: &mut Vec<Tensor<4>>,
        taps: &mut Vec<AttentionTap>,
    ) -> Result<Tensor<4>, Stopped> {
        for layer in &self.layers {
            x = layer.forward(x, pass, taps)?;
            skips.push(x.clone());
        }
        if let Some(halve) = &self.halve {
            x = halve.forward(x);
            skips.push(x.clone());
        }
        Ok(x)
    }
}

/// UNetMidBlock2DCrossAttn.
#[derive(Clone)]
pub(super) struct MiddleBlock {
    first: Layer,
    second: ResnetBlock,
}

impl MiddleBlock {
    pub(super) fn load(p: &Params, config: &UNetConfig, level: &Level) -> Result<Self, ParamError> {
        let width = level.channels;
        let load = |i| ResnetBlock::load(&p.nth("resnets", i), width, width, resnet_norm(config));
        let transformer = SpatialTransformer::load(&p.nth("attentions", 0), level, config.norm_groups)?;
        Ok(Self {
            first: Layer { resnet: load(0)?, transformer: Some(transformer), factor: level.factor },
            second: load(1)?,
        })
    }

    pub(super) fn forward(
        &self,
        x: Tensor<4>,
        pass: &Pass,
        taps: &mut Vec<AttentionTap>,
    ) -> Result<Tensor<4>, Stopped> {
        let x = self.first.forward(x, pass, taps)?;
        pass.go_on()?;
        Ok(self.second.forward(x, Some(&pass.time)))
    }
}

/// UpBlock2D and CrossAttnUpBlock2D.
#[derive(Clone)]
pub(super) struct UpBlock {
    layers: Vec<Layer>,
    double: Option<Conv>,
}

impl UpBlock {
    /// The level `index`; the finest one does not double. Takes the channels of what the way down left off `skips`.
    pub(super) fn load(
        p: &Params,
        config: &UNetConfig,
        index: usize,
        skips: &mut Vec<usize>,
    ) -> Result<Self, ParamError> {
        let level = &config.levels[index];
        let outputs = level.channels;
        let first = config.levels.get(index + 1).map_or(outputs, |coarser| coarser.channels);
        let count = level.layers + 1;
        // As many were left as are taken: each level leaves layers + 1 when the first convolution counts as one.
        let left = skips.split_off(skips.len().saturating_sub(count));
        let channels =
            left.into_iter().rev().enumerate().map(|(i, skip)| (skip + if i == 0 { first } else { outputs }, outputs));
        let layers = load_layers(p, level, config, level.up_attention, channels)?;
        let double = (index > 0).then(|| Conv::load(&p.at("upsamplers.0.conv"), outputs, outputs, 3)).transpose()?;
        Ok(Self { layers, double })
    }

    pub(super) fn forward(
        &self,
        mut x: Tensor<4>,
        pass: &Pass,
        skips: &mut Vec<Tensor<4>>,
        taps: &mut Vec<AttentionTap>,
    ) -> Result<Tensor<4>, Stopped> {
        for layer in &self.layers {
            let joined = match skips.pop() {
                Some(skip) => Tensor::cat(vec![x, skip], 1),
                None => x,
            };
            x = layer.forward(joined, pass, taps)?;
        }
        if let Some(double) = &self.double {
            pass.go_on()?;
            // Where a side was odd, twice its half is not the side: the next skip tells the right one.
            let [_, _, h, w] = x.dims();
            let size = skips.last().map_or([2 * h, 2 * w], |skip| [skip.dims()[2], skip.dims()[3]]);
            x = double.forward_in(x, Around { size: Some(size), ..Default::default() });
        }
        Ok(x)
    }
}
