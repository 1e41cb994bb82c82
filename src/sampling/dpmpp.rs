//! DPM-Solver++ of second order, multistep (Lu et al. 2022, arXiv 2211.01095, algorithm 2), midpoint form.

use super::{
    Call, NoiseSchedule, PredictionType, ScheduleConfig, ScheduleError, Solver, StepNoise,
    prediction::{clean_preserving, rates},
    schedule::SigmaPlan,
};
use crate::{recipe::Schedule, tensor::Latents};

/// A sigma of `x0 + sigma * noise` in variance-preserving terms, with half its log signal-to-noise ratio lambda.
#[derive(Clone, Copy)]
pub(super) struct Level {
    pub alpha: f32,
    pub sigma: f32,
    pub lambda: f32,
}

impl Level {
    /// Sigma 0 gives an infinite lambda, which the formulas below take in their stride.
    pub fn new(sigma: f32) -> Self {
        let [alpha, sigma] = rates(sigma);
        Self { alpha, sigma, lambda: alpha.ln() - sigma.ln() }
    }
}

/// DPM++ 2M: one call a step; the first and the last step are of first order.
#[derive(Clone)]
pub struct DpmPp2M {
    plan: SigmaPlan,
    kind: PredictionType,
    /// x0 of the call before.
    previous: Option<Latents>,
}

impl DpmPp2M {
    /// # Errors
    /// No steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, schedule: Schedule, steps: usize) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let plan = SigmaPlan::multistep(&noise, config, schedule, steps, "DPM++ 2M")?;
        Ok(Self { plan, kind: config.prediction_type, previous: None })
    }
}

impl Solver for DpmPp2M {
    fn calls(&self) -> &[Call] {
        &self.plan.calls
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, _noise: &mut StepNoise) -> Latents {
        let clean = self.denoised(call, model_output, latents);
        let (here, next) = (Level::new(self.plan.sigmas[call]), Level::new(self.plan.sigmas[call + 1]));
        let h = next.lambda - here.lambda;
        let (keep, pull) = (next.sigma / here.sigma, next.alpha * ((-h).exp() - 1.0));
        let first_order = latents.zip(&clean, |x, x0| keep * x - pull * x0);
        let last_call = call + 1 == self.plan.calls.len();
        let stepped = match &self.previous {
            Some(previous) if !last_call => {
                let before = Level::new(self.plan.sigmas[call - 1]);
                let r = (here.lambda - before.lambda) / h;
                let slope = clean.zip(previous, |m0, m1| 1.0 / r * (m0 - m1));
                first_order.zip(&slope, |x, d| x - 0.5 * pull * d)
            }
            _ => first_order,
        };
        self.previous = Some(clean);
        stepped
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        let level = Level::new(self.plan.sigmas[call]);
        clean_preserving(self.kind, level.alpha, level.sigma, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
