//! The U-Net: one evaluation, in two parts of which the first needs no text.
//!
//! Separate from its blocks, which know only their own layers, and from `predict`, which reuses the first part for several
//! texts.

use std::cell::Cell;

use burn::tensor::{Device, Tensor};

use super::{
    AddedConditions, AttentionTap, Cancelled, ParamError, Params, TapRequest, UNetConfig,
    attention::KeyValue,
    kernels,
    layers::{Conv, GroupNorm},
    time::TimeEmbedding,
    unet_blocks::{DownBlock, ForwardPass, MiddleBlock, SuspendedBlock, UpBlock},
};

/// UNet2DConditionModel (Rombach et al. 2022; SDXL: Podell et al. 2023): predicts noise (or v) in latents.
#[derive(Clone)]
pub struct UNet {
    config: UNetConfig,
    device: Device,
    time: TimeEmbedding,
    conv_in: Conv,
    down: Vec<DownBlock>,
    middle: Option<MiddleBlock>,
    up: Vec<UpBlock>,
    norm_out: GroupNorm,
    conv_out: Conv,
}

impl UNet {
    /// Builds the network that `config` describes, with weights from `p`.
    ///
    /// # Errors
    /// [`ParamError`] for the first weight that is missing or has another shape.
    pub fn load(p: &Params, config: UNetConfig) -> Result<Self, ParamError> {
        let levels = config.levels.len();
        let finest = config.levels[0].channels;
        let mut skips = vec![finest];
        let down = (0..levels)
            .map(|i| DownBlock::load(&p.nth("down_blocks", i), &config, i, &mut skips))
            .collect::<Result<_, _>>()?;
        let coarsest = &config.levels[levels - 1];
        let middle = config.middle.then(|| MiddleBlock::load(&p.at("mid_block"), &config, coarsest)).transpose()?;
        let up = (0..levels)
            .map(|i| UpBlock::load(&p.nth("up_blocks", i), &config, levels - 1 - i, &mut skips))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            device: p.device().clone(),
            time: TimeEmbedding::load(p, &config)?,
            conv_in: Conv::load(&p.at("conv_in"), config.channels, finest, 3)?,
            down,
            middle,
            up,
            norm_out: GroupNorm::load(&p.at("conv_norm_out"), config.norm_groups, finest, config.norm_eps)?,
            conv_out: Conv::load(&p.at("conv_out"), finest, config.channels, 3)?,
            config,
        })
    }

    pub fn config(&self) -> &UNetConfig {
        &self.config
    }

    /// The device of its weights.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The downsampling factors (latent side / level side) with attention to the text, finest first.
    pub fn factors(&self) -> Vec<usize> {
        let last = self.config.levels.len() - 1;
        self.config
            .levels
            .iter()
            .enumerate()
            .filter(|(i, l)| l.down_attention || l.up_attention || (*i == last && self.config.middle))
            .map(|(_, l)| l.factor)
            .collect()
    }

    /// One evaluation.
    ///
    /// # Shapes
    /// - `sample` `[batch, channels, h, w]`, any h and w
    /// - `context` `[batch, L, context width]`
    /// - `timestep` in training timesteps, 0..1000, one for the whole batch
    /// - result: as `sample`, and the attention maps that `taps` requests, in network order (down, middle, up). Maps are
    ///   those of the first sample: request them with batch 1.
    ///
    /// # Errors
    /// [`Cancelled`] when `is_current` answers no; it is called before every resnet block.
    pub fn forward(
        &self,
        sample: Tensor<4>,
        timestep: f32,
        context: Tensor<3>,
        added: Option<&AddedConditions>,
        taps: &TapRequest,
        is_current: &dyn Fn() -> bool,
    ) -> Result<(Tensor<4>, Vec<AttentionTap>), Cancelled> {
        let shifts = self.shifts(timestep, sample.dims()[0], added);
        let prefix = self.run_prefix(sample, &shifts, taps, is_current)?;
        self.finish(prefix, &shifts, &self.text_key_values(context), taps, is_current)
    }

    /// How often one evaluation calls `is_current`: once per resnet block and per upsampling.
    pub fn stages(&self) -> usize {
        let config = self.config();
        let blocks: usize = config.levels.iter().map(|level| 2 * level.layers + 1).sum();
        blocks + 2 * usize::from(config.middle) + config.levels.len() - 1
    }

    /// The time shifts of all resnet blocks, for a timestep and SDXL's added conditions.
    pub(super) fn shifts(&self, timestep: f32, batch: usize, added: Option<&AddedConditions>) -> Shifts {
        kernels::with_workers(&self.device, || {
            let time = &self.time.forward(timestep, batch, added, &self.device);
            let down = self.down.iter().flat_map(|block| block.shifts(time));
            let middle = self.middle.iter().flat_map(|block| block.shifts(time));
            let up = self.up.iter().flat_map(|block| block.shifts(time));
            Shifts(down.chain(middle).chain(up).collect())
        })
    }

    /// Keys and values of all cross-attentions for `context` `[batch, L, context width]`.
    pub(super) fn text_key_values(&self, context: Tensor<3>) -> TextKeyValues {
        kernels::with_workers(&self.device, || {
            let context = &context.swap_dims(1, 2);
            let down = self.down.iter().flat_map(|block| block.text_key_values(context));
            let middle = self.middle.iter().flat_map(|block| block.text_key_values(context));
            let up = self.up.iter().flat_map(|block| block.text_key_values(context));
            TextKeyValues(down.chain(middle).chain(up).collect())
        })
    }

    /// The first part of an evaluation: up to the first cross-attention, equal for all texts.
    pub(super) fn run_prefix(
        &self,
        sample: Tensor<4>,
        Shifts(shifts): &Shifts,
        taps: &TapRequest,
        is_current: &dyn Fn() -> bool,
    ) -> Result<SharedPrefix, Cancelled> {
        kernels::with_workers(&self.device, || {
            let pass =
                ForwardPass { shifts: Cell::new(shifts.iter()), texts: Cell::default(), request: taps, is_current };
            let mut x = self.conv_in.forward(sample);
            let mut skips = vec![x.clone()];
            for (i, block) in self.down.iter().enumerate() {
                match block.run_prefix(x, &pass, &mut skips)? {
                    Ok(y) => x = y,
                    Err(suspended) => {
                        let shifts_used = shifts.len() - pass.shifts_left();
                        return Ok(SharedPrefix { end: PrefixEnd::InBlock(i, suspended), skips, shifts_used });
                    }
                }
            }
            let shifts_used = shifts.len() - pass.shifts_left();
            Ok(SharedPrefix { end: PrefixEnd::AfterDown(x), skips, shifts_used })
        })
    }

    /// The second part of an evaluation, with the text.
    pub(super) fn finish(
        &self,
        prefix: SharedPrefix,
        Shifts(shifts): &Shifts,
        TextKeyValues(texts): &TextKeyValues,
        taps: &TapRequest,
        is_current: &dyn Fn() -> bool,
    ) -> Result<(Tensor<4>, Vec<AttentionTap>), Cancelled> {
        kernels::with_workers(&self.device, || {
            let SharedPrefix { end, mut skips, shifts_used } = prefix;
            let (shifts, texts) = (Cell::new(shifts[shifts_used..].iter()), Cell::new(texts.iter()));
            let pass = ForwardPass { shifts, texts, request: taps, is_current };
            let mut maps = Vec::new();
            let mut x = match end {
                PrefixEnd::AfterDown(x) => x,
                PrefixEnd::InBlock(block, suspended) => {
                    let mut x = self.down[block].finish(suspended, &pass, &mut skips, &mut maps)?;
                    for block in &self.down[block + 1..] {
                        x = block.forward(x, &pass, &mut skips, &mut maps)?;
                    }
                    x
                }
            };
            if let Some(middle) = &self.middle {
                x = middle.forward(x, &pass, &mut maps)?;
            }
            for block in &self.up {
                x = block.forward(x, &pass, &mut skips, &mut maps)?;
            }
            Ok((self.conv_out.forward_normed(x, &self.norm_out), maps))
        })
    }
}

/// The time shifts of all resnet blocks, in network order.
#[derive(Clone, Debug)]
pub(super) struct Shifts(pub(super) Vec<Option<Tensor<3>>>);

/// Keys and values of a text for all cross-attentions, in network order.
#[derive(Clone, Debug)]
pub(super) struct TextKeyValues(pub(super) Vec<KeyValue>);

/// The state of an evaluation before its first cross-attention: the same for all texts.
#[derive(Clone)]
pub(super) struct SharedPrefix {
    end: PrefixEnd,
    skips: Vec<Tensor<4>>,
    /// Time shifts used so far.
    shifts_used: usize,
}

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "one exists at a time")]
enum PrefixEnd {
    /// In the down block of this index.
    InBlock(usize, SuspendedBlock),
    /// After the down blocks, of which none has cross-attention.
    AfterDown(Tensor<4>),
}

impl SharedPrefix {
    /// Whether it can be finished with the attention maps that `taps` requests.
    pub(super) fn serves(&self, taps: &TapRequest) -> bool {
        match &self.end {
            PrefixEnd::InBlock(_, suspended) => suspended.serves(taps),
            PrefixEnd::AfterDown(_) => true,
        }
    }
}
