//! PNDM (Liu et al. 2022, arXiv 2202.09778) by linear multistep alone: no Runge-Kutta warm-up.

use super::{
    Call, NoiseSchedule, PredictionType, ScheduleConfig, ScheduleError, Solver, StepNoise,
    prediction::{clean_preserving, epsilon_preserving},
    schedule::Grid,
};
use crate::tensor::Latents;

/// PLMS: steps + 1 calls. The second call looks at where the first one led, and takes the first step again.
#[derive(Clone)]
pub struct Pndm {
    calls: Vec<Call>,
    /// Product of alphas before and after the step that each call takes.
    products: Vec<(f32, f32)>,
    kind: PredictionType,
    /// Outputs of up to four calls, the latest last; the second call's is not among them.
    outputs: Vec<Latents>,
    /// Latents of the first call, until the second has gone back to them.
    start: Option<Latents>,
}

impl Pndm {
    /// # Errors
    /// No steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, steps: usize) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let stride = (config.num_train_timesteps / steps.max(1)) as i64;
        let to_one = config.set_alpha_to_one.unwrap_or(false);
        let mut timesteps: Vec<i64> =
            Grid::DDIM.timesteps(config, steps, "PNDM")?.into_iter().map(|t| t as i64).collect();
        if steps > 1 {
            timesteps.insert(1, timesteps[1]);
        }
        let product = |t| noise.alpha_cumprod(t, to_one);
        let span = |(i, &t): (usize, &i64)| {
            let from = if i == 1 { t + stride } else { t };
            (product(from), product(from - stride))
        };
        Ok(Self {
            calls: timesteps.iter().map(|&t| noise.call_at(t)).collect(),
            products: timesteps.iter().enumerate().map(span).collect(),
            kind: config.prediction_type,
            outputs: Vec::new(),
            start: None,
        })
    }

    /// The Adams-Bashforth combination of the outputs so far (eq. 9 and appendix A of the paper).
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
}

impl Solver for Pndm {
    fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, _noise: &mut StepNoise) -> Latents {
        let (output, latents) = match (call, self.start.take(), self.outputs.last()) {
            (1, Some(start), Some(first)) => (model_output.zip(first, |a, b| (a + b) / 2.0), start),
            _ => {
                if self.outputs.len() == 4 {
                    self.outputs.remove(0);
                }
                self.outputs.push(model_output.clone());
                self.start = (call == 0).then(|| latents.clone());
                (self.combined(), latents.clone())
            }
        };
        let (here, after) = self.products[call];
        let (left, left_after) = (1.0 - here, 1.0 - after);
        let epsilon = epsilon_preserving(self.kind, here.sqrt(), left.sqrt(), &output, &latents);
        let divisor = here * left_after.sqrt() + (here * left * after).sqrt();
        let (keep, change) = ((after / here).sqrt(), after - here);
        latents.zip(&epsilon, |x, e| keep * x - change * e / divisor)
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        let alpha = self.calls[call].alpha;
        clean_preserving(self.kind, alpha, (1.0 - alpha * alpha).sqrt(), model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
