use std::{cell::Cell, slice};

use burn::tensor::Tensor;

use super::{
    AttentionTap, ParamError, Params, Stopped, TapRequest,
    attention::KeyValue,
    layers::{Around, Conv},
    resnet::{ResnetBlock, ResnetNorm},
    transformer::{Head, SpatialTransformer},
    unet_config::{Level, UNetConfig},
};

/// What every block of one forward pass is given. Blocks take their part of `shifts` and `texts` in network order (down,
/// middle, up), each once.
pub(super) struct Pass<'a> {
    /// What the time embedding does to each resnet block.
    pub(super) shifts: Cell<slice::Iter<'a, Option<Tensor<3>>>>,
    /// The text as each attention to it reads it.
    pub(super) texts: Cell<slice::Iter<'a, KeyValue>>,
    pub(super) request: &'a TapRequest,
    pub(super) wanted: &'a dyn Fn() -> bool,
}

impl<'a> Pass<'a> {
    fn go_on(&self) -> Result<(), Stopped> {
        if (self.wanted)() { Ok(()) } else { Err(Stopped) }
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

    /// How many shifts are left.
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

/// How far a layer comes without a text.
#[expect(clippy::large_enum_variant, reason = "taken apart as soon as it is made")]
enum Begun {
    /// To its end.
    Through(Tensor<4>),
    ToText(Head),
}

impl Layer {
    fn forward(&self, x: Tensor<4>, pass: &Pass, taps: &mut Vec<AttentionTap>) -> Result<Tensor<4>, Stopped> {
        Ok(match self.begin(x, pass)? {
            Begun::Through(x) => x,
            Begun::ToText(head) => self.finish(head, pass, taps),
        })
    }

    fn begin(&self, x: Tensor<4>, pass: &Pass) -> Result<Begun, Stopped> {
        pass.go_on()?;
        let x = self.resnet.forward(x, pass.next_shift());
        Ok(match &self.transformer {
            Some(t) => Begun::ToText(t.begin(x, pass.request.wants(self.factor))),
            None => Begun::Through(x),
        })
    }

    fn finish(&self, head: Head, pass: &Pass, taps: &mut Vec<AttentionTap>) -> Tensor<4> {
        // Only a layer with a transformer makes a head.
        let Some(t) = &self.transformer else { unreachable!("a layer without attention has begun one") };
        t.finish(head, pass.next_texts(t.depth()), pass.request.wants(self.factor), taps)
    }

    /// What a time embedding does to its resnet block.
    fn shift(&self, time: &Tensor<3>) -> Option<Tensor<3>> {
        self.resnet.shift(time)
    }

    /// What its attentions to the text make of `context`.
    fn read(&self, context: &Tensor<3>) -> impl Iterator<Item = KeyValue> {
        self.transformer.iter().flat_map(|t| t.read(context))
    }
}

/// A way down that has come to where the first text is needed: everything before is the same for all texts.
#[derive(Clone)]
pub(super) struct AtText {
    layer: usize,
    head: Head,
    factor: usize,
}

impl AtText {
    /// Whether what `request` asks for was kept on the way.
    pub(super) fn serves(&self, request: &TapRequest) -> bool {
        self.head.has_map() || !request.wants(self.factor)
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
        x: Tensor<4>,
        pass: &Pass,
        skips: &mut Vec<Tensor<4>>,
        taps: &mut Vec<AttentionTap>,
    ) -> Result<Tensor<4>, Stopped> {
        match self.begin(x, pass, skips)? {
            Ok(x) => Ok(x),
            Err(at) => self.finish(at, pass, skips, taps),
        }
    }

    /// As far as no text is needed: through, or to the first attention to it.
    pub(super) fn begin(
        &self,
        mut x: Tensor<4>,
        pass: &Pass,
        skips: &mut Vec<Tensor<4>>,
    ) -> Result<Result<Tensor<4>, AtText>, Stopped> {
        for (i, layer) in self.layers.iter().enumerate() {
            match layer.begin(x, pass)? {
                Begun::Through(y) => x = y,
                Begun::ToText(head) => return Ok(Err(AtText { layer: i, head, factor: layer.factor })),
            }
            skips.push(x.clone());
        }
        Ok(Ok(self.leave(x, skips)))
    }

    /// From there to the end.
    pub(super) fn finish(
        &self,
        at: AtText,
        pass: &Pass,
        skips: &mut Vec<Tensor<4>>,
        taps: &mut Vec<AttentionTap>,
    ) -> Result<Tensor<4>, Stopped> {
        let mut x = self.layers[at.layer].finish(at.head, pass, taps);
        skips.push(x.clone());
        for layer in &self.layers[at.layer + 1..] {
            x = layer.forward(x, pass, taps)?;
            skips.push(x.clone());
        }
        Ok(self.leave(x, skips))
    }

    fn leave(&self, x: Tensor<4>, skips: &mut Vec<Tensor<4>>) -> Tensor<4> {
        let Some(halve) = &self.halve else { return x };
        let x = halve.forward(x);
        skips.push(x.clone());
        x
    }

    pub(super) fn shifts(&self, time: &Tensor<3>) -> impl Iterator<Item = Option<Tensor<3>>> {
        self.layers.iter().map(|layer| layer.shift(time))
    }

    pub(super) fn read(&self, context: &Tensor<3>) -> impl Iterator<Item = KeyValue> {
        self.layers.iter().flat_map(|layer| layer.read(context))
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
        Ok(self.second.forward(x, pass.next_shift()))
    }

    pub(super) fn shifts(&self, time: &Tensor<3>) -> [Option<Tensor<3>>; 2] {
        [self.first.shift(time), self.second.shift(time)]
    }

    pub(super) fn read(&self, context: &Tensor<3>) -> impl Iterator<Item = KeyValue> {
        self.first.read(context)
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

    pub(super) fn shifts(&self, time: &Tensor<3>) -> impl Iterator<Item = Option<Tensor<3>>> {
        self.layers.iter().map(|layer| layer.shift(time))
    }

    pub(super) fn read(&self, context: &Tensor<3>) -> impl Iterator<Item = KeyValue> {
        self.layers.iter().flat_map(|layer| layer.read(context))
    }
}
