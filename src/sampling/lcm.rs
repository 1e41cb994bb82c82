//! Latent consistency models (Luo et al. 2023, arXiv 2310.04378), multistep consistency sampling.

use super::{
    Call, NoiseSchedule, PredictionType, ScheduleConfig, ScheduleError, Solver, StepNoise,
    prediction::clean_preserving, schedule::lcm_timesteps,
};
use crate::tensor::Latents;

/// Standard deviation of the data that the boundary condition assumes.
const SIGMA_DATA: f32 = 0.5;

/// LCM: every call jumps to clean latents, and all but the last go back up with fresh noise.
#[derive(Clone)]
pub struct Lcm {
    calls: Vec<Call>,
    /// Product of alphas at each call and at the one after it.
    products: Vec<(f32, f32)>,
    kind: PredictionType,
    timestep_scaling: f32,
}

impl Lcm {
    /// # Errors
    /// No steps, or more than the model was distilled on.
    pub fn new(config: &ScheduleConfig, steps: usize) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let timesteps = lcm_timesteps(config, steps)?;
        let product = |t| noise.alpha_cumprod(t, false);
        let next = timesteps.iter().skip(1).chain(timesteps.last());
        Ok(Self {
            calls: timesteps.iter().map(|&t| noise.call_at(t)).collect(),
            products: timesteps.iter().zip(next).map(|(&t, &n)| (product(t), product(n))).collect(),
            kind: config.prediction_type,
            timestep_scaling: config.timestep_scaling as f32,
        })
    }
}

impl Solver for Lcm {
    fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, noise: &mut StepNoise) -> Latents {
        let clean = self.denoised(call, model_output, latents);
        if call + 1 == self.calls.len() {
            return clean;
        }
        let after = self.products[call].1;
        let (alpha, sigma) = (after.sqrt(), (1.0 - after).sqrt());
        clean.zip(noise.for_draw(call), |x0, n| alpha * x0 + sigma * n)
    }

    /// The consistency function: x0 and the latents blended so that it is the identity at timestep 0.
    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        let here = self.products[call].0;
        let clean = clean_preserving(self.kind, here.sqrt(), (1.0 - here).sqrt(), model_output, latents);
        let scaled = self.calls[call].timestep * self.timestep_scaling;
        let variance = scaled * scaled + SIGMA_DATA * SIGMA_DATA;
        let (skip, out) = (SIGMA_DATA * SIGMA_DATA / variance, scaled / variance.sqrt());
        clean.zip(latents, |x0, x| out * x0 + skip * x)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
