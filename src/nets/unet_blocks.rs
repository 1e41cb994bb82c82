//! The blocks of a U-Net: down, middle and up.
//!
//! Separate from the U-Net, which runs them in order. A block can stop before its first cross-attention, and be finished
//! later with a text.

use std::{cell::Cell, slice};

use burn::tensor::Tensor;

use super::{
    AttentionTap, Cancelled, ParamError, Params, TapRequest,
    attention::KeyValue,
    layers::{Conv, ConvExtras, join_channels},
    resnet::{ResnetBlock, ResnetNorm},
    transformer::{SpatialTransformer, TransformerState},
    unet_config::{Level, UNetConfig},
};

/// What all blocks of one forward pass share. Each block takes its elements of `shifts` and `texts`, in network order
/// (down, middle, up).
pub(super) struct ForwardPass<'a> {
    /// The time shifts of the resnet blocks that are still to run.
    pub(super) shifts: Cell<slice::Iter<'a, Option<Tensor<3>>>>,
    /// Keys and values of the text, for the cross-attentions that are still to run.
    pub(super) texts: Cell<slice::Iter<'a, KeyValue>>,
    /// Which attention maps are returned.
    pub(super) request: &'a TapRequest,
    /// Whether the result is still needed.
    pub(super) is_current: &'a dyn Fn() -> bool,
}

impl<'a> ForwardPass<'a> {
    fn check_current(&self) -> Result<(), Cancelled> {
        Cancelled::check(self.is_current)
    }

    fn next_shift(&self) -> Option<Tensor<3>> {
        let mut shifts = self.shifts.take();
        let next = shifts.next().cloned().flatten();
        self.shifts.set(shifts);
        next
    }

    fn next_texts(&self, count: usize) -> slice::Iter<'a, KeyValue> {
        let (next, later) = self.texts.take().as_slice().split_at(count);
        self.texts.set(later.iter());
        next.iter()
    }

    /// The number of shifts that are not used yet.
    pub(super) fn shifts_left(&self) -> usize {
        let shifts = self.shifts.take();
        let left = shifts.len();
        self.shifts.set(shifts);
        left
    }
}

/// A resnet block and, at levels with attention, the transformer after it.
#[derive(Clone)]
struct Layer {
    resnet: ResnetBlock,
    transformer: Option<SpatialTransformer>,
    factor: usize,
}

/// The result of a layer's first part.
#[expect(clippy::large_enum_variant, reason = "taken apart as soon as it is made")]
enum LayerPrefix {
    /// The layer's output: it has no cross-attention.
    Output(Tensor<4>),
    /// The state before the cross-attention.
    BeforeText(TransformerState),
}

impl Layer {
    fn forward(&self, x: Tensor<4>, pass: &ForwardPass, taps: &mut Vec<AttentionTap>) -> Result<Tensor<4>, Cancelled> {
        Ok(match self.run_prefix(x, pass)? {
            LayerPrefix::Output(x) => x,
            LayerPrefix::BeforeText(state) => self.finish(state, pass, taps),
        })
    }

    /// The part before the cross-attention.
    fn run_prefix(&self, x: Tensor<4>, pass: &ForwardPass) -> Result<LayerPrefix, Cancelled> {
        pass.check_current()?;
        let x = self.resnet.forward(x, pass.next_shift());
        Ok(match &self.transformer {
            Some(t) => LayerPrefix::BeforeText(t.run_prefix(x, pass.request.wants(self.factor))),
            None => LayerPrefix::Output(x),
        })
    }

    /// The part from the cross-attention on.
    fn finish(&self, state: TransformerState, pass: &ForwardPass, taps: &mut Vec<AttentionTap>) -> Tensor<4> {
        // Only `run_prefix` of a layer with a transformer makes a state.
        let Some(t) = &self.transformer else { unreachable!("a state of a transformer, in a layer without one") };
        t.finish(state, pass.next_texts(t.depth()), pass.request.wants(self.factor), taps)
    }

    /// The time shift of its resnet block.
    fn shift(&self, time: &Tensor<3>) -> Option<Tensor<3>> {
        self.resnet.shift(time)
    }

    /// Keys and values of its cross-attentions.
    fn text_key_values(&self, context: &Tensor<3>) -> impl Iterator<Item = KeyValue> {
        self.transformer.iter().flat_map(|t| t.text_key_values(context))
    }
}

/// A down block that stopped before its first cross-attention.
#[derive(Clone)]
pub(super) struct SuspendedBlock {
    /// The layer in which it stopped.
    layer: usize,
    state: TransformerState,
    factor: usize,
}

impl SuspendedBlock {
    /// Whether the attention map that `request` asks for is in the state.
    pub(super) fn serves(&self, request: &TapRequest) -> bool {
        self.state.has_map() || !request.wants(self.factor)
    }
}

/// Loads the layers of one block; `channels` gives the (inputs, outputs) of each resnet block.
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

/// `DownBlock2D` and `CrossAttnDownBlock2D`.
#[derive(Clone)]
pub(super) struct DownBlock {
    layers: Vec<Layer>,
    downsample: Option<Conv>,
}

impl DownBlock {
    /// Loads level `index`; all but the coarsest downsample. Appends the channels of its skip connections to `skips`.
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
        let downsamples = index + 1 < config.levels.len();
        let downsample = downsamples.then(|| Conv::load_downsampling(&p.at("downsamplers.0.conv"), outputs, (1, 1)));
        skips.extend(std::iter::repeat_n(outputs, level.layers + usize::from(downsamples)));
        Ok(Self { layers, downsample: downsample.transpose()? })
    }

    pub(super) fn forward(
        &self,
        x: Tensor<4>,
        pass: &ForwardPass,
        skips: &mut Vec<Tensor<4>>,
        taps: &mut Vec<AttentionTap>,
    ) -> Result<Tensor<4>, Cancelled> {
        match self.run_prefix(x, pass, skips)? {
            Ok(x) => Ok(x),
            Err(suspended) => self.finish(suspended, pass, skips, taps),
        }
    }

    /// The part before the first cross-attention: `Ok` with the block's output where it has none.
    pub(super) fn run_prefix(
        &self,
        mut x: Tensor<4>,
        pass: &ForwardPass,
        skips: &mut Vec<Tensor<4>>,
    ) -> Result<Result<Tensor<4>, SuspendedBlock>, Cancelled> {
        for (i, layer) in self.layers.iter().enumerate() {
            match layer.run_prefix(x, pass)? {
                LayerPrefix::Output(y) => x = y,
                LayerPrefix::BeforeText(state) => {
                    return Ok(Err(SuspendedBlock { layer: i, state, factor: layer.factor }));
                }
            }
            skips.push(x.clone());
        }
        Ok(Ok(self.downsample(x, skips)))
    }

    /// The part from the first cross-attention on.
    pub(super) fn finish(
        &self,
        suspended: SuspendedBlock,
        pass: &ForwardPass,
        skips: &mut Vec<Tensor<4>>,
        taps: &mut Vec<AttentionTap>,
    ) -> Result<Tensor<4>, Cancelled> {
        let mut x = self.layers[suspended.layer].finish(suspended.state, pass, taps);
        skips.push(x.clone());
        for layer in &self.layers[suspended.layer + 1..] {
            x = layer.forward(x, pass, taps)?;
            skips.push(x.clone());
        }
        Ok(self.downsample(x, skips))
    }

    /// Downsamples at the end of the block, where the level does.
    fn downsample(&self, x: Tensor<4>, skips: &mut Vec<Tensor<4>>) -> Tensor<4> {
        let Some(downsample) = &self.downsample else { return x };
        let x = downsample.forward(x);
        skips.push(x.clone());
        x
    }

    pub(super) fn shifts(&self, time: &Tensor<3>) -> impl Iterator<Item = Option<Tensor<3>>> {
        self.layers.iter().map(|layer| layer.shift(time))
    }

    pub(super) fn text_key_values(&self, context: &Tensor<3>) -> impl Iterator<Item = KeyValue> {
        self.layers.iter().flat_map(|layer| layer.text_key_values(context))
    }
}

/// `UNetMidBlock2DCrossAttn`.
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
        pass: &ForwardPass,
        taps: &mut Vec<AttentionTap>,
    ) -> Result<Tensor<4>, Cancelled> {
        let x = self.first.forward(x, pass, taps)?;
        pass.check_current()?;
        Ok(self.second.forward(x, pass.next_shift()))
    }

    pub(super) fn shifts(&self, time: &Tensor<3>) -> [Option<Tensor<3>>; 2] {
        [self.first.shift(time), self.second.shift(time)]
    }

    pub(super) fn text_key_values(&self, context: &Tensor<3>) -> impl Iterator<Item = KeyValue> {
        self.first.text_key_values(context)
    }
}

/// `UpBlock2D` and `CrossAttnUpBlock2D`.
#[derive(Clone)]
pub(super) struct UpBlock {
    layers: Vec<Layer>,
    upsample: Option<Conv>,
}

impl UpBlock {
    /// Loads level `index`; all but the finest upsample. Removes the channels of its skip connections from `skips`.
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
        // As many are removed as were appended: layers + 1 per level, where the first convolution appends one.
        let skipped = skips.split_off(skips.len().saturating_sub(count)).into_iter().rev();
        let channels = skipped.enumerate().map(|(i, skip)| (skip + if i == 0 { first } else { outputs }, outputs));
        let layers = load_layers(p, level, config, level.up_attention, channels)?;
        let upsample = (index > 0).then(|| Conv::load(&p.at("upsamplers.0.conv"), outputs, outputs, 3));
        Ok(Self { layers, upsample: upsample.transpose()? })
    }

    pub(super) fn forward(
        &self,
        mut x: Tensor<4>,
        pass: &ForwardPass,
        skips: &mut Vec<Tensor<4>>,
        taps: &mut Vec<AttentionTap>,
    ) -> Result<Tensor<4>, Cancelled> {
        for layer in &self.layers {
            let joined = match skips.pop() {
                Some(skip) => join_channels(x, skip),
                None => x,
            };
            x = layer.forward(joined, pass, taps)?;
        }
        if let Some(upsample) = &self.upsample {
            pass.check_current()?;
            // An odd side is not twice its half, so the size is that of the next skip connection.
            let [_, _, h, w] = x.dims();
            let size = skips.last().map_or([2 * h, 2 * w], |skip| [skip.dims()[2], skip.dims()[3]]);
            x = upsample.forward_with(x, ConvExtras { size: Some(size), ..Default::default() });
        }
        Ok(x)
    }

    pub(super) fn shifts(&self, time: &Tensor<3>) -> impl Iterator<Item = Option<Tensor<3>>> {
        self.layers.iter().map(|layer| layer.shift(time))
    }

    pub(super) fn text_key_values(&self, context: &Tensor<3>) -> impl Iterator<Item = KeyValue> {
        self.layers.iter().flat_map(|layer| layer.text_key_values(context))
    }
}
