use std::cell::Cell;

use burn::tensor::{Device, Tensor};

use super::{
    AddedConditions, AttentionTap, ParamError, Params, Stopped, TapRequest, UNetConfig,
    attention::KeyValue,
    kernels,
    layers::{Conv, GroupNorm},
    time::TimeEmbedding,
    unet_blocks::{AtText, DownBlock, MiddleBlock, Pass, UpBlock},
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

    /// Where its weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The downsampling factors at which it attends to the text, finest first.
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
    /// - result: as `sample`, and the attention maps that `taps` names, in network order (down, middle, up). Maps are
    ///   of the first sample: ask for them with batch 1.
    ///
    /// # Errors
    /// [`Stopped`] as soon as `wanted`, asked before every resnet block, says no.
    pub fn forward(
        &self,
        sample: Tensor<4>,
        timestep: f32,
        context: Tensor<3>,
        added: Option<&AddedConditions>,
        taps: &TapRequest,
        wanted: &dyn Fn() -> bool,
    ) -> Result<(Tensor<4>, Vec<AttentionTap>), Stopped> {
        let shifts = self.shifts(timestep, sample.dims()[0], added);
        let trunk = self.begin(sample, &shifts, taps, wanted)?;
        self.finish(trunk, &shifts, &self.read(context), taps, wanted)
    }

    /// How many resnet blocks and doublings a prediction goes through: so often it asks whether it is still wanted.
    pub fn stages(&self) -> usize {
        let config = self.config();
        let blocks: usize = config.levels.iter().map(|level| 2 * level.layers + 1).sum();
        blocks + 2 * usize::from(config.middle) + config.levels.len() - 1
    }

    /// What the timestep, and SDXL's added conditions, do to every resnet block.
    pub(super) fn shifts(&self, timestep: f32, batch: usize, added: Option<&AddedConditions>) -> Shifts {
        kernels::with_workers(&self.device, || {
            let time = &self.time.forward(timestep, batch, added, &self.device);
            let down = self.down.iter().flat_map(|block| block.shifts(time));
            let middle = self.middle.iter().flat_map(|block| block.shifts(time));
            let up = self.up.iter().flat_map(|block| block.shifts(time));
            Shifts(down.chain(middle).chain(up).collect())
        })
    }

    /// What every attention to the text makes of `context` `[batch, L, context width]`.
    pub(super) fn read(&self, context: Tensor<3>) -> ReadText {
        kernels::with_workers(&self.device, || {
            let context = &context.swap_dims(1, 2);
            let down = self.down.iter().flat_map(|block| block.read(context));
            let middle = self.middle.iter().flat_map(|block| block.read(context));
            let up = self.up.iter().flat_map(|block| block.read(context));
            ReadText(down.chain(middle).chain(up).collect())
        })
    }

    /// As far as no text is needed.
    pub(super) fn begin(
        &self,
        sample: Tensor<4>,
        Shifts(shifts): &Shifts,
        taps: &TapRequest,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Trunk, Stopped> {
        kernels::with_workers(&self.device, || {
            let pass = Pass { shifts: Cell::new(shifts.iter()), texts: Cell::default(), request: taps, wanted };
            let mut x = self.conv_in.forward(sample);
            let mut skips = vec![x.clone()];
            for (i, block) in self.down.iter().enumerate() {
                match block.begin(x, &pass, &mut skips)? {
                    Ok(y) => x = y,
                    Err(at) => {
                        let used = shifts.len() - pass.shifts_left();
                        return Ok(Trunk { end: End::AtText(i, at), skips, used });
                    }
                }
            }
            Ok(Trunk { end: End::Bottom(x), skips, used: shifts.len() - pass.shifts_left() })
        })
    }

    /// From there to the end, with the text.
    pub(super) fn finish(
        &self,
        trunk: Trunk,
        Shifts(shifts): &Shifts,
        ReadText(texts): &ReadText,
        taps: &TapRequest,
        wanted: &dyn Fn() -> bool,
    ) -> Result<(Tensor<4>, Vec<AttentionTap>), Stopped> {
        kernels::with_workers(&self.device, || {
            let Trunk { end, mut skips, used } = trunk;
            let (shifts, texts) = (Cell::new(shifts[used..].iter()), Cell::new(texts.iter()));
            let pass = Pass { shifts, texts, request: taps, wanted };
            let mut maps = Vec::new();
            let mut x = match end {
                End::Bottom(x) => x,
                End::AtText(block, at) => {
                    let mut x = self.down[block].finish(at, &pass, &mut skips, &mut maps)?;
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

/// What a timestep does to every resnet block, in network order.
#[derive(Clone, Debug)]
pub(super) struct Shifts(pub(super) Vec<Option<Tensor<3>>>);

/// A text as every attention to it reads it, in network order.
#[derive(Clone, Debug)]
pub(super) struct ReadText(pub(super) Vec<KeyValue>);

/// What a U-Net makes of latents and timestep before it looks at a text: the same for all texts.
#[derive(Clone)]
pub(super) struct Trunk {
    end: End,
    skips: Vec<Tensor<4>>,
    /// Shifts that were needed so far.
    used: usize,
}

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "one exists at a time")]
enum End {
    /// In this block on the way down.
    AtText(usize, AtText),
    /// No block on the way down looks at the text.
    Bottom(Tensor<4>),
}

impl Trunk {
    /// Whether it can be finished with the maps of `taps`.
    pub(super) fn serves(&self, taps: &TapRequest) -> bool {
        match &self.end {
            End::AtText(_, at) => at.serves(taps),
            End::Bottom(_) => true,
        }
    }
}
