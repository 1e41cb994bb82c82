//! PNDM (Liu et al. 2022, arXiv 2202.09778) by linear multistep alone, without Runge-Kutta warm-up: PLMS, as diffusers'
//! `PNDMScheduler` with `skip_prk_steps`.
//!
//! Separate as one solver family.

use super::{
    Call, NoiseSchedule, PredictionType, ScheduleConfig, ScheduleError, Solver, StepNoise,
    parametrization::{epsilon_variance_preserving, x0_variance_preserving},
    timesteps::TimestepGrid,
};
use crate::tensor::Latents;

/// PLMS, with steps + 1 calls: the second call evaluates where the first step led, and repeats that step with the mean of
/// both outputs.
#[derive(Clone)]
pub struct Pndm {
    calls: Vec<Call>,
    /// Product of alphas before and after the step that each call takes.
    alpha_prods: Vec<(f32, f32)>,
    prediction_type: PredictionType,
    /// Outputs of up to four calls, the latest last; without that of the second call.
    outputs: Vec<Latents>,
    /// Latents of the first call, until the second call repeats its step.
    start: Option<Latents>,
}

impl Pndm {
    /// # Errors
    /// [`ScheduleError`] for no steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, steps: usize) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let stride = (config.num_train_timesteps / steps.max(1)) as i64;
        let to_one = config.set_alpha_to_one.unwrap_or(false);
        let timesteps = TimestepGrid::DDIM.timesteps(config, steps, "PNDM")?;
        let mut timesteps: Vec<i64> = timesteps.into_iter().map(|t| t as i64).collect();
        if steps > 1 {
            timesteps.insert(1, timesteps[1]);
        }
        let alpha_prod = |t| noise.alpha_cumprod(t, to_one);
        let step_of = |(i, &t): (usize, &i64)| {
            let from = if i == 1 { t + stride } else { t };
            (alpha_prod(from), alpha_prod(from - stride))
        };
        Ok(Self {
            calls: timesteps.iter().map(|&t| noise.call_at(t)).collect(),
            alpha_prods: timesteps.iter().enumerate().map(step_of).collect(),
            prediction_type: config.prediction_type,
            outputs: Vec::new(),
            start: None,
        })
    }

    /// The Adams-Bashforth combination of the outputs kept (eq. 9 and appendix A of the paper).
    fn combined(&self) -> Latents {
        let weights: &[f32] = match self.outputs.len() {
            0 | 1 => &[1.0],
            2 => &[3.0 / 2.0, -1.0 / 2.0],
            3 => &[23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0],
            _ => &[55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0],
        };
        let mut terms = self.outputs.iter().rev().zip(weights).map(|(output, w)| output.map(|e| e * w));
        // Called after an output was pushed, so there is a first term.
        let first = terms.next().expect("at least one output");
        terms.fold(first, |sum, term| sum.zip(&term, |a, b| a + b))
    }

    /// Keeps the last four outputs.
    fn push_output(&mut self, output: Latents) {
        if self.outputs.len() == 4 {
            self.outputs.remove(0);
        }
        self.outputs.push(output);
    }
}

impl Solver for Pndm {
    fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, _noise: &mut StepNoise) -> Latents {
        let (output, latents) = match (call, self.start.take(), self.outputs.last()) {
            (1, Some(start), Some(first)) => (model_output.zip(first, |a, b| (a + b) / 2.0), start),
            _ => {
                self.push_output(model_output.clone());
                self.start = (call == 0).then(|| latents.clone());
                (self.combined(), latents.clone())
            }
        };
        let (alpha_prod, alpha_prod_next) = self.alpha_prods[call];
        let (beta_prod, beta_prod_next) = (1.0 - alpha_prod, 1.0 - alpha_prod_next);
        let (alpha, sigma) = (alpha_prod.sqrt(), beta_prod.sqrt());
        let epsilon = epsilon_variance_preserving(self.prediction_type, alpha, sigma, &output, &latents);
        let divisor = alpha_prod * beta_prod_next.sqrt() + (alpha_prod * beta_prod * alpha_prod_next).sqrt();
        let (on_latents, change) = ((alpha_prod_next / alpha_prod).sqrt(), alpha_prod_next - alpha_prod);
        latents.zip(&epsilon, |x, e| on_latents * x - change * e / divisor)
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        let alpha = self.calls[call].alpha;
        let sigma = (1.0 - alpha * alpha).sqrt();
        x0_variance_preserving(self.prediction_type, alpha, sigma, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
