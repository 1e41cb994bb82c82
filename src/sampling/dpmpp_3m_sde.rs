//! DPM-Solver++ of third order, multistep, on the SDE, as k-diffusion's `dpmpp_3m_sde`.
//! Separate as one solver family.

use super::frame::{Method, Step};
use crate::tensor::Latents;

/// DPM++ 3M SDE: one call a step; the step to sigma 0 gives x0.
#[derive(Clone)]
pub(super) struct DpmPp3MSde {
    eta: f32,
    s_noise: f32,
    /// x0 of the last two steps and their lengths in log sigma, latest first.
    previous: Vec<(Latents, f64)>,
}

impl DpmPp3MSde {
    pub fn new(eta: f32, s_noise: f32) -> Self {
        Self { eta, s_noise, previous: Vec::new() }
    }

    /// First and second divided differences of x0 in log sigma, in units of the step.
    fn slopes(&self, x0: &Latents, h: f64) -> Option<(Latents, Option<Latents>)> {
        let slope = |new: &Latents, old: &Latents, r: f64| new.zip(old, |a, b| (a - b) / r as f32);
        let (last, last_h) = self.previous.first()?;
        let r0 = last_h / h;
        let near = slope(x0, last, r0);
        let Some((before, before_h)) = self.previous.get(1) else { return Some((near, None)) };
        let r1 = before_h / h;
        let bend = slope(&near, &slope(last, before, r1), r0 + r1);
        Some((near.zip(&bend, |d, b| d + r0 as f32 * b), Some(bend)))
    }
}

impl Method for DpmPp3MSde {
    const BROWNIAN: bool = true;

    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents {
        let (from, to) = (f64::from(at.from()), f64::from(at.to()));
        if to == 0.0 {
            return x0.clone();
        }
        let h = (from / to).ln();
        let k = h * (1.0 + f64::from(self.eta));
        let (on_x, gain) = ((-k).exp() as f32, -(-k).exp_m1());
        let mut next = x.zip(x0, |x, x0| on_x * x + gain as f32 * x0);
        if let Some((slope, bend)) = self.slopes(x0, h) {
            let phi_2 = 1.0 - gain / k;
            next = next.zip(&slope, |x, d| x + phi_2 as f32 * d);
            if let Some(bend) = bend {
                let phi_3 = (phi_2 / k - 0.5) as f32;
                next = next.zip(&bend, |x, d| x - phi_3 * d);
            }
        }
        self.previous.insert(0, (x0.clone(), h));
        self.previous.truncate(2);
        let noise = to * (-(-2.0 * f64::from(self.eta) * h).exp_m1()).sqrt();
        let between = [at.from(), at.to()];
        if noise > 0.0 { at.add_noise(&next, noise as f32 * self.s_noise, 0, between) } else { next }
    }
}
