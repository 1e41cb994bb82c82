//! From a recipe's sampler and schedule to a solver.
//!
//! Separate from the solvers, because this is the only file that knows them all: a new sampler is added here.

use super::{
    config::ScheduleConfig,
    ddim::Ddim,
    ddpm::{ConsistencyJump, Ddpm},
    dpm_solver,
    dpm2::Dpm2,
    dpmpp_2m::{DpmPp2M, Form},
    dpmpp_2s::DpmPp2SAncestral,
    dpmpp_3m_sde::DpmPp3MSde,
    dpmpp_sde::DpmPpSde,
    error::ScheduleError,
    euler::{Euler, EulerAncestral},
    frame::{Interval, Method, SigmaSolver, intervals},
    heun::Heun,
    lcm::Lcm,
    levels::levels,
    lms::Lms,
    noise_schedule::NoiseSchedule,
    pndm::Pndm,
    restart::restarted,
    settings::{discards, is_of_diffusers},
    sigmas::SigmaSchedule,
    solver::Solver,
    unipc::UniPc,
};
use crate::recipe::{Convention, Sampler, SamplerSettings, Schedule};

/// The solver for a sampler, schedule and step count on a model's noise schedule, with every option at its default.
///
/// # Errors
/// As [`build_with`].
pub fn build(
    sampler: Sampler,
    schedule: Schedule,
    config: &ScheduleConfig,
    steps: usize,
) -> Result<Box<dyn Solver>, ScheduleError> {
    build_with(&SamplerSettings::plain(sampler, schedule, steps), config)
}

/// The solver for a recipe's settings on a model's noise schedule.
///
/// # Errors
/// [`ScheduleError`] for no steps, for more steps than the noise schedule has room for, and for a schedule that the
/// sampler does not have.
pub fn build_with(settings: &SamplerSettings, config: &ScheduleConfig) -> Result<Box<dyn Solver>, ScheduleError> {
    let SamplerSettings { sampler, schedule, steps, .. } = *settings;
    if !sampler.has_schedule(schedule, settings.convention) {
        return Err(ScheduleError::NoSuchSchedule { sampler: sampler.name(), schedule: schedule.name() });
    }
    let is_own = is_of_diffusers(settings);
    let own = if schedule == Schedule::Normal { config.normal_schedule } else { schedule };
    let has_own_timesteps = schedule == Schedule::Normal && settings.convention != Convention::ComfyUi;
    let (eta, s_noise) = (settings.eta.unwrap_or(1.0), settings.s_noise.unwrap_or(1.0));
    let build = Builder { settings, config };
    match sampler {
        Sampler::Ddim if has_own_timesteps => Ok(Box::new(Ddim::new(config, steps, settings.eta.unwrap_or(0.0))?)),
        Sampler::Ddim => build.sigma(EulerAncestral { eta: settings.eta.unwrap_or(0.0), s_noise }),
        Sampler::Pndm => Ok(Box::new(Pndm::new(config, steps)?)),
        Sampler::Euler => build.sigma(Euler),
        Sampler::EulerAncestral => build.sigma(EulerAncestral { eta, s_noise }),
        Sampler::Heun => build.sigma(Heun),
        Sampler::Dpm2 => build.sigma(Dpm2 { eta: 0.0, s_noise }),
        Sampler::Dpm2Ancestral => build.sigma(Dpm2 { eta, s_noise }),
        Sampler::Lms => build.sigma(Lms::new(settings.convention == Convention::ComfyUi)),
        Sampler::DpmPp2SAncestral => build.sigma(DpmPp2SAncestral { eta, s_noise }),
        Sampler::DpmPp2M if is_own => Ok(Box::new(dpm_solver::DpmPp2M::new(config, own, steps)?)),
        Sampler::DpmPp2M => build.sigma(DpmPp2M::new(0.0, s_noise, Form::Midpoint)),
        Sampler::DpmPpSde => build.sigma(DpmPpSde { eta, s_noise }),
        Sampler::DpmPp2MSde => build.sigma(DpmPp2M::new(eta, s_noise, Form::Midpoint)),
        Sampler::DpmPp2MSdeHeun => build.sigma(DpmPp2M::new(eta, s_noise, Form::Heun)),
        Sampler::DpmPp3MSde => build.sigma(DpmPp3MSde::new(eta, s_noise)),
        Sampler::UniPc if is_own => Ok(Box::new(UniPc::new(config, own, steps)?)),
        Sampler::UniPc => Ok(Box::new(UniPc::on(build.levels()?))),
        Sampler::Lcm if has_own_timesteps => Ok(Box::new(Lcm::new(config, steps)?)),
        Sampler::Lcm => build.sigma(ConsistencyJump { s_noise }),
        Sampler::Ddpm => build.sigma(Ddpm { s_noise }),
        Sampler::Restart => build.sigma(Heun),
    }
}

/// Settings on a model's noise schedule.
struct Builder<'a> {
    settings: &'a SamplerSettings,
    config: &'a ScheduleConfig,
}

impl Builder<'_> {
    /// A method that steps in sigma.
    fn sigma<M: Method>(&self, method: M) -> Result<Box<dyn Solver>, ScheduleError> {
        let run = self.levels()?;
        let noise = NoiseSchedule::new(self.config);
        let steps = match self.settings.sampler {
            Sampler::Restart => restarted(&run.sigmas, self.settings.steps),
            Sampler::Euler | Sampler::Heun | Sampler::Dpm2 => self.churned(&run.sigmas),
            _ => intervals(&run.sigmas),
        };
        let solver = SigmaSolver::new(method, &run, &noise, steps, self.settings.s_noise.unwrap_or(1.0));
        let has_tree = self.settings.convention != Convention::Diffusers;
        Ok(Box::new(if has_tree { solver.with_brownian_motion() } else { solver }))
    }

    /// Steps that begin above the noise level where the step before ended: churn (Karras et al. 2022, algorithm 2).
    fn churned(&self, sigmas: &[f32]) -> Vec<Interval> {
        let steps = intervals(sigmas);
        let churn = self.settings.s_churn.unwrap_or(0.0) / steps.len().max(1) as f32;
        let gamma = churn.min(std::f32::consts::SQRT_2 - 1.0);
        steps.into_iter().map(|step| Interval { from: step.from * (1.0 + gamma), ..step }).collect()
    }

    /// The noise levels of the run, decreasing.
    fn levels(&self) -> Result<SigmaSchedule, ScheduleError> {
        let (settings, config) = (self.settings, self.config);
        let sampler = settings.sampler.name();
        if settings.steps == 0 {
            return Err(ScheduleError::NoSteps);
        }
        if is_of_diffusers(settings) {
            let schedule = settings.schedule;
            let schedule = if schedule == Schedule::Normal { config.normal_schedule } else { schedule };
            let steps = settings.steps;
            // A level more, which is left out again.
            let more = usize::from(discards(settings));
            let run = SigmaSchedule::euler(config, schedule, steps + more, sampler);
            let mut run = run.map_err(|error| error.with_fewer_steps(more))?;
            if discards(settings) {
                run.sigmas.remove(steps);
                run.calls.truncate(steps);
            }
            return Ok(run);
        }
        let noise = NoiseSchedule::new(config);
        let found = self.listed(&noise, settings.steps);
        let Some(sigmas) = found else {
            let most = (1..settings.steps).rev().find(|&fewer| self.listed(&noise, fewer).is_some()).unwrap_or(0);
            return Err(ScheduleError::TooManySteps { sampler, steps: settings.steps, most });
        };
        let mut run = SigmaSchedule::of(config, &noise, &sigmas);
        let model_most = noise.sigmas[noise.sigmas.len() - 1];
        let is_most = run.init_noise_sigma >= model_most * (1.0 - 1e-5);
        if settings.convention == Convention::ComfyUi && is_most {
            run.init_noise_sigma = (run.init_noise_sigma * run.init_noise_sigma + 1.0).sqrt();
        }
        Ok(run)
    }

    /// The sigmas; none where two of them are equal.
    fn listed(&self, noise: &NoiseSchedule, steps: usize) -> Option<Vec<f64>> {
        let discards = discards(self.settings);
        let mut list = levels(self.settings, self.settings.schedule, steps + usize::from(discards), self.config, noise);
        if discards && list.len() > 2 {
            list.remove(list.len() - 2);
        }
        let decreases = list.windows(2).all(|pair| (pair[0] as f32) > (pair[1] as f32));
        (decreases && list.len() > 1).then_some(list)
    }
}
