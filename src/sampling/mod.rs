//! Samplers: how latents go from noise to picture, one U-Net call at a time.
//!
//! Pure maths on host arrays. Each sampler gives the numbers of the diffusers 0.42.1 class of its name, and the noise
//! is torch's, so that a seed, a recipe and a model decide the picture here as they do there.

mod config;
mod ddim;
mod dpmpp;
mod error;
mod euler;
mod heun;
mod lcm;
mod noise;
mod pndm;
mod prediction;
mod schedule;
mod unipc;

pub use config::{BetaSchedule, PredictionType, ScheduleConfig, TimestepSpacing};
pub use ddim::Ddim;
pub use dpmpp::DpmPp2M;
pub use error::ScheduleError;
pub use euler::{Euler, EulerAncestral};
pub use heun::Heun;
pub use lcm::Lcm;
pub use noise::{StepNoise, TorchGenerator};
pub use pndm::Pndm;
pub use prediction::{noise_scale, restate};
pub use schedule::NoiseSchedule;
pub use unipc::UniPc;

use crate::{
    recipe::{Sampler, Schedule},
    tensor::Latents,
};

/// One U-Net call of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// What the network is told, in training timesteps; may lie between two.
    pub timestep: f32,
    /// Noise level in the scaling `x0 + sigma * noise`.
    pub sigma: f32,
    /// Signal rate in the scaling `alpha * x0 + sqrt(1 - alpha^2) * noise`; `1 / sqrt(1 + sigma^2)`.
    pub alpha: f32,
}

/// A sampler in the middle of a run.
///
/// Calls are numbered from 0 in denoising order. A solver may keep outputs of earlier calls, so [`Solver::step`] is to
/// be taken call by call; to go on from the middle, keep a [`Solver::boxed_clone`] from there.
/// Every method panics on a call index that is not in [`Solver::calls`], and on latents of another shape.
pub trait Solver: Send {
    /// All U-Net calls in denoising order.
    fn calls(&self) -> &[Call];

    /// Standard deviation of the noise that a run starts from: multiply standard normal latents by it.
    fn init_noise_sigma(&self) -> f32 {
        1.0
    }

    /// Latents as the network gets them at this call.
    fn scale_model_input(&self, _call: usize, latents: &Latents) -> Latents {
        latents.clone()
    }

    /// From the latents of this call to those of the next, given the network's (guided) output. Samplers that add
    /// noise take draw number `call`.
    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, noise: &mut StepNoise) -> Latents;

    /// The clean latents that the output points at, for previews.
    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents;

    /// A copy with all that it remembers.
    fn boxed_clone(&self) -> Box<dyn Solver>;
}

impl Clone for Box<dyn Solver> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

/// The solver for a recipe's sampler, schedule and steps on a model's noise schedule.
///
/// # Errors
/// No steps, more steps than the noise schedule has room for, or a schedule that the sampler does not have.
pub fn build(
    sampler: Sampler,
    schedule: Schedule,
    config: &ScheduleConfig,
    steps: usize,
) -> Result<Box<dyn Solver>, ScheduleError> {
    if !sampler.has_schedule(schedule) {
        return Err(ScheduleError::NoSuchSchedule { sampler: sampler.name(), schedule: schedule.name() });
    }
    let curve = if schedule == Schedule::Normal { config.normal_schedule } else { schedule };
    Ok(match sampler {
        Sampler::Ddim => Box::new(Ddim::new(config, steps, 0.0)?),
        Sampler::Pndm => Box::new(Pndm::new(config, steps)?),
        Sampler::Euler => Box::new(Euler::new(config, curve, steps)?),
        Sampler::EulerAncestral => Box::new(EulerAncestral::new(config, curve, steps)?),
        Sampler::Heun => Box::new(Heun::new(config, curve, steps)?),
        Sampler::DpmPp2M => Box::new(DpmPp2M::new(config, curve, steps)?),
        Sampler::UniPc => Box::new(UniPc::new(config, curve, steps)?),
        Sampler::Lcm => Box::new(Lcm::new(config, steps)?),
    })
}
