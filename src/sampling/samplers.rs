//! From a recipe's sampler and schedule to a solver.
//!
//! Separate from the solvers, because this is the only file that knows them all: a new sampler is added here.

use super::{
    config::ScheduleConfig,
    ddim::Ddim,
    dpm_solver::DpmPp2M,
    error::ScheduleError,
    euler::{Euler, EulerAncestral},
    heun::Heun,
    lcm::Lcm,
    pndm::Pndm,
    solver::Solver,
    unipc::UniPc,
};
use crate::recipe::{Sampler, Schedule};

/// The solver for a recipe's sampler, schedule and step count on a model's noise schedule.
///
/// # Errors
/// [`ScheduleError`] for no steps, for more steps than the noise schedule has room for, and for a schedule that the
/// sampler does not have.
pub fn build(
    sampler: Sampler,
    schedule: Schedule,
    config: &ScheduleConfig,
    steps: usize,
) -> Result<Box<dyn Solver>, ScheduleError> {
    if !sampler.has_schedule(schedule) {
        return Err(ScheduleError::NoSuchSchedule { sampler: sampler.name(), schedule: schedule.name() });
    }
    let schedule = if schedule == Schedule::Normal { config.normal_schedule } else { schedule };
    Ok(match sampler {
        Sampler::Ddim => Box::new(Ddim::new(config, steps, 0.0)?),
        Sampler::Pndm => Box::new(Pndm::new(config, steps)?),
        Sampler::Euler => Box::new(Euler::new(config, schedule, steps)?),
        Sampler::EulerAncestral => Box::new(EulerAncestral::new(config, schedule, steps)?),
        Sampler::Heun => Box::new(Heun::new(config, schedule, steps)?),
        Sampler::DpmPp2M => Box::new(DpmPp2M::new(config, schedule, steps)?),
        Sampler::UniPc => Box::new(UniPc::new(config, schedule, steps)?),
        Sampler::Lcm => Box::new(Lcm::new(config, steps)?),
    })
}
