//! The time embedding of a U-Net, with SDXL's added conditions.
//!
//! Separate from the U-Net: one vector for all blocks, made once per timestep.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    ParamError, Params,
    layers::{Activation, Linear},
    unet_config::{TextTime, UNetConfig},
};

/// The conditions of SDXL's U-Net besides the text (`addition_embed_type` "text_time").
#[derive(Clone, Debug)]
pub struct AddedConditions {
    /// Pooled text embedding `[batch, width]`.
    pub pooled: Tensor<2>,
    /// Original height and width, crop top and left, target height and width, in pixels.
    pub time_ids: [f32; 6],
}

/// Embeds the timestep, and SDXL's added conditions, in one vector for all resnet blocks.
#[derive(Clone)]
pub(super) struct TimeEmbedding {
    sinusoids: Sinusoids,
    mlp: Mlp,
    added: Option<(Sinusoids, Mlp)>,
}

/// Sinusoidal embedding of numbers: sines and cosines at geometrically falling frequencies (`Timesteps` in diffusers).
#[derive(Clone, Copy)]
struct Sinusoids {
    /// Values per number, half of them sines.
    width: usize,
    flip_sin_to_cos: bool,
    freq_shift: f32,
}

#[derive(Clone)]
struct Mlp {
    linear_1: Linear,
    linear_2: Linear,
}

impl TimeEmbedding {
    pub(super) fn load(p: &Params, config: &UNetConfig) -> Result<Self, ParamError> {
        let sinusoids =
            |width| Sinusoids { width, flip_sin_to_cos: config.flip_sin_to_cos, freq_shift: config.freq_shift };
        let (inner, outer) = (config.levels[0].channels, config.time_width());
        let added = config.text_time.map(|TextTime { number_width, input_width }| {
            Ok((sinusoids(number_width), Mlp::load(&p.at("add_embedding"), input_width, outer)?))
        });
        Ok(Self {
            sinusoids: sinusoids(inner),
            mlp: Mlp::load(&p.at("time_embedding"), inner, outer)?,
            added: added.transpose()?,
        })
    }

    /// `[batch, time width, 1]`, after the silu with which every resnet block begins its projection.
    pub(super) fn forward(
        &self,
        timestep: f32,
        batch: usize,
        added: Option<&AddedConditions>,
        device: &Device,
    ) -> Tensor<3> {
        let mut embedding = self.mlp.forward(self.sinusoids.of(&[timestep], device).repeat_dim(0, batch));
        if let (Some((sinusoids, mlp)), Some(added)) = (&self.added, added) {
            let ids = sinusoids.of(&added.time_ids, device).repeat_dim(0, batch);
            let pooled = added.pooled.clone().unsqueeze_dim(2);
            embedding = embedding + mlp.forward(Tensor::cat(vec![pooled, ids], 1));
        }
        Activation::Silu.of(embedding)
    }
}

impl Sinusoids {
    /// `[1, numbers * width, 1]`.
    fn of(self, numbers: &[f32], device: &Device) -> Tensor<3> {
        let half = self.width / 2;
        let step = -(1e4_f32.ln()) / (half as f32 - self.freq_shift);
        let mut values = Vec::with_capacity(numbers.len() * self.width);
        for &number in numbers {
            let angles: Vec<f32> = (0..half).map(|i| number * (i as f32 * step).exp()).collect();
            let sines = angles.iter().map(|a| a.sin());
            let cosines = angles.iter().map(|a| a.cos());
            if self.flip_sin_to_cos {
                values.extend(cosines.chain(sines));
            } else {
                values.extend(sines.chain(cosines));
            }
        }
        let width = values.len();
        Tensor::from_data(TensorData::new(values, [1, width, 1]), device)
    }
}

impl Mlp {
    fn load(p: &Params, inputs: usize, outputs: usize) -> Result<Self, ParamError> {
        Ok(Self {
            linear_1: Linear::load(&p.at("linear_1"), inputs, outputs, true)?,
            linear_2: Linear::load(&p.at("linear_2"), outputs, outputs, true)?,
        })
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.linear_2.forward(Activation::Silu.of(self.linear_1.forward(x)))
    }
}
