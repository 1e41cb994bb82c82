//! Classifier-free guidance (Ho & Salimans 2022): `eps = eps_u + g (eps_c - eps_u)`, and which steps have it.
//!
//! Apart as the common ground of the other methods: where a step is not guided, none of them acts.

use crate::{recipe::Recipe, tensor::Latents};

/// The guidance term `g (eps_c - eps_u)`, shaped as the predictions.
pub fn term(guidance_scale: f32, uncond: &Latents, cond: &Latents) -> Latents {
    cond.zip(uncond, |c, u| guidance_scale * (c - u))
}

/// Whether a step is guided, as far as the recipe decides it; adaptive guidance ([`converged`]) may end it before.
///
/// Without guidance (a scale of at most 1, or a step outside the guidance interval of Kynkäänniemi et al. 2024) the
/// prompt branch alone is evaluated, and neither S-CFG, SEGA nor SNB acts, as in every reference pipeline.
pub fn is_guided_at(recipe: &Recipe, step: usize) -> bool {
    recipe.cfg_at(step) > 1.0 && recipe.guidance_interval.is_none_or(|interval| interval.contains(step))
}

/// Adaptive guidance (Castillo et al. 2023): whether guidance may end after a step, because the cosine between the
/// predictions with and without the prompt is above `threshold`.
pub fn converged(threshold: f32, uncond: &Latents, cond: &Latents) -> bool {
    let product: f64 = uncond.values.iter().zip(&cond.values).map(|(&u, &c)| f64::from(u) * f64::from(c)).sum();
    product > f64::from(threshold) * f64::from(uncond.norm()) * f64::from(cond.norm())
}
