//! The midpoint method in log sigma (after DPM-Solver-2, Lu et al. 2022, arXiv 2206.00927), as k-diffusion's `dpm_2` and
//! `dpm_2_ancestral`: A1111's DPM2 and DPM2 a.
//!
//! Separate as one solver family.

use super::{
    euler::{ancestral_split, euler_step},
    frame::{Method, Step},
};
use crate::tensor::Latents;

/// Two calls a step: the derivative at the middle of the step, in log sigma, makes the whole of it. Without noise where
/// `eta` is 0.
#[derive(Clone)]
pub(super) struct Dpm2 {
    pub eta: f32,
    pub s_noise: f32,
}

impl Dpm2 {
    /// The sigma that is reached without noise, and that of the noise which raises it again.
    fn split(&self, from: f32, to: f32) -> [f32; 2] {
        if self.eta > 0.0 { ancestral_split(from, to, self.eta) } else { [to, 0.0] }
    }

    fn raised(&self, at: &mut Step<'_>, lower: Latents, up: f32) -> Latents {
        let between = [at.from(), at.to()];
        if up > 0.0 { at.add_noise(&lower, up * self.s_noise, 0, between) } else { lower }
    }
}

impl Method for Dpm2 {
    fn second_sigma(&self, from: f32, to: f32) -> Option<f32> {
        let [down, _] = self.split(from, to);
        (down > 0.0).then(|| middle(from, down))
    }

    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents {
        let (from, to) = (at.from(), at.to());
        match self.second_sigma(from, to) {
            Some(sigma) => euler_step(x, x0, from, sigma),
            None => self.raised(at, euler_step(x, x0, from, 0.0), to),
        }
    }

    fn second_step(&mut self, at: &mut Step<'_>, [x, _]: [&Latents; 2], y: &Latents, y0: &Latents) -> Latents {
        let (from, to) = (at.from(), at.to());
        let [down, up] = self.split(from, to);
        let (sigma, length) = (middle(from, down), down - from);
        let derivative = y.zip(y0, |y, y0| (y - y0) / sigma);
        self.raised(at, x.zip(&derivative, |x, d| x + d * length), up)
    }
}

/// The middle of two noise levels in log sigma.
pub(super) fn middle(from: f32, to: f32) -> f32 {
    (f64::from(from) * f64::from(to)).sqrt() as f32
}
