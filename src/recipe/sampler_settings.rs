//! What a recipe asks of a sampler.
//!
//! Apart from the recipe as the part that decides noise levels and steps: runs with equal settings visit the same.

use super::{
    options::{Convention, Sampler, Schedule},
    recipe::Recipe,
};

/// Sampler, schedule, and the options that both take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SamplerSettings {
    pub sampler: Sampler,
    pub schedule: Schedule,
    pub steps: usize,
    /// Whose conventions hold where programs differ.
    pub convention: Convention,
    /// Share of fresh noise in each step; none: the sampler's own, 0 for DDIM and 1 for others.
    pub eta: Option<f32>,
    /// Factor on fresh noise; none is 1.
    pub s_noise: Option<f32>,
    /// Noise that is added before steps of Euler, Heun and DPM2, for all steps together (Karras et al. 2022).
    pub s_churn: Option<f32>,
    /// Exponent of the Karras and the polyexponential schedule.
    pub rho: Option<f32>,
    /// The ends of the schedule; none: the model's.
    pub sigma_min: Option<f32>,
    pub sigma_max: Option<f32>,
}

impl SamplerSettings {
    /// With every option at its default.
    pub fn plain(sampler: Sampler, schedule: Schedule, steps: usize) -> Self {
        let convention = Convention::default();
        let (eta, s_noise, s_churn, rho) = (None, None, None, None);
        Self { sampler, schedule, steps, convention, eta, s_noise, s_churn, rho, sigma_min: None, sigma_max: None }
    }

    pub fn of(recipe: &Recipe) -> Self {
        Self {
            sampler: recipe.sampler,
            schedule: recipe.schedule,
            steps: recipe.steps,
            convention: recipe.convention,
            eta: recipe.eta,
            s_noise: recipe.s_noise,
            s_churn: recipe.s_churn,
            rho: recipe.rho,
            sigma_min: recipe.sigma_min,
            sigma_max: recipe.sigma_max,
        }
    }
}
