use burn::tensor::{Device, Tensor};

use super::{
    AddedConditions, AttentionTap, ParamError, Params, Stopped, TapRequest, UNetConfig, kernels,
    layers::{Conv, GroupNorm},
    time::TimeEmbedding,
    unet_blocks::{DownBlock, MiddleBlock, Pass, UpBlock},
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
        kernels::together(&self.device, || {
            let time = self.time.forward(timestep, sample.dims()[0], added, &self.device);
            let pass = Pass { time, context: context.swap_dims(1, 2), request: taps, wanted };
            let mut maps = Vec::new();
            let mut x = self.conv_in.forward(sample);
            let mut skips = vec![x.clone()];
            for block in &self.down {
                x = block.forward(x, &pass, &mut skips, &mut maps)?;
            }
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
