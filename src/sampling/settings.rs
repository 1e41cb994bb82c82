//! What follows from a recipe's settings for the layout of noise levels.
//!
//! Separate from [`build`](super::build), because schedules read it too.

use crate::recipe::{Convention, Sampler, SamplerSettings, Schedule};

/// Whether the schedule is one of diffusers' own: by the rules of the sampler's class there.
pub(super) fn is_of_diffusers(settings: &SamplerSettings) -> bool {
    let plain = settings.rho.is_none() && settings.sigma_min.is_none() && settings.sigma_max.is_none();
    let known = matches!(settings.schedule, Schedule::Normal | Schedule::Karras | Schedule::Exponential);
    settings.convention == Convention::Diffusers && plain && known
}

/// Whether one step more is laid out, and the next-to-last noise level left out.
pub(super) fn discards(settings: &SamplerSettings) -> bool {
    let both = matches!(settings.sampler, Sampler::Dpm2 | Sampler::Dpm2Ancestral);
    both || match settings.convention {
        Convention::ComfyUi => settings.sampler == Sampler::UniPc,
        Convention::A1111 | Convention::Diffusers => settings.sampler == Sampler::DpmPp3MSde,
    }
}
