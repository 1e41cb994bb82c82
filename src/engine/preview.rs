//! Pictures of unfinished latents.

use std::sync::Arc;

use crate::{
    field::{Latents, Picture},
    nets::{NetError, Pixels},
    weights::LoadedModel,
};

/// Above this many latent elements the decoder costs more than a step, and previews are projected instead.
const DECODE_UP_TO: usize = 32 * 32;

/// Side of the patch on which the decoder's answer to a constant latent is read.
const PATCH: usize = 8;

/// How x0 predictions become pictures: by the decoder itself where it is cheap, else by its best linear guess.
pub enum Preview {
    Decoder,
    Projection(Projection),
}

/// The decoder's first-order answer: colour = `bias + matrix * latent`, in -1..1.
pub struct Projection {
    bias: [f32; 3],
    /// One column a latent channel.
    columns: Vec<[f32; 3]>,
}

impl Preview {
    /// Chooses for latents of this size.
    pub fn choose(model: &LoadedModel, area: usize) -> Result<Self, NetError> {
        Ok(if area <= DECODE_UP_TO { Self::Decoder } else { Self::Projection(Projection::measure(model)?) })
    }

    pub fn picture(
        &self,
        model: &LoadedModel,
        denoised: &Latents,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Arc<Picture>, NetError> {
        Ok(Arc::new(match self {
            Self::Decoder => model.vae.decode(denoised, wanted)?.to_picture(),
            Self::Projection(projection) => projection.picture(denoised),
        }))
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
