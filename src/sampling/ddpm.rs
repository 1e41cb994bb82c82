//! DDPM's own reverse process (Ho et al. 2020, arXiv 2006.11239, algorithm 2), and the jumps of consistency models, as
//! ComfyUI's `ddpm` and `lcm`.
//!
//! Separate as one solver family: a step of either is a draw from a normal distribution around a mean.

use super::frame::{Method, Step};
use crate::tensor::Latents;

/// DDPM with the smaller of its two variances, on a part of the timesteps.
#[derive(Clone)]
pub(super) struct Ddpm {
    pub s_noise: f32,
}

impl Method for Ddpm {
    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents {
        let (from, to) = (f64::from(at.from()), f64::from(at.to()));
        let product = |sigma: f64| 1.0 / (1.0 + sigma * sigma);
        let (now, next) = (product(from), product(to));
        // Of the step alone: the share of the signal that it would add noise to.
        let alpha = now / next;
        // Latents of unit variance and back to `x0 + sigma * noise`.
        let on_x = (now.sqrt() / alpha.sqrt() / next.sqrt()) as f32;
        let on_noise = ((1.0 - alpha) / (1.0 - now).sqrt() / alpha.sqrt() / next.sqrt()) as f32;
        let sigma = at.from();
        let mean = x.zip(x0, |x, x0| on_x * x - on_noise * ((x - x0) / sigma));
        let deviation = ((1.0 - alpha) * (1.0 - next) / (1.0 - now) / next).sqrt() as f32;
        let between = [at.from(), at.to()];
        if to > 0.0 { at.add_noise(&mean, deviation * self.s_noise, 0, between) } else { mean }
    }
}

/// Each step jumps to x0 and adds fresh noise of the next level.
#[derive(Clone)]
pub(super) struct ConsistencyJump {
    pub s_noise: f32,
}

impl Method for ConsistencyJump {
    fn step(&mut self, at: &mut Step<'_>, _x: &Latents, x0: &Latents) -> Latents {
        let (from, to) = (at.from(), at.to());
        if to > 0.0 { at.add_noise(x0, to * self.s_noise, 0, [from, to]) } else { x0.clone() }
    }
}
