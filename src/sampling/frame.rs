//! The frame of all methods that step in sigma: latents `x0 + sigma * noise`, stepped from one noise level to the next, as in
//! k-diffusion.
//!
//! Separate so that a method is its formula alone: calls, noise levels, draws and the state between two evaluations are here.

use super::{
    noise::StepNoise,
    noise_schedule::NoiseSchedule,
    parametrization::{to_unit_variance, x0_variance_exploding},
    sigmas::SigmaSchedule,
    solver::{Call, Solver},
};
use crate::{sampling::config::PredictionType, tensor::Latents};

/// A numerical method in sigma.
pub(super) trait Method: Clone + Send + 'static {
    /// Random draws of a step.
    const DRAWS: usize = 1;
    /// Whether the draws are increments of one Brownian motion in sigma, where the run has one.
    const BROWNIAN: bool = false;

    /// Sigma of a second evaluation in the step, for methods of two. None where `to` is 0.
    fn second_sigma(&self, _from: f32, _to: f32) -> Option<f32> {
        None
    }

    /// From the latents `x` at the beginning of the step, and x0 there: the latents at its end, or those that the second
    /// evaluation is made at.
    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents;

    /// The latents at the end of a step of two evaluations. `start`: latents and x0 at its beginning.
    fn second_step(&mut self, _at: &mut Step<'_>, _start: [&Latents; 2], y: &Latents, _y0: &Latents) -> Latents {
        y.clone()
    }
}

/// A step between two noise levels; `from` is larger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub from: f32,
    pub to: f32,
}

/// The step that is made, for a method.
pub(super) struct Step<'a> {
    steps: &'a [Interval],
    index: usize,
    draws: usize,
    noise: &'a mut StepNoise,
}

impl Step<'_> {
    pub fn from(&self) -> f32 {
        self.steps[self.index].from
    }

    /// 0 in the last step of most schedules.
    pub fn to(&self) -> f32 {
        self.steps[self.index].to
    }

    /// Sigma at the beginning of this step and of those before it, latest first.
    pub fn starts(&self) -> impl Iterator<Item = f32> {
        self.steps[..=self.index].iter().rev().map(|step| step.from)
    }

    /// Adds `factor` times draw `k` of this step to `x`. Where the run has a Brownian motion, the draw is its increment
    /// between the two noise levels, divided by the root of their distance.
    pub fn add_noise(&mut self, x: &Latents, factor: f32, k: usize, between: [f32; 2]) -> Latents {
        let draw = self.noise.draw_between(self.index * self.draws + k, between);
        x.zip(&draw, |x, n| x + n * factor)
    }
}

/// A method on the noise levels of a run.
#[derive(Clone)]
pub(super) struct SigmaSolver<M> {
    method: M,
    calls: Vec<Call>,
    /// The step of each call, and whether it is the second call of that step.
    places: Vec<(usize, bool)>,
    steps: Vec<Interval>,
    prediction_type: PredictionType,
    /// Noise level that the run starts from.
    initial: f32,
    init_noise_sigma: f32,
    /// Factor on noise that raises latents between two steps.
    s_noise: f32,
    /// Latents and x0 at the beginning of a step, until its second call.
    start: Option<[Latents; 2]>,
    has_tree: bool,
}

impl<M: Method> SigmaSolver<M> {
    /// `steps` replaces the steps between neighbouring sigmas of `run`, which begins at its largest.
    pub fn new(method: M, run: &SigmaSchedule, noise: &NoiseSchedule, steps: Vec<Interval>, s_noise: f32) -> Self {
        let timestep = |sigma: f32| {
            let known = run.sigmas.iter().zip(&run.calls).find(|(s, _)| **s == sigma);
            known.map_or_else(|| noise.timestep_of(f64::from(sigma)) as f32, |(_, call)| call.timestep)
        };
        let call = |sigma: f32| Call { timestep: timestep(sigma), sigma, alpha: 1.0 / (sigma * sigma + 1.0).sqrt() };
        let (mut calls, mut places) = (Vec::new(), Vec::new());
        for (index, &Interval { from, to }) in steps.iter().enumerate() {
            calls.push(call(from));
            places.push((index, false));
            if let Some(sigma) = method.second_sigma(from, to).filter(|_| to > 0.0) {
                calls.push(call(sigma));
                places.push((index, true));
            }
        }
        let (prediction_type, init_noise_sigma) = (run.prediction_type, run.init_noise_sigma);
        let initial = run.sigmas[0];
        Self {
            method,
            calls,
            places,
            steps,
            prediction_type,
            initial,
            init_noise_sigma,
            s_noise,
            start: None,
            has_tree: false,
        }
    }

    /// Takes the draws from the Brownian motion of the seed, where the method's are increments of one.
    pub fn with_brownian_motion(self) -> Self {
        Self { has_tree: M::BROWNIAN, ..self }
    }

    /// The noise level that latents have before a step, where the step begins above it: after churn, or with a restart.
    fn level_below(&self, step: usize) -> Option<f32> {
        let level = if step == 0 { self.initial } else { self.steps[step - 1].to };
        self.steps.get(step).is_some_and(|step| step.from > level).then_some(level)
    }

    /// Raises latents to the level that a step begins at, by a draw of its own for each such step.
    fn raised(&self, latents: Latents, step: usize, noise: &mut StepNoise) -> Latents {
        let Some(level) = self.level_below(step) else { return latents };
        let from = self.steps[step].from;
        let draw = (0..step).filter(|&earlier| self.level_below(earlier).is_some()).count();
        let factor = self.s_noise * (from * from - level * level).sqrt();
        latents.zip(noise.draw(draw), |x, n| x + n * factor)
    }
}

/// The steps between neighbouring sigmas.
pub(super) fn intervals(sigmas: &[f32]) -> Vec<Interval> {
    sigmas.windows(2).map(|pair| Interval { from: pair[0], to: pair[1] }).collect()
}

impl<M: Method> Solver for SigmaSolver<M> {
    fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn init_noise_sigma(&self) -> f32 {
        self.init_noise_sigma
    }

    fn noise(&self, seed: u64, shape: [usize; 3]) -> StepNoise {
        let noise = StepNoise::new(seed, shape);
        let levels = || self.steps.iter().flat_map(|step| [step.from, step.to]).filter(|sigma| *sigma > 0.0);
        let (least, most) = (levels().fold(f32::MAX, f32::min), levels().fold(0.0, f32::max));
        if self.has_tree { noise.with_brownian_motion(seed, least, most) } else { noise }
    }

    fn start(&self, initial: &Latents, noise: &mut StepNoise) -> Latents {
        self.raised(initial.map(|x| x * self.init_noise_sigma), 0, noise)
    }

    fn scale_model_input(&self, call: usize, latents: &Latents) -> Latents {
        to_unit_variance(self.calls[call].sigma, latents)
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, noise: &mut StepNoise) -> Latents {
        let x0 = self.denoised(call, model_output, latents);
        let (index, is_second) = self.places[call];
        let mut at = Step { steps: &self.steps, index, draws: M::DRAWS, noise };
        let next = match self.start.take().filter(|_| is_second) {
            Some([start, start_x0]) => self.method.second_step(&mut at, [&start, &start_x0], latents, &x0),
            None => self.method.step(&mut at, latents, &x0),
        };
        if self.places.get(call + 1) == Some(&(index, true)) {
            self.start = Some([latents.clone(), x0]);
            return next;
        }
        self.raised(next, index + 1, noise)
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        x0_variance_exploding(self.prediction_type, self.calls[call].sigma, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
