//! Samplers: the numerical methods that take latents from noise to a picture, one denoiser call at a time.
//!
//! Pure arithmetic on host arrays, apart from networks and devices. Each sampler gives the numbers of the diffusers
//! 0.42.1 scheduler of its name, and noise has the numbers of torch's CPU generator. So a seed, a recipe and a model give
//! the same picture here as in diffusers.
//!
//! One file holds one solver family. They share the training noise schedule ([`NoiseSchedule`]), the timesteps and sigmas
//! that a run visits, and the conversions between what networks predict.

mod beta_distribution;
mod brownian;
mod config;
mod ddim;
mod ddpm;
mod dpm2;
mod dpm_solver;
mod dpmpp_2m;
mod dpmpp_2s;
mod dpmpp_3m_sde;
mod dpmpp_sde;
mod error;
mod euler;
mod frame;
mod heun;
mod lcm;
mod levels;
mod lms;
mod noise;
mod noise_schedule;
mod parametrization;
mod pndm;
mod restart;
mod samplers;
mod scheduler_json;
mod seed_sequence;
mod settings;
mod sigmas;
mod solver;
mod timesteps;
mod torch_generator;
mod unipc;

pub use crate::recipe::SamplerSettings;
pub use config::{AlignedLevels, BetaSchedule, PredictionType, ScheduleConfig, TimestepSpacing};
pub use ddim::Ddim;
pub use dpm_solver::DpmPp2M;
pub use error::ScheduleError;
pub use lcm::Lcm;
pub use noise::StepNoise;
pub use noise_schedule::NoiseSchedule;
pub use parametrization::{convert_prediction, epsilon_factor};
pub use pndm::Pndm;
pub use samplers::{build, build_with};
pub use solver::{Call, Solver};
pub use torch_generator::TorchGenerator;
pub use unipc::UniPc;
