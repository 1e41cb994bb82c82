//! Latent consistency models (Luo et al. 2023, arXiv 2310.04378): multistep consistency sampling, as diffusers'
//! `LCMScheduler`.
//!
//! Separate as one solver family.

use super::{
    config::{PredictionType, ScheduleConfig},
    error::ScheduleError,
    noise::StepNoise,
    noise_schedule::NoiseSchedule,
    parametrization::x0_variance_preserving,
    solver::{Call, Solver},
    timesteps::lcm_timesteps,
};
use crate::tensor::Latents;

/// Standard deviation of the data that the boundary condition assumes.
const SIGMA_DATA: f32 = 0.5;

/// LCM: every call jumps to clean latents, and all but the last add fresh noise at the next noise level.
#[derive(Clone)]
pub struct Lcm {
    calls: Vec<Call>,
    /// Product of alphas at each call, and at the next one.
    alpha_prods: Vec<(f32, f32)>,
    prediction_type: PredictionType,
    timestep_scaling: f32,
}

impl Lcm {
    /// # Errors
    /// [`ScheduleError`] for no steps, or more than the model was distilled on.
    pub fn new(config: &ScheduleConfig, steps: usize) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let timesteps = lcm_timesteps(config, steps)?;
        let alpha_prod = |t| noise.alpha_cumprod(t, false);
        let next = timesteps.iter().skip(1).chain(timesteps.last());
        Ok(Self {
            calls: timesteps.iter().map(|&t| noise.call_at(t)).collect(),
            alpha_prods: timesteps.iter().zip(next).map(|(&t, &n)| (alpha_prod(t), alpha_prod(n))).collect(),
            prediction_type: config.prediction_type,
            timestep_scaling: config.timestep_scaling as f32,
        })
    }
}

impl Solver for Lcm {
    fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, noise: &mut StepNoise) -> Latents {
        let x0 = self.denoised(call, model_output, latents);
        if call + 1 == self.calls.len() {
            return x0;
        }
        let alpha_prod_next = self.alpha_prods[call].1;
        let (alpha, sigma) = (alpha_prod_next.sqrt(), (1.0 - alpha_prod_next).sqrt());
        x0.zip(noise.draw(call), |x0, n| alpha * x0 + sigma * n)
    }

    /// The consistency function: x0 and the latents blended so that it is the identity at timestep 0.
    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        let alpha_prod = self.alpha_prods[call].0;
        let (alpha, sigma) = (alpha_prod.sqrt(), (1.0 - alpha_prod).sqrt());
        let x0 = x0_variance_preserving(self.prediction_type, alpha, sigma, model_output, latents);
        let scaled_timestep = self.calls[call].timestep * self.timestep_scaling;
        let variance = scaled_timestep * scaled_timestep + SIGMA_DATA * SIGMA_DATA;
        let (c_skip, c_out) = (SIGMA_DATA * SIGMA_DATA / variance, scaled_timestep / variance.sqrt());
        x0.zip(latents, |x0, x| c_out * x0 + c_skip * x)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
