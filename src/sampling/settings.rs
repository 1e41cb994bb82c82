//! What a recipe asks of a sampler.
//!
//! Separate from [`build`](super::build), because schedules read it too.

use crate::recipe::{Convention, Recipe, Sampler, Schedule};

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

    /// Whether the schedule is one of diffusers' own: by the rules of the sampler's class there.
    pub(super) fn is_of_diffusers(&self) -> bool {
        let plain = self.rho.is_none() && self.sigma_min.is_none() && self.sigma_max.is_none();
        let known = matches!(self.schedule, Schedule::Normal | Schedule::Karras | Schedule::Exponential);
        self.convention == Convention::Diffusers && plain && known
    }

    /// Whether one step more is laid out, and the next-to-last noise level left out.
    pub(super) fn discards(&self) -> bool {
        let both = matches!(self.sampler, Sampler::Dpm2 | Sampler::Dpm2Ancestral);
        both || match self.convention {
            Convention::ComfyUi => self.sampler == Sampler::UniPc,
            Convention::A1111 | Convention::Diffusers => self.sampler == Sampler::DpmPp3MSde,
        }
    }
}
