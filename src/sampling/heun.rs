//! Heun's second-order method (Karras et al. 2022, algorithm 2 without churn), as diffusers' `HeunDiscreteScheduler`, on
//! latents `x0 + sigma * noise`.
//!
//! Separate as one solver family.

use super::{Call, ScheduleConfig, ScheduleError, Solver, StepNoise, sigmas::SigmaSchedule};
use crate::{recipe::Schedule, tensor::Latents};

/// Heun: two calls a step, of which the second corrects the first. The last step, to sigma 0, has one call.
#[derive(Clone)]
pub struct Heun {
    /// Every sigma but the first and the last is there twice.
    run: SigmaSchedule,
    /// Between the two calls of a step.
    half_step: Option<HalfStep>,
}

/// What the second call of a step needs of the first.
#[derive(Clone)]
struct HalfStep {
    latents: Latents,
    derivative: Latents,
    /// Change of sigma over the step; negative.
    dt: f32,
}

impl Heun {
    /// # Errors
    /// [`ScheduleError`] for no steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, schedule: Schedule, steps: usize) -> Result<Self, ScheduleError> {
        let mut run = SigmaSchedule::euler(config, schedule, steps, "Heun")?;
        run.calls = twice_but_first(&run.calls);
        let (levels, zero) = run.sigmas.split_at(steps);
        run.sigmas = [&twice_but_first(levels), zero].concat();
        Ok(Self { run, half_step: None })
    }
}

/// Every value twice in a row, except the first.
fn twice_but_first<T: Copy>(values: &[T]) -> Vec<T> {
    values.iter().enumerate().flat_map(|(i, &v)| std::iter::repeat_n(v, if i == 0 { 1 } else { 2 })).collect()
}

impl Solver for Heun {
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
        let sigma = self.run.sigmas[call];
        let x0 = self.denoised(call, model_output, latents);
        let derivative = latents.zip(&x0, |x, x0| (x - x0) / sigma);
        match self.half_step.take() {
            None => {
                let dt = self.run.sigmas[call + 1] - sigma;
                let next = latents.zip(&derivative, |x, d| x + d * dt);
                self.half_step = Some(HalfStep { latents: latents.clone(), derivative, dt });
                next
            }
            Some(HalfStep { latents, derivative: first, dt }) => {
                let mean = first.zip(&derivative, |a, b| (a + b) / 2.0);
                latents.zip(&mean, |x, d| x + d * dt)
            }
        }
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        self.run.x0(call, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
