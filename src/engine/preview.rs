//! Pictures of unfinished latents: a draft at once, the decoder's own picture when there is time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{approx_decoder::Draft, prediction_cache::PredictionCache};
use crate::{
    nets::{NetError, Pixels},
    tensor::{Latents, Picture},
    weights::LoadedModel,
};

/// Above this many latent elements the decoder costs more than a step, and is left for the finished picture.
const DECODE_UP_TO: usize = 32 * 32;

/// While a run goes on, decoding may take one part in so many of the time: the picture is waited for more than its
/// previews.
const DECODE_SHARE: u32 = 20;

/// Side of the patch on which the decoder's answer to a constant latent is read.
const PATCH: usize = 8;

/// The decoder's first-order answer: colour = `bias + matrix * latent`, in -1..1.
struct Projection {
    bias: [f32; 3],
    /// One column a latent channel.
    columns: Vec<[f32; 3]>,
}

/// What is known of a model's decoder without asking it.
pub struct ApproxDecoder {
    /// The content hash of the model.
    name: Arc<str>,
    projection: Projection,
    draft: Draft,
}

impl ApproxDecoder {
    pub fn measure(model: &LoadedModel) -> Result<Self, NetError> {
        let projection = Projection::measure(model)?;
        Ok(Self { name: model.content_hash.as_str().into(), projection, draft: Draft::default() })
    }

    pub fn is_of(&self, model: &LoadedModel) -> bool {
        *self.name == *model.content_hash
    }

    /// The draft that was learned, else the projection, which nothing needs to be learned for.
    fn picture(&self, latents: &Latents) -> Picture {
        self.draft.picture(latents).unwrap_or_else(|| self.projection.picture(latents))
    }
}

/// Previews of one run.
pub struct Previews<'a> {
    model: &'a LoadedModel,
    likeness: &'a mut ApproxDecoder,
    /// When the decoder had painted a preview, and how long that took.
    decoded: Option<(Instant, Duration)>,
}

impl<'a> Previews<'a> {
    pub fn new(model: &'a LoadedModel, likeness: &'a mut ApproxDecoder) -> Self {
        Self { model, likeness, decoded: None }
    }

    /// The picture of `denoised`, and whether it is only a draft. The first step that has no picture yet is always
    /// decoded: it is the first that an edit has changed, and what the edit is judged by.
    pub fn picture(
        &mut self,
        memory: &mut PredictionCache,
        denoised: &Latents,
    ) -> Result<(Arc<Picture>, bool), NetError> {
        if let Some(known) = memory.picture(&self.likeness.name, denoised) {
            return Ok((known, false));
        }
        let due = self.decoded.is_none_or(|(last, took)| last.elapsed() >= took * DECODE_SHARE);
        let worth = due || self.likeness.draft.would_gain(denoised);
        if worth && denoised.area() <= DECODE_UP_TO {
            let begun = Instant::now();
            let picture = self.decode(memory, denoised, &|| true)?;
            self.decoded = Some((Instant::now(), begun.elapsed()));
            return Ok((picture, false));
        }
        Ok((Arc::new(self.likeness.picture(denoised)), true))
    }

    /// The decoder's picture, now; `None` where the decoder is too slow to be asked for previews.
    pub fn refine(
        &mut self,
        memory: &mut PredictionCache,
        denoised: &Latents,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<Arc<Picture>>, NetError> {
        if denoised.area() > DECODE_UP_TO {
            return Ok(None);
        }
        self.decode(memory, denoised, wanted).map(Some)
    }

    /// The decoder's picture, remembered or painted now and learned from.
    pub fn decode(
        &mut self,
        memory: &mut PredictionCache,
        latents: &Latents,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Arc<Picture>, NetError> {
        if let Some(known) = memory.picture(&self.likeness.name, latents) {
            return Ok(known);
        }
        let picture = Arc::new(self.model.vae.decode(latents, wanted)?.to_picture());
        self.likeness.draft.learn(latents, &picture);
        memory.insert_picture(&self.likeness.name, latents, &picture);
        Ok(picture)
    }
}

impl Projection {
    /// Asks the decoder for the colour of constant latents: zero, and one standard deviation in each channel.
    fn measure(model: &LoadedModel) -> Result<Self, NetError> {
        let channels = model.unet.config().channels;
        let bias = patch_colour(model, channels, None)?;
        let column = |c| {
            let with = patch_colour(model, channels, Some(c))?;
            Ok(std::array::from_fn(|i| with[i] - bias[i]))
        };
        Ok(Self { bias, columns: (0..channels).map(column).collect::<Result<_, NetError>>()? })
    }

    fn picture(&self, latents: &Latents) -> Picture {
        let area = latents.area();
        let mut values = Vec::with_capacity(3 * area);
        for (i, bias) in self.bias.iter().enumerate() {
            for p in 0..area {
                let at = |(c, column): (usize, &[f32; 3])| column[i] * latents.values[c * area + p];
                values.push(bias + self.columns.iter().enumerate().map(at).sum::<f32>());
            }
        }
        Pixels { width: latents.width, height: latents.height, values }.to_picture()
    }
}

/// What the decoder paints in the middle of a patch of zeros, with one channel set to 1.
fn patch_colour(model: &LoadedModel, channels: usize, hot: Option<usize>) -> Result<[f32; 3], NetError> {
    let mut patch = Latents::zeros(channels, PATCH, PATCH);
    if let Some(c) = hot {
        patch.values[c * PATCH * PATCH..(c + 1) * PATCH * PATCH].fill(1.0);
    }
    let pixels = model.vae.decode(&patch, &|| true)?;
    let (area, middle) = (pixels.height * pixels.width, (pixels.height / 2) * pixels.width + pixels.width / 2);
    Ok(std::array::from_fn(|i| pixels.values[i * area + middle]))
}
