//! The interface that all solvers share: [`Solver`], and the [`Call`]s of a run.
//!
//! Separate from [`build`](super::build), which names every solver, so that solvers depend on this file alone.

use super::noise::StepNoise;
use crate::tensor::Latents;

/// One denoiser call of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// Input of the network, in training timesteps; may be fractional.
    pub timestep: f32,
    /// Noise level, at least 0, in the scaling `x0 + sigma * noise` (variance exploding).
    pub sigma: f32,
    /// Signal rate in 0..=1, in the scaling `alpha * x0 + sqrt(1 - alpha^2) * noise` (variance preserving):
    /// `1 / sqrt(1 + sigma^2)`.
    pub alpha: f32,
}

/// A sampler in the middle of a run.
///
/// Calls are numbered from 0 in denoising order. A solver may keep outputs of earlier calls (multistep methods), so
/// [`Solver::step`] has to be called once per call, in order. To resume in the middle of a run, keep a
/// [`Solver::boxed_clone`] from there.
///
/// # Panics
/// Every method panics on a call index outside [`Solver::calls`], and on latents of another shape than before.
pub trait Solver: Send {
    /// All denoiser calls, in denoising order.
    fn calls(&self) -> &[Call];

    /// Standard deviation of the noise that a run starts from: the factor on standard normal latents.
    fn init_noise_sigma(&self) -> f32 {
        1.0
    }

    /// The noise of a run with `seed`, in latents of `[channels, height, width]`.
    fn noise(&self, seed: u64, shape: [usize; 3]) -> StepNoise {
        StepNoise::new(seed, shape)
    }

    /// Latents of the first call, from standard normal ones.
    fn start(&self, initial: &Latents, _noise: &mut StepNoise) -> Latents {
        let sigma = self.init_noise_sigma();
        initial.map(|x| x * sigma)
    }

    /// Latents as the network takes them at this call: of unit variance.
    fn scale_model_input(&self, _call: usize, latents: &Latents) -> Latents {
        latents.clone()
    }

    /// Latents of the next call, from those of this call and the network's (guided) output. Samplers that add noise address
    /// the draws of `noise` by the number of the step and of the draw in it.
    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, noise: &mut StepNoise) -> Latents;

    /// The clean latents x0 that the output predicts, for previews.
    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents;

    /// A copy, including the outputs kept from earlier calls.
    fn boxed_clone(&self) -> Box<dyn Solver>;
}

impl Clone for Box<dyn Solver> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}
