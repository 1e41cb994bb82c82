use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use super::{
    AddedConditions, AttentionTap, NetError, Stopped, TapRequest, TextEncoding, UNet, kernels,
    unet::{SharedPrefix, Shifts, TextKeyValues},
};
use crate::tensor::Latents;

/// The autoencoders of all SDXL models halve three times.
const SDXL_PIXELS_PER_LATENT: usize = 8;

/// One evaluation of a U-Net on one sample.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Noise or v, by the model's prediction type, shaped as the latents.
    pub output: Latents,
    /// The maps that were asked for, still on the device.
    pub taps: Vec<AttentionTap>,
}

/// What a timestep does to every block of a U-Net: the same for all latents and texts, so it is made once a schedule.
pub struct TimeShifts(Shifts);

/// A text as every attention of a U-Net reads it: the same for all latents and timesteps, so it is made once.
pub struct TextKeys {
    read: TextKeyValues,
    pooled: Option<Tensor<2>>,
}

impl TimeShifts {
    /// Memory it takes.
    pub fn bytes(&self) -> usize {
        self.0.0.iter().flatten().map(bytes).sum()
    }
}

impl TextKeys {
    /// Memory it takes.
    pub fn bytes(&self) -> usize {
        self.read.0.iter().map(|kv| bytes(&kv.key) + bytes(&kv.value)).sum()
    }
}

fn bytes<const D: usize>(x: &Tensor<D>) -> usize {
    x.dims().iter().product::<usize>() * size_of::<f32>()
}

/// A U-Net at one step, asked for several texts. What no text decides is computed once; the answers are those of
/// [`UNet::predict`] to the bit.
pub struct AtStep<'a> {
    unet: &'a UNet,
    latents: &'a Latents,
    /// Absent where they depend on the text (SDXL).
    shifts: Option<Arc<TimeShifts>>,
    timestep: f32,
    trunk: Option<SharedPrefix>,
}

impl UNet {
    /// Predicts for one sample on the host: `latents` as the sampler scales them, `timestep` in 0..1000.
    ///
    /// SDXL is told that original, cropped and target size are all the latents' own.
    ///
    /// # Errors
    /// [`NetError::Input`] where latents or text do not fit this network, [`NetError::Stopped`] when `wanted` says no.
    pub fn predict(
        &self,
        latents: &Latents,
        timestep: f32,
        text: &TextEncoding,
        taps: &TapRequest,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Prediction, NetError> {
        let text = self.read_text(text)?;
        let mut at_step = self.at_step(latents, timestep, self.time_shifts(timestep).map(Arc::new))?;
        at_step.predict(&text, taps, wanted)
    }

    /// What `timestep` does to every block; `None` where the text has a say in it (SDXL).
    pub fn time_shifts(&self, timestep: f32) -> Option<TimeShifts> {
        self.config().pooled_width().is_none().then(|| TimeShifts(self.shifts(timestep, 1, None)))
    }

    /// Reads a text for [`AtStep::predict`].
    ///
    /// # Errors
    /// [`NetError::Input`] where it does not fit this network.
    pub fn read_text(&self, text: &TextEncoding) -> Result<TextKeys, NetError> {
        self.check_text(text)?;
        Ok(TextKeys { read: self.text_key_values(text.hidden.clone()), pooled: text.pooled.clone() })
    }

    /// At `latents` as the sampler scales them and `timestep` in 0..1000, with what [`UNet::time_shifts`] gave for it.
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
        Ok(AtStep { unet: self, latents, shifts, timestep, trunk: None })
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
    /// The prediction for one text; [`UNet::predict`] says how and when it fails.
    pub fn predict(
        &mut self,
        text: &TextKeys,
        taps: &TapRequest,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Prediction, NetError> {
        kernels::with_workers(self.unet.device(), || {
            let trunk = self.trunk(taps, wanted)?;
            self.finish(trunk, text, taps, wanted)
        })
    }

    /// The predictions for several texts, in this order: on the CPU side by side, so that threads work on texts of their
    /// own and seldom wait for each other.
    pub fn predict_all(
        &mut self,
        texts: &[(&TextKeys, &TapRequest)],
        wanted: &(dyn Fn() -> bool + Sync),
    ) -> Vec<Result<Prediction, NetError>> {
        kernels::with_workers(self.unet.device(), || {
            let trunks: Vec<_> = texts.iter().map(|(_, taps)| self.trunk(taps, wanted)).collect();
            let this = &*self;
            kernels::parallel_map(texts.len(), |i| this.finish(trunks[i].clone()?, texts[i].0, texts[i].1, wanted))
        })
    }

    fn finish(
        &self,
        trunk: Option<SharedPrefix>,
        text: &TextKeys,
        taps: &TapRequest,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Prediction, NetError> {
        let (output, taps) = match (&self.shifts, trunk) {
            (Some(shifts), Some(trunk)) => self.unet.finish(trunk, &shifts.0, &text.read, taps, wanted)?,
            _ => {
                let shifts = self.unet.shifts(self.timestep, 1, self.added(text).as_ref());
                let trunk = self.unet.run_prefix(self.sample(), &shifts, taps, wanted)?;
                self.unet.finish(trunk, &shifts, &text.read, taps, wanted)?
            }
        };
        Ok(Prediction { output: self.latents.like(output.try_into_vec_as::<f32>()?), taps })
    }

    /// What was computed for an earlier text, or is now; nothing where each text has its own.
    fn trunk(&mut self, taps: &TapRequest, wanted: &dyn Fn() -> bool) -> Result<Option<SharedPrefix>, Stopped> {
        let Some(shifts) = self.shifts.clone() else { return Ok(None) };
        if let Some(trunk) = self.trunk.as_ref().filter(|trunk| trunk.serves(taps)) {
            return Ok(Some(trunk.clone()));
        }
        let trunk = self.unet.run_prefix(self.sample(), &shifts.0, taps, wanted)?;
        Ok(Some(self.trunk.insert(trunk).clone()))
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
