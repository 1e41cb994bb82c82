//! One prediction of a U-Net for one sample on the host, and several at one step.
//!
//! Separate from the network itself, which computes with device tensors alone.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use super::{
    AddedConditions, AttentionTap, NetError, Stopped, TapRequest, TextEncoding, UNet, kernels,
    unet::{SharedPrefix, Shifts, TextKeyValues},
};
use crate::tensor::Latents;

/// The autoencoders of all SDXL models have three downsamplers.
const SDXL_PIXELS_PER_LATENT: usize = 8;

/// One evaluation of a U-Net on one sample.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Noise or v, by the model's prediction type, shaped as the latents.
    pub output: Latents,
    /// The attention maps that were requested, still on the device.
    pub taps: Vec<AttentionTap>,
}

/// The shift that a timestep adds in every block of a U-Net: the same for all latents and texts.
pub struct TimeShifts(Shifts);

/// Keys and values of a text in every cross-attention of a U-Net: the same for all latents and timesteps.
pub struct TextKeys {
    key_values: TextKeyValues,
    pooled: Option<Tensor<2>>,
}

impl TimeShifts {
    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.0.0.iter().flatten().map(bytes).sum()
    }
}

impl TextKeys {
    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.key_values.0.iter().map(|kv| bytes(&kv.key) + bytes(&kv.value)).sum()
    }
}

fn bytes<const D: usize>(x: &Tensor<D>) -> usize {
    x.dims().iter().product::<usize>() * size_of::<f32>()
}

/// A U-Net at one step, for several texts. What does not depend on the text is computed once; predictions are those of
/// [`UNet::predict`] to the bit.
pub struct AtStep<'a> {
    unet: &'a UNet,
    latents: &'a Latents,
    /// Absent where they depend on the text (SDXL).
    shifts: Option<Arc<TimeShifts>>,
    timestep: f32,
    prefix: Option<SharedPrefix>,
}

impl UNet {
    /// Predicts for one sample on the host: `latents` as the sampler scales them, `timestep` in 0..1000.
    ///
    /// SDXL's size conditions (original, cropped and target size) are all the latents' own size.
    ///
    /// # Errors
    /// [`NetError::Input`] where latents or text do not fit this network, [`NetError::Stopped`] once `is_current`
    /// answers no.
    pub fn predict(
        &self,
        latents: &Latents,
        timestep: f32,
        text: &TextEncoding,
        taps: &TapRequest,
        is_current: &dyn Fn() -> bool,
    ) -> Result<Prediction, NetError> {
        let text = self.read_text(text)?;
        let mut at_step = self.at_step(latents, timestep, self.time_shifts(timestep).map(Arc::new))?;
        at_step.predict(&text, taps, is_current)
    }

    /// The shifts of `timestep`; `None` where they depend on the text too (SDXL).
    pub fn time_shifts(&self, timestep: f32) -> Option<TimeShifts> {
        self.config().pooled_width().is_none().then(|| TimeShifts(self.shifts(timestep, 1, None)))
    }

    /// Prepares a text for [`AtStep::predict`].
    ///
    /// # Errors
    /// [`NetError::Input`] where it does not fit this network.
    pub fn read_text(&self, text: &TextEncoding) -> Result<TextKeys, NetError> {
        self.check_text(text)?;
        Ok(TextKeys { key_values: self.text_key_values(text.hidden.clone()), pooled: text.pooled.clone() })
    }

    /// At `latents` as the sampler scales them and `timestep` in 0..1000, with its [`UNet::time_shifts`].
    ///
    /// # Errors
    /// [`NetError::Input`] where the latents do not fit this network.
    pub fn at_step<'a>(
        &'a self,
        latents: &'a Latents,
        timestep: f32,
        shifts: Option<Arc<TimeShifts>>,
    ) -> Result<AtStep<'a>, NetError> {
        let channels = self.config().channels;
        if latents.channels != channels {
            return input(format!("latents of {channels} channels"), format!("{} channels", latents.channels));
        }
        Ok(AtStep { unet: self, latents, shifts, timestep, prefix: None })
    }

    fn check_text(&self, text: &TextEncoding) -> Result<(), NetError> {
        let config = self.config();
        let [_, _, width] = text.hidden.dims();
        if width != config.context_width() {
            return input(format!("text embeddings {} wide", config.context_width()), format!("{width}"));
        }
        let pooled = text.pooled.as_ref().map(|p| p.dims()[1]);
        match config.pooled_width() {
            Some(expected) if pooled != Some(expected) => {
                let given = pooled.map_or("none".to_owned(), |p| p.to_string());
                input(format!("a pooled text embedding {expected} wide"), given)
            }
            _ => Ok(()),
        }
    }
}

fn input<T>(expected: String, given: String) -> Result<T, NetError> {
    Err(NetError::Input { network: "U-Net", expected, given })
}

impl AtStep<'_> {
    /// The prediction for one text.
    ///
    /// # Errors
    /// As [`UNet::predict`].
    pub fn predict(
        &mut self,
        text: &TextKeys,
        taps: &TapRequest,
        is_current: &dyn Fn() -> bool,
    ) -> Result<Prediction, NetError> {
        kernels::with_workers(self.unet.device(), || {
            let prefix = self.prefix(taps, is_current)?;
            self.finish(prefix, text, taps, is_current)
        })
    }

    /// The predictions for several texts, in this order. On the CPU they run side by side: each thread works on a text of
    /// its own and seldom waits for the others.
    pub fn predict_all(
        &mut self,
        texts: &[(&TextKeys, &TapRequest)],
        is_current: &(dyn Fn() -> bool + Sync),
    ) -> Vec<Result<Prediction, NetError>> {
        kernels::with_workers(self.unet.device(), || {
            let prefixes: Vec<_> = texts.iter().map(|(_, taps)| self.prefix(taps, is_current)).collect();
            let this = &*self;
            kernels::parallel_map(texts.len(), |i| {
                this.finish(prefixes[i].clone()?, texts[i].0, texts[i].1, is_current)
            })
        })
    }

    fn finish(
        &self,
        prefix: Option<SharedPrefix>,
        text: &TextKeys,
        taps: &TapRequest,
        is_current: &dyn Fn() -> bool,
    ) -> Result<Prediction, NetError> {
        let (output, taps) = match (&self.shifts, prefix) {
            (Some(shifts), Some(prefix)) => self.unet.finish(prefix, &shifts.0, &text.key_values, taps, is_current)?,
            _ => {
                let shifts = self.unet.shifts(self.timestep, 1, self.added(text).as_ref());
                let prefix = self.unet.run_prefix(self.sample(), &shifts, taps, is_current)?;
                self.unet.finish(prefix, &shifts, &text.key_values, taps, is_current)?
            }
        };
        Ok(Prediction { output: self.latents.like(output.try_into_vec_as::<f32>()?), taps })
    }

    /// The part of the network that all texts share, computed at the first call; `None` where no part is shared.
    fn prefix(&mut self, taps: &TapRequest, is_current: &dyn Fn() -> bool) -> Result<Option<SharedPrefix>, Stopped> {
        let Some(shifts) = self.shifts.clone() else { return Ok(None) };
        if let Some(prefix) = self.prefix.as_ref().filter(|prefix| prefix.serves(taps)) {
            return Ok(Some(prefix.clone()));
        }
        let prefix = self.unet.run_prefix(self.sample(), &shifts.0, taps, is_current)?;
        Ok(Some(self.prefix.insert(prefix).clone()))
    }

    fn sample(&self) -> Tensor<4> {
        upload(self.latents, self.unet.device())
    }

    fn added(&self, text: &TextKeys) -> Option<AddedConditions> {
        let [h, w] = [self.latents.height, self.latents.width].map(|side| (side * SDXL_PIXELS_PER_LATENT) as f32);
        text.pooled.clone().map(|pooled| AddedConditions { pooled, time_ids: [h, w, 0.0, 0.0, h, w] })
    }
}

/// `[1, channels, height, width]`.
pub(super) fn upload(x: &Latents, device: &burn::tensor::Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(x.values.clone(), [1, x.channels, x.height, x.width]), device)
}
