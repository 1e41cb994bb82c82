//! Heun's second-order method (Karras et al. 2022, algorithm 2 without churn), on latents `x0 + sigma * noise`.

use super::{
    Call, NoiseSchedule, PredictionType, ScheduleConfig, ScheduleError, Solver, StepNoise,
    prediction::{clean_exploding, to_unit_variance},
    schedule::SigmaPlan,
};
use crate::{recipe::Schedule, tensor::Latents};

/// Heun: two calls a step, of which the second corrects the first; the last step, to sigma 0, has one.
#[derive(Clone)]
pub struct Heun {
    /// Every sigma but the first and the last stands twice.
    plan: SigmaPlan,
    kind: PredictionType,
    /// Between the two calls of a step: what the first began from.
    begun: Option<Begun>,
}

#[derive(Clone)]
struct Begun {
    latents: Latents,
    slope: Latents,
    /// Change of sigma over the step; negative.
    span: f32,
}

impl Heun {
    /// # Errors
    /// No steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, schedule: Schedule, steps: usize) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let mut plan = SigmaPlan::euler(&noise, config, schedule, steps, "Heun")?;
        plan.calls = twice_but_first(&plan.calls);
        let (levels, zero) = plan.sigmas.split_at(steps);
        plan.sigmas = [&twice_but_first(levels), zero].concat();
        Ok(Self { plan, kind: config.prediction_type, begun: None })
    }
}

fn twice_but_first<T: Copy>(values: &[T]) -> Vec<T> {
    values.iter().enumerate().flat_map(|(i, &v)| std::iter::repeat_n(v, if i == 0 { 1 } else { 2 })).collect()
}

impl Solver for Heun {
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
        let sigma = self.plan.sigmas[call];
        let clean = self.denoised(call, model_output, latents);
        let slope = latents.zip(&clean, |x, x0| (x - x0) / sigma);
        match self.begun.take() {
            None => {
                let span = self.plan.sigmas[call + 1] - sigma;
                let next = latents.zip(&slope, |x, d| x + d * span);
                self.begun = Some(Begun { latents: latents.clone(), slope, span });
                next
            }
            Some(Begun { latents, slope: first, span }) => {
                let mean = first.zip(&slope, |a, b| (a + b) / 2.0);
                latents.zip(&mean, |x, d| x + d * span)
            }
        }
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        clean_exploding(self.kind, self.plan.sigmas[call], model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
