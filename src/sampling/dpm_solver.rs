//! DPM-Solver++ of second order, multistep (Lu et al. 2022, arXiv 2211.01095, algorithm 2), in midpoint form, as
//! diffusers' `DPMSolverMultistepScheduler`.
//!
//! Separate as one solver family.

use super::{Call, ScheduleConfig, ScheduleError, Solver, StepNoise, sigmas::SigmaSchedule};
use crate::{recipe::Schedule, tensor::Latents};

/// DPM++ 2M: one call a step; the first and the last step are of first order.
#[derive(Clone)]
pub struct DpmPp2M {
    run: SigmaSchedule,
    /// x0 of the previous call.
    previous_x0: Option<Latents>,
}

impl DpmPp2M {
    /// # Errors
    /// [`ScheduleError`] for no steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, schedule: Schedule, steps: usize) -> Result<Self, ScheduleError> {
        let run = SigmaSchedule::multistep(config, schedule, steps, "DPM++ 2M")?;
        Ok(Self { run, previous_x0: None })
    }
}

impl Solver for DpmPp2M {
    fn calls(&self) -> &[Call] {
        &self.run.calls
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, _noise: &mut StepNoise) -> Latents {
        let x0 = self.denoised(call, model_output, latents);
        let (current, next) = (self.run.level(call), self.run.level(call + 1));
        let h = next.lambda - current.lambda;
        let (on_latents, on_x0) = (next.sigma / current.sigma, next.alpha * ((-h).exp() - 1.0));
        let first_order = latents.zip(&x0, |x, x0| on_latents * x - on_x0 * x0);
        let last_call = call + 1 == self.run.calls.len();
        let stepped = match &self.previous_x0 {
            Some(previous) if !last_call => {
                let r = (current.lambda - self.run.level(call - 1).lambda) / h;
                let slope = x0.zip(previous, |m0, m1| 1.0 / r * (m0 - m1));
                first_order.zip(&slope, |x, d| x - 0.5 * on_x0 * d)
            }
            _ => first_order,
        };
        self.previous_x0 = Some(x0);
        stepped
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        self.run.x0_of_unit_variance(call, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
