//! Classifier-free guidance (Ho & Salimans 2022): `eps = eps_u + g (eps_c - eps_u)`.

use crate::tensor::Latents;

/// The guidance term `g (eps_c - eps_u)`, shape as the predictions.
pub fn term(guidance_scale: f32, uncond: &Latents, cond: &Latents) -> Latents {
    cond.zip(uncond, |c, u| guidance_scale * (c - u))
}
