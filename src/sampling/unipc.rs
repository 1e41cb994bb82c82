//! UniPC of second order (Zhao et al. 2023, arXiv 2302.04867), predicting x0, with B(h) = expm1(h) ("bh2"), as diffusers'
//! `UniPCMultistepScheduler`.
//!
//! Separate as one solver family.

use super::{
    Call, ScheduleConfig, ScheduleError, Solver, StepNoise, parametrization::NoiseLevel, sigmas::SigmaSchedule,
};
use crate::{recipe::Schedule, tensor::Latents};

/// UniPC: one call a step. It first corrects the latents of the previous step, then predicts those of the next.
#[derive(Clone)]
pub struct UniPc {
    run: SigmaSchedule,
    /// x0 of the last two calls, the latest last.
    x0s: Vec<Latents>,
    /// Corrected latents before the last step, and the order of that step.
    last_step: Option<(Latents, usize)>,
}

/// Coefficients that predictor and corrector share for the step between two noise levels.
struct StepCoefficients {
    current: NoiseLevel,
    next: NoiseLevel,
    /// Length of the step in lambda.
    h: f32,
    /// `expm1(-h)`.
    phi_1: f32,
}

impl StepCoefficients {
    fn new(from: f32, to: f32) -> Self {
        let (current, next) = (NoiseLevel::new(from), NoiseLevel::new(to));
        let h = next.lambda - current.lambda;
        Self { current, next, h, phi_1: (-h).exp_m1() }
    }

    /// The first-order part, which needs no slopes.
    fn first_order(&self, latents: &Latents, x0: &Latents) -> Latents {
        let (on_latents, on_x0) = (self.next.sigma / self.current.sigma, self.next.alpha * self.phi_1);
        latents.zip(x0, |x, x0| on_latents * x - on_x0 * x0)
    }

    /// `r_k` of the paper: the position of an earlier noise level in lambda, with 0 at the start of the step and 1 at its
    /// end; negative.
    fn position(&self, sigma: f32) -> f32 {
        (NoiseLevel::new(sigma).lambda - self.current.lambda) / self.h
    }

    /// The corrector's weights for the slope towards the earlier level at position `r` and for that towards the new one:
    /// the solution of `[[1, 1], [r, 1]] w = b`.
    fn corrector_weights(&self, r: f32) -> (f32, f32) {
        let hh = -self.h;
        let phi_2 = self.phi_1 / hh - 1.0;
        let phi_3 = phi_2 / hh - 0.5;
        let (b1, b2) = (phi_2 / self.phi_1, 2.0 * phi_3 / self.phi_1);
        let earlier = (b2 - b1) / (r - 1.0);
        (earlier, b1 - earlier)
    }
}

impl UniPc {
    const ORDER: usize = 2;

    /// # Errors
    /// [`ScheduleError`] for no steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, schedule: Schedule, steps: usize) -> Result<Self, ScheduleError> {
        Ok(Self::on(SigmaSchedule::multistep(config, schedule, steps, "UniPC")?))
    }

    /// On given noise levels.
    pub(super) fn on(mut run: SigmaSchedule) -> Self {
        run.init_noise_sigma = 1.0;
        Self { run, x0s: Vec::new(), last_step: None }
    }

    /// The corrector: repeats the step to this call, now that x0 is known there.
    fn corrected(&self, call: usize, x0: &Latents, latents: &Latents) -> Latents {
        let (Some((origin, order)), Some(previous)) = (&self.last_step, self.x0s.last()) else {
            return latents.clone();
        };
        let step = StepCoefficients::new(self.run.sigmas[call - 1], self.run.sigmas[call]);
        let first_order = step.first_order(origin, previous);
        let slope_to_new = x0.zip(previous, |m, m0| m - m0);
        let scale = step.next.alpha * step.phi_1;
        if *order < Self::ORDER {
            return first_order.zip(&slope_to_new, |x, d| x - scale * (0.5 * d));
        }
        let r = step.position(self.run.sigmas[call - 2]);
        let (on_earlier, on_new) = step.corrector_weights(r);
        let slopes = self.x0s[0].zip(previous, |m1, m0| (m1 - m0) / r * on_earlier);
        let slopes = slopes.zip(&slope_to_new, |sum, d| sum + on_new * d);
        first_order.zip(&slopes, |x, d| x - scale * d)
    }

    /// The predictor: latents of the next call, from the corrected latents of this one.
    fn predicted(&self, call: usize, order: usize, latents: &Latents) -> Latents {
        let step = StepCoefficients::new(self.run.sigmas[call], self.run.sigmas[call + 1]);
        match self.x0s.as_slice() {
            [previous, x0] if order == Self::ORDER => {
                let r = step.position(self.run.sigmas[call - 1]);
                let scale = step.next.alpha * step.phi_1;
                let slope = previous.zip(x0, |m1, m0| (m1 - m0) / r);
                step.first_order(latents, x0).zip(&slope, |x, d| x - scale * (0.5 * d))
            }
            [.., x0] => step.first_order(latents, x0),
            [] => latents.clone(),
        }
    }
}

impl Solver for UniPc {
    fn calls(&self) -> &[Call] {
        &self.run.calls
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, _noise: &mut StepNoise) -> Latents {
        let x0 = self.denoised(call, model_output, latents);
        let latents = self.corrected(call, &x0, latents);
        if self.x0s.len() == Self::ORDER {
            self.x0s.remove(0);
        }
        self.x0s.push(x0);
        let order = Self::ORDER.min(self.run.calls.len() - call).min(self.x0s.len());
        let next = self.predicted(call, order, &latents);
        self.last_step = Some((latents, order));
        next
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        self.run.x0_of_unit_variance(call, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
