//! The linear multistep method of order 4, as k-diffusion's `lms`: Adams-Bashforth with unequal steps.
//!
//! Separate as one solver family.

use super::{
    euler::euler_step,
    frame::{Method, Step},
};
use crate::tensor::Latents;

const ORDER: usize = 4;

/// LMS: one call a step. The derivative is extrapolated by the polynomial through the last four.
#[derive(Clone)]
pub(super) struct Lms {
    /// Of the last steps, latest first.
    derivatives: Vec<Latents>,
    /// Whether the step to sigma 0 gives x0, as in ComfyUI.
    ends_at_x0: bool,
}

impl Lms {
    pub fn new(ends_at_x0: bool) -> Self {
        Self { derivatives: Vec::new(), ends_at_x0 }
    }
}

impl Method for Lms {
    fn step(&mut self, at: &mut Step<'_>, x: &Latents, x0: &Latents) -> Latents {
        let (from, to) = (at.from(), at.to());
        if to == 0.0 && self.ends_at_x0 {
            return euler_step(x, x0, from, to);
        }
        self.derivatives.insert(0, x.zip(x0, |x, x0| (x - x0) / from));
        self.derivatives.truncate(ORDER);
        let sigmas: Vec<f64> = at.starts().take(self.derivatives.len()).map(f64::from).collect();
        let weighted = self.derivatives.iter().enumerate();
        weighted.fold(x.clone(), |sum, (j, derivative)| {
            let weight = weight(&sigmas, j, f64::from(to)) as f32;
            sum.zip(derivative, |x, d| x + d * weight)
        })
    }
}

/// The integral from `sigmas[0]` to `to` of the Lagrange polynomial that is 1 at `sigmas[j]` and 0 at the others. It is of
/// third degree at most, for which Simpson's rule is exact.
fn weight(sigmas: &[f64], j: usize, to: f64) -> f64 {
    let others = || sigmas.iter().enumerate().filter(|(k, _)| *k != j).map(|(_, sigma)| sigma);
    let polynomial = |at: f64| others().map(|sigma| (at - sigma) / (sigmas[j] - sigma)).product::<f64>();
    (to - sigmas[0]) / 6.0 * (polynomial(sigmas[0]) + 4.0 * polynomial((sigmas[0] + to) / 2.0) + polynomial(to))
}
