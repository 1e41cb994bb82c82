//! DPM-Solver++ of second order, single step, with ancestral noise (Lu et al. 2022, arXiv 2211.01095, algorithm 1), as
//! k-diffusion's `dpmpp_2s_ancestral`.
//!
//! Separate as one solver family.

use super::{
    dpm2::middle,
    euler::{ancestral_split, euler_step},
    frame::{Method, Step},
};
use crate::tensor::Latents;

/// DPM++ 2S a: two calls a step, the second at its middle in log sigma.
#[derive(Clone)]
pub(super) struct DpmPp2SAncestral {
    pub eta: f32,
    pub s_noise: f32,
}

impl Method for DpmPp2SAncestral {
    fn second_sigma(&self, from: f32, to: f32) -> Option<f32> {
        // Noise that reaches the next level by itself leaves nothing to correct.
        let down = ancestral_split(from, to, self.eta)[0];
        (down > 0.0).then(|| middle(from, down))
    }

    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents {
        let (from, to) = (at.from(), at.to());
        match self.second_sigma(from, to) {
            Some(sigma) => towards(x, x0, from, sigma),
            None if to > 0.0 => at.add_noise(x0, to * self.s_noise, 0, [from, to]),
            None => euler_step(x, x0, from, to),
        }
    }

    fn second_step(&mut self, at: &mut Step<'_>, [x, _]: [&Latents; 2], _y: &Latents, y0: &Latents) -> Latents {
        let (from, to) = (at.from(), at.to());
        let [down, up] = ancestral_split(from, to, self.eta);
        let lower = towards(x, y0, from, down);
        if up > 0.0 { at.add_noise(&lower, up * self.s_noise, 0, [from, to]) } else { lower }
    }
}

/// The exact step between two noise levels where x0 does not change.
pub(super) fn towards(x: &Latents, x0: &Latents, from: f32, to: f32) -> Latents {
    let kept = to / from;
    let reached = ((f64::from(from) - f64::from(to)) / f64::from(from)) as f32;
    x.zip(x0, |x, x0| kept * x + reached * x0)
}
