//! UniPC of second order (Zhao et al. 2023, arXiv 2302.04867), predicting x0, with B(h) = expm1(h) ("bh2").

use super::{
    Call, NoiseSchedule, PredictionType, ScheduleConfig, ScheduleError, Solver, StepNoise, dpmpp::Level,
    prediction::clean_preserving, schedule::SigmaPlan,
};
use crate::{recipe::Schedule, tensor::Latents};

/// UniPC: one call a step, which first corrects where the step before has led and then predicts the next.
#[derive(Clone)]
pub struct UniPc {
    plan: SigmaPlan,
    kind: PredictionType,
    /// x0 of the last two calls, the latest last.
    cleans: Vec<Latents>,
    /// What the last step set out from, and the order it was taken with.
    origin: Option<(Latents, usize)>,
}

/// Coefficients that predictor and corrector share for the span between two noise levels.
struct Span {
    here: Level,
    next: Level,
    /// `expm1(-h)` for a step h in lambda.
    phi_1: f32,
    h: f32,
}

impl Span {
    fn new(from: f32, to: f32) -> Self {
        let (here, next) = (Level::new(from), Level::new(to));
        let h = next.lambda - here.lambda;
        Self { here, next, phi_1: (-h).exp_m1(), h }
    }

    /// The part that needs no slopes.
    fn base(&self, latents: &Latents, clean: &Latents) -> Latents {
        let (keep, pull) = (self.next.sigma / self.here.sigma, self.next.alpha * self.phi_1);
        latents.zip(clean, |x, x0| keep * x - pull * x0)
    }

    /// Position of an earlier noise level on the span's scale: 0 here, 1 next, negative before.
    fn position(&self, sigma: f32) -> f32 {
        (Level::new(sigma).lambda - self.here.lambda) / self.h
    }

    /// The corrector's weights for the slope towards the earlier level at `r` and for that towards the new one:
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
    /// No steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, schedule: Schedule, steps: usize) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let plan = SigmaPlan::multistep(&noise, config, schedule, steps, "UniPC")?;
        Ok(Self { plan, kind: config.prediction_type, cleans: Vec::new(), origin: None })
    }

    /// Takes the step to this call again, now that its x0 is known.
    fn corrected(&self, call: usize, clean: &Latents, latents: &Latents) -> Latents {
        let (Some((origin, order)), Some(before)) = (&self.origin, self.cleans.last()) else {
            return latents.clone();
        };
        let span = Span::new(self.plan.sigmas[call - 1], self.plan.sigmas[call]);
        let base = span.base(origin, before);
        let towards_new = clean.zip(before, |m, m0| m - m0);
        let scale = span.next.alpha * span.phi_1;
        if *order < Self::ORDER {
            return base.zip(&towards_new, |x, d| x - scale * (0.5 * d));
        }
        let r = span.position(self.plan.sigmas[call - 2]);
        let (on_earlier, on_new) = span.corrector_weights(r);
        let slopes = self.cleans[0].zip(before, |m1, m0| (m1 - m0) / r * on_earlier);
        let slopes = slopes.zip(&towards_new, |sum, d| sum + on_new * d);
        base.zip(&slopes, |x, d| x - scale * d)
    }

    fn predicted(&self, call: usize, order: usize, latents: &Latents) -> Latents {
        let span = Span::new(self.plan.sigmas[call], self.plan.sigmas[call + 1]);
        match self.cleans.as_slice() {
            [before, clean] if order == Self::ORDER => {
                let r = span.position(self.plan.sigmas[call - 1]);
                let scale = span.next.alpha * span.phi_1;
                let slope = before.zip(clean, |m1, m0| (m1 - m0) / r);
                span.base(latents, clean).zip(&slope, |x, d| x - scale * (0.5 * d))
            }
            [.., clean] => span.base(latents, clean),
            [] => latents.clone(),
        }
    }
}

impl Solver for UniPc {
    fn calls(&self) -> &[Call] {
        &self.plan.calls
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, _noise: &mut StepNoise) -> Latents {
        let clean = self.denoised(call, model_output, latents);
        let latents = self.corrected(call, &clean, latents);
        if self.cleans.len() == Self::ORDER {
            self.cleans.remove(0);
        }
        self.cleans.push(clean);
        let order = Self::ORDER.min(self.plan.calls.len() - call).min(self.cleans.len());
        let next = self.predicted(call, order, &latents);
        self.origin = Some((latents, order));
        next
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        let level = Level::new(self.plan.sigmas[call]);
        clean_preserving(self.kind, level.alpha, level.sigma, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
