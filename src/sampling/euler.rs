//! Euler's method and its ancestral variant, as in k-diffusion, on latents `x0 + sigma * noise`.

use super::{
    Call, NoiseSchedule, PredictionType, ScheduleConfig, ScheduleError, Solver, StepNoise,
    prediction::{clean_exploding, to_unit_variance},
    schedule::SigmaPlan,
};
use crate::{recipe::Schedule, tensor::Latents};

/// Euler's method on the probability-flow ODE (Karras et al. 2022, algorithm 2 without churn).
#[derive(Clone)]
pub struct Euler {
    plan: SigmaPlan,
    kind: PredictionType,
}

impl Euler {
    /// # Errors
    /// No steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, schedule: Schedule, steps: usize) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let plan = SigmaPlan::euler(&noise, config, schedule, steps, "Euler")?;
        Ok(Self { plan, kind: config.prediction_type })
    }
}

impl Solver for Euler {
    fn calls(&self) -> &[Call] {
        &self.plan.calls
    }

    fn init_noise_sigma(&self) -> f32 {
        self.plan.init_noise_sigma
    }

    fn scale_model_input(&self, call: usize, latents: &Latents) -> Latents {
        to_unit_variance(self.plan.sigmas[call], latents)
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, _noise: &mut StepNoise) -> Latents {
        let (sigma, next) = (self.plan.sigmas[call], self.plan.sigmas[call + 1]);
        let clean = self.denoised(call, model_output, latents);
        latents.zip(&clean, |x, x0| x + (x - x0) / sigma * (next - sigma))
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        clean_exploding(self.kind, self.plan.sigmas[call], model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}

/// Euler ancestral: each step goes further down than the next sigma, and noise brings it back up.
#[derive(Clone)]
pub struct EulerAncestral {
    inner: Euler,
}

impl EulerAncestral {
    /// # Errors
    /// No steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, schedule: Schedule, steps: usize) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let plan = SigmaPlan::euler(&noise, config, schedule, steps, "Euler a")?;
        Ok(Self { inner: Euler { plan, kind: config.prediction_type } })
    }
}

impl Solver for EulerAncestral {
    fn calls(&self) -> &[Call] {
        self.inner.calls()
    }

    fn init_noise_sigma(&self) -> f32 {
        self.inner.init_noise_sigma()
    }

    fn scale_model_input(&self, call: usize, latents: &Latents) -> Latents {
        self.inner.scale_model_input(call, latents)
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, noise: &mut StepNoise) -> Latents {
        let (sigma, next) = (self.inner.plan.sigmas[call], self.inner.plan.sigmas[call + 1]);
        let (from, to) = (sigma * sigma, next * next);
        let up = (to * (from - to) / from).sqrt();
        let down = (to - up * up).sqrt();
        let clean = self.denoised(call, model_output, latents);
        let lower = latents.zip(&clean, |x, x0| x + (x - x0) / sigma * (down - sigma));
        lower.zip(noise.for_draw(call), |x, n| x + n * up)
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        self.inner.denoised(call, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
