//! The names of samplers and schedules in other tools.
//!
//! They stand apart because every imported form uses them.

use crate::recipe::{Convention, Sampler, Schedule};

/// Names in lower case, letters and digits only (a plus is `p`): A1111's first, then those of k-diffusion, ComfyUI,
/// InvokeAI, Draw Things and the classes of diffusers.
const SAMPLERS: &[(Sampler, &[&str])] = &[
    (Sampler::Ddim, &["ddim"]),
    (Sampler::Pndm, &["plms", "pndm"]),
    (Sampler::Euler, &["euler", "eulerdiscrete"]),
    (Sampler::EulerAncestral, &["eulera", "eulerancestral", "eulerancestraldiscrete"]),
    (Sampler::Heun, &["heun", "heundiscrete"]),
    (Sampler::Dpm2, &["dpm2", "kdpm2", "kdpm2discrete"]),
    (Sampler::Dpm2Ancestral, &["dpm2a", "dpm2ancestral", "kdpm2a", "kdpm2ancestral", "kdpm2ancestraldiscrete"]),
    (Sampler::Lms, &["lms", "lmsdiscrete"]),
    (Sampler::DpmPp2SAncestral, &["dpmpp2sa", "dpmpp2sancestral"]),
    (Sampler::DpmPp2M, &["dpmpp2m", "dpmsolvermultistep"]),
    (Sampler::DpmPpSde, &["dpmppsde", "dpmsolversde"]),
    (Sampler::DpmPp2MSde, &["dpmpp2msde"]),
    (Sampler::DpmPp2MSdeHeun, &["dpmpp2msdeheun"]),
    (Sampler::DpmPp3MSde, &["dpmpp3msde"]),
    (Sampler::UniPc, &["unipc", "unipcbh2", "unipcmultistep"]),
    (Sampler::Lcm, &["lcm"]),
    (Sampler::Ddpm, &["ddpm"]),
    (Sampler::Restart, &["restart"]),
];

/// The sampler of this program for another tool's name.
pub(super) fn sampler(label: &str) -> Option<Sampler> {
    let plain = plain(label.trim().trim_start_matches("k_"));
    let name = plain.strip_suffix("gpu").unwrap_or(&plain);
    let name = name.strip_suffix("scheduler").unwrap_or(name);
    SAMPLERS.iter().find(|(_, names)| names.contains(&name)).map(|(sampler, _)| *sampler)
}

/// Splits a schedule from a sampler's name: `DPM++ 2M Karras` in A1111 before 1.9, `euler_k` in InvokeAI.
pub(super) fn split(label: &str) -> (&str, Option<&str>) {
    let label = label.trim();
    if let Some((name, schedule)) = label.rsplit_once([' ', '-'])
        && ["karras", "exponential", "polyexponential", "ays"].contains(&plain(schedule).as_str())
    {
        return (name.trim(), Some(schedule));
    }
    match label.strip_suffix("_k") {
        Some(name) => (name, Some("karras")),
        None => (label, None),
    }
}

/// Whether a schedule's name leaves the choice to the sampler.
pub(super) fn is_automatic(label: &str) -> bool {
    matches!(plain(label).as_str(), "automatic" | "default" | "")
}

/// The schedule of this program for another tool's name. A1111's `Uniform` is the normal one, and so is DDIM's own, except in
/// ComfyUI, whose DDIM is Euler's method.
pub(super) fn schedule(label: &str, sampler: Sampler, convention: Convention) -> Option<Schedule> {
    Some(match plain(label).as_str() {
        "normal" | "uniform" | "native" => Schedule::Normal,
        "ddim" | "ddimuniform" if sampler == Sampler::Ddim && convention != Convention::ComfyUi => Schedule::Normal,
        "ddim" | "ddimuniform" => Schedule::DdimUniform,
        "karras" => Schedule::Karras,
        "exponential" => Schedule::Exponential,
        "polyexponential" => Schedule::Polyexponential,
        "simple" => Schedule::Simple,
        "sgmuniform" => Schedule::SgmUniform,
        "beta" => Schedule::Beta,
        "kloptimal" => Schedule::KlOptimal,
        "alignyoursteps" | "ays" => Schedule::AlignYourSteps,
        "linearquadratic" => Schedule::LinearQuadratic,
        _ => return None,
    })
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric() || *c == '+');
    letters.map(|c| if c == '+' { 'p' } else { c.to_ascii_lowercase() }).collect()
}
