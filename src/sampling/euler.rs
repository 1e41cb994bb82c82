//! Euler's method and its ancestral variant, as in k-diffusion and diffusers' `EulerDiscreteScheduler` and
//! `EulerAncestralDiscreteScheduler`, on latents `x0 + sigma * noise`.
//!
//! Separate as one solver family.

use super::{Call, ScheduleConfig, ScheduleError, Solver, StepNoise, sigmas::SigmaSchedule};
use crate::{recipe::Schedule, tensor::Latents};

/// Euler's method on the probability-flow ODE (Karras et al. 2022, algorithm 2 without churn).
#[derive(Clone)]
pub struct Euler {
    run: SigmaSchedule,
}

impl Euler {
    /// # Errors
    /// [`ScheduleError`] for no steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, schedule: Schedule, steps: usize) -> Result<Self, ScheduleError> {
        let run = SigmaSchedule::euler(config, schedule, steps, "Euler")?;
        Ok(Self { run })
    }
}

impl Solver for Euler {
    fn calls(&self) -> &[Call] {
        &self.run.calls
    }

    fn init_noise_sigma(&self) -> f32 {
        self.run.init_noise_sigma
    }

    fn scale_model_input(&self, call: usize, latents: &Latents) -> Latents {
        self.run.model_input(call, latents)
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, _noise: &mut StepNoise) -> Latents {
        let (sigma, next) = (self.run.sigmas[call], self.run.sigmas[call + 1]);
        let x0 = self.denoised(call, model_output, latents);
        latents.zip(&x0, |x, x0| x + (x - x0) / sigma * (next - sigma))
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        self.run.x0(call, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}

/// Euler ancestral: each step goes below the next sigma, and fresh noise raises the latents to it.
#[derive(Clone)]
pub struct EulerAncestral {
    euler: Euler,
}

impl EulerAncestral {
    /// # Errors
    /// [`ScheduleError`] for no steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, schedule: Schedule, steps: usize) -> Result<Self, ScheduleError> {
        let run = SigmaSchedule::euler(config, schedule, steps, "Euler a")?;
        Ok(Self { euler: Euler { run } })
    }
}

impl Solver for EulerAncestral {
    fn calls(&self) -> &[Call] {
        self.euler.calls()
    }

    fn init_noise_sigma(&self) -> f32 {
        self.euler.init_noise_sigma()
    }

    fn scale_model_input(&self, call: usize, latents: &Latents) -> Latents {
        self.euler.scale_model_input(call, latents)
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, noise: &mut StepNoise) -> Latents {
        let (sigma, next) = (self.euler.run.sigmas[call], self.euler.run.sigmas[call + 1]);
        let (variance, next_variance) = (sigma * sigma, next * next);
        let sigma_up = (next_variance * (variance - next_variance) / variance).sqrt();
        let sigma_down = (next_variance - sigma_up * sigma_up).sqrt();
        let x0 = self.denoised(call, model_output, latents);
        let lower = latents.zip(&x0, |x, x0| x + (x - x0) / sigma * (sigma_down - sigma));
        lower.zip(noise.draw(call), |x, n| x + n * sigma_up)
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        self.euler.denoised(call, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
