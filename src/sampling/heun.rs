//! Heun's second-order method (Karras et al. 2022, algorithm 2), as in k-diffusion and diffusers' `HeunDiscreteScheduler`.
//!
//! Separate as one solver family.

use super::{
    euler::euler_step,
    frame::{Method, Step},
};
use crate::tensor::Latents;

/// Heun: two calls a step, of which the second corrects the first. The last step, to sigma 0, has one call.
#[derive(Clone)]
pub(super) struct Heun;

impl Method for Heun {
    fn second_sigma(&self, _from: f32, to: f32) -> Option<f32> {
        Some(to)
    }

    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents {
        euler_step(x, x0, at.from(), at.to())
    }

    fn second_step(&mut self, at: &mut Step<'_>, [x, x0]: [&Latents; 2], y: &Latents, y0: &Latents) -> Latents {
        let (from, to) = (at.from(), at.to());
        let derivative = |x: &Latents, x0: &Latents, sigma: f32| x.zip(x0, |x, x0| (x - x0) / sigma);
        let mean = derivative(x, x0, from).zip(&derivative(y, y0, to), |a, b| (a + b) / 2.0);
        x.zip(&mean, |x, d| x + d * (to - from))
    }
}
