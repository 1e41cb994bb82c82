//! DPM-Solver++ of second order, multistep (Lu et al. 2022, arXiv 2211.01095, algorithm 2), on the ODE and on the SDE, as
//! k-diffusion's `dpmpp_2m`, and `dpmpp_2m_sde` in its midpoint and its Heun form.
//!
//! Separate as one solver family. Diffusers' form, on latents of unit variance, is in `dpm_solver`.

use super::frame::{Method, Step};
use crate::tensor::Latents;

/// How the slope of x0 acts on the SDE.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    Midpoint,
    Heun,
}

/// One call a step. `eta` 0 is the ODE; the step to sigma 0 gives x0.
#[derive(Clone)]
pub(super) struct DpmPp2M {
    eta: f32,
    s_noise: f32,
    form: Form,
    /// x0 of the previous step, and its length in log sigma.
    previous: Option<(Latents, f64)>,
}

impl DpmPp2M {
    pub fn new(eta: f32, s_noise: f32, form: Form) -> Self {
        Self { eta, s_noise, form, previous: None }
    }
}

impl Method for DpmPp2M {
    const BROWNIAN: bool = true;

    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents {
        let (from, to) = (f64::from(at.from()), f64::from(at.to()));
        if to == 0.0 {
            return x0.clone();
        }
        let h = (from / to).ln();
        let k = h * (1.0 + f64::from(self.eta));
        let gain = -(-k).exp_m1();
        let (on_x, on_x0) = ((-k).exp() as f32, gain as f32);
        let mut next = x.zip(x0, |x, x0| on_x * x + on_x0 * x0);
        if let Some((previous, last_h)) = &self.previous {
            let on_slope = if self.form == Form::Midpoint { gain / 2.0 } else { 1.0 - gain / k };
            let factor = (on_slope * h / last_h) as f32;
            let slope = x0.zip(previous, |new, old| new - old);
            next = next.zip(&slope, |x, d| x + factor * d);
        }
        self.previous = Some((x0.clone(), h));
        let noise = to * (-(-2.0 * f64::from(self.eta) * h).exp_m1()).sqrt();
        let between = [at.from(), at.to()];
        if noise > 0.0 { at.add_noise(&next, noise as f32 * self.s_noise, 0, between) } else { next }
    }
}
