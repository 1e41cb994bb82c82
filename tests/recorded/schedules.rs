//! Sigma schedules under the names of k-diffusion, A1111 and ComfyUI.
//!
//! Apart from the samplers: a schedule is a list of numbers, independent of the sampler.

use serde_json::Value;
use sextant::{
    recipe::{Convention, Sampler, Schedule},
    sampling::{self, AlignedLevels, SamplerSettings, ScheduleConfig},
};

use crate::{Outcome, entry::Entry};

/// Compares every recorded schedule for every number of steps.
pub fn sigmas(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    let steps = entry.params["steps"].as_array().ok_or("no steps")?;
    for listed in entry.params["schedules"].as_array().ok_or("no schedules")? {
        let name = listed["name"].as_str().ok_or("a schedule has a name")?;
        for count in steps {
            let count = count.as_u64().ok_or("a number of steps")? as usize;
            let settings = settings(name, count, &entry.params).ok_or_else(|| format!("no schedule is {name}"))?;
            let aligned = if name.ends_with("sdxl") { AlignedLevels::Sdxl } else { AlignedLevels::Sd };
            let config = ScheduleConfig { aligned, ..ScheduleConfig::default() };
            let solver = sampling::build_with(&settings, &config).map_err(|e| e.to_string())?;
            let mut found: Vec<f32> = solver.calls().iter().map(|call| call.sigma).collect();
            let wanted = format!("{name}.{count:02}");
            // Of A1111's, the last level is the smallest sigma: no call, and no step beyond it.
            let end = if name == "a1111_kl_optimal" { *case.floats(&wanted).last().ok_or("no sigma")? } else { 0.0 };
            found.push(end);
            case.assert_close(&wanted, &found);
        }
    }
    Ok(Outcome::Agrees)
}

fn settings(name: &str, steps: usize, params: &Value) -> Option<SamplerSettings> {
    let in_comfy = name.starts_with("comfy_");
    let convention = if in_comfy { Convention::ComfyUi } else { Convention::A1111 };
    let option = |key: &str| params[key].as_f64().map(|value| value as f32);
    let schedule = match name.trim_start_matches("comfy_").trim_start_matches("a1111_") {
        "uniform" | "normal" => Schedule::Normal,
        "karras" | "karras_rho" | "karras_old_range" => Schedule::Karras,
        "exponential" => Schedule::Exponential,
        "polyexponential" | "polyexponential_rho" => Schedule::Polyexponential,
        "simple" => Schedule::Simple,
        "sgm_uniform" => Schedule::SgmUniform,
        "ddim" | "ddim_uniform" => Schedule::DdimUniform,
        "beta" => Schedule::Beta,
        "kl_optimal" => Schedule::KlOptimal,
        "align_your_steps" | "align_your_steps_sdxl" => Schedule::AlignYourSteps,
        "linear_quadratic" => Schedule::LinearQuadratic,
        _ => return None,
    };
    let mut settings = SamplerSettings { convention, ..SamplerSettings::plain(Sampler::Euler, schedule, steps) };
    match name {
        "karras_rho" => settings.rho = option("karras_rho"),
        "polyexponential_rho" => settings.rho = option("poly_rho"),
        // A1111's option for the range of its first versions.
        "karras_old_range" => (settings.sigma_min, settings.sigma_max) = (Some(0.1), Some(10.0)),
        _ => {}
    }
    Some(settings)
}
