//! Classifier-free guidance (Ho & Salimans 2022): `eps = eps_u + g (eps_c - eps_u)`.

use crate::field::Latents;

/// Whether a guidance scale asks for guidance at all; otherwise the prompt branch alone is used, and neither S-CFG,
/// SEGA nor SNB acts (as in every reference pipeline).
pub fn is_guided(guidance_scale: f32) -> bool {
    guidance_scale > 1.0
}

/// The guidance term `g (eps_c - eps_u)`, shape as the predictions.
pub fn term(guidance_scale: f32, uncond: &Latents, cond: &Latents) -> Latents {
    cond.zip(uncond, |c, u| guidance_scale * (c - u))
}
