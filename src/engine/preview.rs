//! Pictures of unfinished latents: an approximate one at once, the codec's own when there is time.
//!
//! Apart because a run without a window needs none.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{approx_decoder::ApproxDecoder, prediction_cache::PredictionCache};
use crate::{
    model::{self, Model, ModelError},
    tensor::{Latents, Picture, Pixels},
};

/// Above this many latent elements decoding costs more than a step, and is left for the finished picture.
const DECODE_UP_TO: usize = 32 * 32;

/// While a run goes on, decoding previews may take one part in so many of the time: the finished picture matters more.
const DECODE_SHARE: u32 = 20;

/// Side of the patch on which the codec's colour for constant latents is read.
const PATCH: usize = 8;

/// The codec's first-order approximation: colour = `bias + matrix * latent`, in -1..1.
struct Projection {
    bias: [f32; 3],
    /// One column a latent channel.
    columns: Vec<[f32; 3]>,
}

/// Approximations of one model's codec.
pub struct PreviewDecoder {
    /// Hash of the model.
    model: Arc<str>,
    /// For latents of which nothing was learned yet; not needed where decoding is cheap.
    projection: Option<Projection>,
    approx: ApproxDecoder,
}

impl PreviewDecoder {
    /// Measures the projection of a model's codec: one small picture a latent channel.
    ///
    /// # Errors
    /// As [`crate::model::Codec::decode`].
    pub fn measure(model: &dyn Model) -> Result<Self, ModelError> {
        let projection = if model.codec().is_cheap() { None } else { Some(Projection::measure(model)?) };
        Ok(Self { model: model.hash().into(), projection, approx: ApproxDecoder::default() })
    }

    pub fn is_of(&self, model: &dyn Model) -> bool {
        *self.model == *model.hash()
    }

    /// The learned approximation, else the projection.
    fn picture(&self, latents: &Latents) -> Option<Picture> {
        self.approx.picture(latents).or_else(|| Some(self.projection.as_ref()?.picture(latents)))
    }
}

/// Previews of one run.
pub struct Previews<'a> {
    model: &'a dyn Model,
    decoder: &'a mut PreviewDecoder,
    /// When the codec last decoded a preview, and how long that took.
    decoded: Option<(Instant, Duration)>,
}

impl<'a> Previews<'a> {
    pub fn new(model: &'a dyn Model, decoder: &'a mut PreviewDecoder) -> Self {
        Self { model, decoder, decoded: None }
    }

    /// The picture of `denoised`, and whether it is only approximate. The first step without a cached picture is always
    /// decoded: it is the first that an edit has changed, and what the edit is judged by.
    ///
    /// # Errors
    /// As [`crate::model::Codec::decode`].
    pub fn picture(
        &mut self,
        cache: &mut PredictionCache,
        denoised: &Latents,
    ) -> Result<(Arc<Picture>, bool), ModelError> {
        if let Some(known) = cache.picture(&self.decoder.model, denoised) {
            return Ok((known, false));
        }
        let due = self.decoded.is_none_or(|(last, took)| last.elapsed() >= took * DECODE_SHARE);
        let worth = due || self.decoder.approx.would_gain(denoised);
        let cheap = self.model.codec().is_cheap();
        let decode = cheap || worth && denoised.area() <= DECODE_UP_TO;
        if !decode && let Some(picture) = self.decoder.picture(denoised) {
            return Ok((Arc::new(picture), true));
        }
        let begun = Instant::now();
        let picture = self.decode(cache, denoised, &|| true)?;
        self.decoded = Some((Instant::now(), begun.elapsed()));
        Ok((picture, false))
    }

    /// The codec's picture, now; `None` where decoding is too slow for previews.
    ///
    /// # Errors
    /// As [`crate::model::Codec::decode`].
    pub fn refine(
        &mut self,
        cache: &mut PredictionCache,
        denoised: &Latents,
        is_current: &dyn Fn() -> bool,
    ) -> Result<Option<Arc<Picture>>, ModelError> {
        if denoised.area() > DECODE_UP_TO {
            return Ok(None);
        }
        self.decode(cache, denoised, is_current).map(Some)
    }

    /// The codec's picture, cached or decoded now and learned from.
    ///
    /// # Errors
    /// As [`crate::model::Codec::decode`].
    pub fn decode(
        &mut self,
        cache: &mut PredictionCache,
        latents: &Latents,
        is_current: &dyn Fn() -> bool,
    ) -> Result<Arc<Picture>, ModelError> {
        if let Some(known) = cache.picture(&self.decoder.model, latents) {
            return Ok(known);
        }
        let picture = Arc::new(model::decode(self.model.codec(), latents, is_current)?.to_picture());
        if self.decoder.projection.is_some() {
            self.decoder.approx.learn(latents, &picture);
        }
        cache.insert_picture(&self.decoder.model, latents, &picture);
        Ok(picture)
    }
}

impl Projection {
    /// The codec's colour for constant latents: zero, and one standard deviation in each channel.
    fn measure(model: &dyn Model) -> Result<Self, ModelError> {
        let channels = model.geometry().channels;
        let bias = patch_colour(model, channels, None)?;
        let column = |c| {
            let with = patch_colour(model, channels, Some(c))?;
            Ok(std::array::from_fn(|i| with[i] - bias[i]))
        };
        Ok(Self { bias, columns: (0..channels).map(column).collect::<Result<_, ModelError>>()? })
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

/// The colour in the middle of a decoded patch of zeros, with the channel `set` at 1.
fn patch_colour(model: &dyn Model, channels: usize, set: Option<usize>) -> Result<[f32; 3], ModelError> {
    let mut patch = Latents::zeros(channels, PATCH, PATCH);
    if let Some(c) = set {
        patch.values[c * PATCH * PATCH..(c + 1) * PATCH * PATCH].fill(1.0);
    }
    let pixels = model::decode(model.codec(), &patch, &|| true)?;
    let (area, middle) = (pixels.height * pixels.width, (pixels.height / 2) * pixels.width + pixels.width / 2);
    Ok(std::array::from_fn(|i| pixels.values[i * area + middle]))
}
