//! Pictures of unfinished latents.

use std::sync::Arc;

use crate::{
    field::{Latents, Picture},
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
    pub fn choose(model: &LoadedModel, area: usize) -> Self {
        if area <= DECODE_UP_TO { Self::Decoder } else { Self::Projection(Projection::measure(model)) }
    }

    pub fn picture(&self, model: &LoadedModel, denoised: &Latents) -> Arc<Picture> {
        Arc::new(match self {
            Self::Decoder => to_picture(&model.vae.decode(denoised), denoised, model.vae.downsampling()),
            Self::Projection(projection) => projection.picture(denoised),
        })
    }
}

impl Projection {
    /// Asks the decoder for the colour of constant latents: zero, and one standard deviation in each channel.
    fn measure(model: &LoadedModel) -> Self {
        let channels = model.unet.latent_channels();
        let colour = |hot: Option<usize>| {
            let mut patch = Latents::zeros(channels, PATCH, PATCH);
            if let Some(c) = hot {
                patch.values[c * PATCH * PATCH..(c + 1) * PATCH * PATCH].fill(1.0);
            }
            centre_colour(&model.vae.decode(&patch), PATCH * model.vae.downsampling())
        };
        let bias = colour(None);
        let column = |c| {
            let with = colour(Some(c));
            std::array::from_fn(|i| with[i] - bias[i])
        };
        Self { bias, columns: (0..channels).map(column).collect() }
    }

    fn picture(&self, latents: &Latents) -> Picture {
        let area = latents.area();
        let mut rgb = Vec::with_capacity(3 * area);
        for p in 0..area {
            for i in 0..3 {
                let linear: f32 = self.columns.iter().enumerate().map(|(c, col)| col[i] * latents.values[c * area + p]).sum();
                rgb.push(to_byte(self.bias[i] + linear));
            }
        }
        Picture { width: latents.width, height: latents.height, rgb }
    }
}

fn centre_colour(decoded: &[f32], side: usize) -> [f32; 3] {
    std::array::from_fn(|i| decoded[i * side * side + (side / 2) * side + side / 2])
}

/// The decoder's `[3, H, W]` in -1..1 as a picture.
pub fn to_picture(decoded: &[f32], latents: &Latents, factor: usize) -> Picture {
    let (width, height) = (latents.width * factor, latents.height * factor);
    let area = width * height;
    let rgb = (0..area).flat_map(|p| (0..3).map(move |i| to_byte(decoded[i * area + p]))).collect();
    Picture { width, height, rgb }
}

/// Colours are kept in -1..1 by the decoder; bytes are rounded as diffusers does.
fn to_byte(v: f32) -> u8 {
    (to_unit(v) * 255.0).round_ties_even() as u8
}

/// From the decoder's -1..1 to 0..1, clamped.
pub fn to_unit(v: f32) -> f32 {
    (v / 2.0 + 0.5).clamp(0.0, 1.0)
}
