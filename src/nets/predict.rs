use burn::tensor::{Tensor, TensorData, TensorReadError};

use super::{AddedConditions, AttentionTap, TapRequest, TextEncoding, UNet};
use crate::field::Latents;

/// The caller no longer wants the result, and said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the computation was stopped because its result is no longer wanted")]
pub struct Stopped;

/// The autoencoders of all SDXL models halve three times.
const SDXL_PIXELS_PER_LATENT: usize = 8;

/// Why a network gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("the {network} takes {expected}, but was given {given}: choose models and sizes that belong together")]
    Input { network: &'static str, expected: String, given: String },
    #[error("the device could not deliver the result: {0}")]
    Device(#[from] TensorReadError),
}

/// One evaluation of a U-Net on one sample.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Noise or v, by the model's prediction type, shaped as the latents.
    pub output: Latents,
    /// The maps that were asked for, still on the device.
    pub taps: Vec<AttentionTap>,
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
        self.check(latents, text)?;
        let added = text.pooled.as_ref().filter(|_| self.config().pooled_width().is_some()).map(|pooled| {
            let [h, w] = [latents.height, latents.width].map(|side| (side * SDXL_PIXELS_PER_LATENT) as f32);
            AddedConditions { pooled: pooled.clone(), time_ids: [h, w, 0.0, 0.0, h, w] }
        });
        let sample = upload(latents, self.device());
        let (output, taps) = self.forward(sample, timestep, text.hidden.clone(), added.as_ref(), taps, wanted)?;
        Ok(Prediction { output: latents.like(output.try_into_vec_as::<f32>()?), taps })
    }

    fn check(&self, latents: &Latents, text: &TextEncoding) -> Result<(), NetError> {
        let config = self.config();
        let [_, _, width] = text.hidden.dims();
        let input = |expected, given| Err(NetError::Input { network: "U-Net", expected, given });
        if latents.channels != config.channels {
            return input(format!("latents of {} channels", config.channels), format!("{} channels", latents.channels));
        }
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

/// `[1, channels, height, width]`.
pub(super) fn upload(x: &Latents, device: &burn::tensor::Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(x.values.clone(), [1, x.channels, x.height, x.width]), device)
}
