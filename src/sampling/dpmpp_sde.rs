//! DPM-Solver++ of second order, single step, on the SDE (Lu et al. 2022, arXiv 2211.01095), as k-diffusion's `dpmpp_sde`.
//!
//! Separate as one solver family.

use super::{
    dpm2::middle,
    dpmpp_2s::towards,
    euler::{ancestral_split, euler_step},
    frame::{Method, Step},
};
use crate::tensor::Latents;

/// DPM++ SDE: two calls and two draws a step; the second call is at its middle in log sigma.
#[derive(Clone)]
pub(super) struct DpmPpSde {
    pub eta: f32,
    pub s_noise: f32,
}

impl DpmPpSde {
    /// To a noise level where x0 does not change, with noise.
    fn noised(&self, at: &mut Step<'_>, [x, x0]: [&Latents; 2], to: f32, draw: usize) -> Latents {
        let from = at.from();
        let [down, up] = ancestral_split(from, to, self.eta);
        let lower = towards(x, x0, from, down);
        if up > 0.0 { at.add_noise(&lower, up * self.s_noise, draw, [from, to]) } else { lower }
    }
}

impl Method for DpmPpSde {
    const DRAWS: usize = 2;
    const BROWNIAN: bool = true;

    fn second_sigma(&self, from: f32, to: f32) -> Option<f32> {
        Some(middle(from, to))
    }

    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents {
        let (from, to) = (at.from(), at.to());
        if to > 0.0 { self.noised(at, [x, x0], middle(from, to), 0) } else { euler_step(x, x0, from, to) }
    }

    fn second_step(&mut self, at: &mut Step<'_>, [x, _]: [&Latents; 2], _y: &Latents, y0: &Latents) -> Latents {
        let to = at.to();
        self.noised(at, [x, y0], to, 1)
    }
}
