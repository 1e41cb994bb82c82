//! Euler's method and its ancestral variant, as in k-diffusion and diffusers' `EulerDiscreteScheduler` and
//! `EulerAncestralDiscreteScheduler`.
//!
//! Separate as one solver family.

use super::frame::{Method, Step};
use crate::tensor::Latents;

/// Euler's method on the probability-flow ODE (Karras et al. 2022, algorithm 2).
#[derive(Clone)]
pub(super) struct Euler;

impl Method for Euler {
    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents {
        euler_step(x, x0, at.from(), at.to())
    }
}

/// Euler ancestral: each step goes below the next sigma, and fresh noise raises the latents to it.
#[derive(Clone)]
pub(super) struct EulerAncestral {
    pub eta: f32,
    pub s_noise: f32,
}

impl Method for EulerAncestral {
    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents {
        let (from, to) = (at.from(), at.to());
        let [down, up] = ancestral_split(from, to, self.eta);
        let lower = euler_step(x, x0, from, down);
        if up > 0.0 { at.add_noise(&lower, up * self.s_noise, 0, [from, to]) } else { lower }
    }
}

/// The step along the derivative at its beginning.
pub(super) fn euler_step(x: &Latents, x0: &Latents, from: f32, to: f32) -> Latents {
    x.zip(x0, |x, x0| x + (x - x0) / from * (to - from))
}

/// The sigma that a step goes down to without noise, and the sigma of the noise that raises it to `to`. `eta` is the share
/// of noise: 0 none, 1 as in DDPM.
pub(super) fn ancestral_split(from: f32, to: f32, eta: f32) -> [f32; 2] {
    let (variance, next_variance) = (from * from, to * to);
    let up = (eta * (next_variance * (variance - next_variance) / variance).sqrt()).min(to);
    [(next_variance - up * up).sqrt(), up]
}
