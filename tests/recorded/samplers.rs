//! Samplers over a formula in place of a network, and the noise of torch's generator.
//!
//! Apart from whole runs: a sampler by itself is held over more steps, predictions and schedules than runs are recorded for.

use serde_json::Value;
use sextant::{
    recipe::{Convention, Sampler, Schedule},
    sampling::{self, Ddim, PredictionType, SamplerSettings, ScheduleConfig, Solver, StepNoise, TorchGenerator},
    tensor::Latents,
};

use crate::{Outcome, common::Case, entry::Entry};

/// Fails unless `ours` is the recorded tensor; false where the case has none of that name.
fn check(case: &Case, name: &str, ours: &[f32]) -> bool {
    let has = case.has(name);
    if has {
        case.assert_close(name, ours);
    }
    has
}

/// Draws of torch's CPU generator, alone and in series.
pub fn randn(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    for seed in [0_u64, 42, 1_234_567_890] {
        for (name, shape) in [("1x4x32x32", [4, 32, 32]), ("1x4x40x24", [4, 40, 24]), ("1x4x64x64", [4, 64, 64])] {
            case.assert_close(&format!("seed.{seed}.{name}"), &TorchGenerator::new(seed).latents(shape).values);
        }
        let mut generator = TorchGenerator::new(seed);
        for (k, count) in [4 * 8 * 8, 4 * 8 * 8, 7, 4 * 5 * 7].into_iter().enumerate() {
            case.assert_close(&format!("seed.{seed}.seq.{k}"), &generator.normal(count));
        }
    }
    Ok(Outcome::Agrees)
}

/// The sampler that is a scheduler class of diffusers.
pub fn sampler_of_class(class: &str) -> Option<Sampler> {
    Some(match class {
        "DDIMScheduler" => Sampler::Ddim,
        "PNDMScheduler" => Sampler::Pndm,
        "EulerDiscreteScheduler" => Sampler::Euler,
        "EulerAncestralDiscreteScheduler" => Sampler::EulerAncestral,
        "HeunDiscreteScheduler" => Sampler::Heun,
        "DPMSolverMultistepScheduler" => Sampler::DpmPp2M,
        "UniPCMultistepScheduler" => Sampler::UniPc,
        "LCMScheduler" => Sampler::Lcm,
        _ => return None,
    })
}

/// A scheduler class of diffusers, over every recorded run of it.
pub fn diffusers(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    for run in entry.params["runs"].as_array().ok_or("no runs")? {
        let mut solver = solver_for(entry, run)?;
        let compared = follow(&case, run["tag"].as_str().ok_or("a run has a tag")?, solver.as_mut());
        assert!(compared >= 4, "{}: only {compared} steps were compared", run["tag"]);
    }
    Ok(Outcome::Agrees)
}

fn solver_for(entry: &Entry, run: &Value) -> Result<Box<dyn Solver>, String> {
    let params = &entry.params;
    let mut json = params["config"].clone();
    json["_class_name"] = params["cls"].clone();
    json["prediction_type"] = run["prediction_type"].clone();
    let config = ScheduleConfig::from_json(&json).map_err(|e| e.to_string())?;
    let steps = run["steps"].as_u64().ok_or("a run has steps")? as usize;
    let eta = params["eta"].as_f64().unwrap_or(0.0) as f32;
    let class = params["cls"].as_str().ok_or("no scheduler class")?;
    let sampler = sampler_of_class(class).ok_or_else(|| format!("no sampler is the class {class}"))?;
    if sampler == Sampler::Ddim && eta > 0.0 {
        return Ok(Box::new(Ddim::new(&config, steps, eta).map_err(|e| e.to_string())?));
    }
    sampling::build(sampler, Schedule::Normal, &config, steps).map_err(|e| e.to_string())
}

/// The network of the recorded runs: a formula of its input and the timestep.
fn formula(input: &Latents, timestep: f32) -> Latents {
    let from_time = 0.1 * (0.01 * timestep).sin();
    input.map(|x| 0.8 * (0.7 * x).tanh() + 0.05 * x + from_time)
}

/// Follows one recorded run of diffusers; gives the number of steps that were compared.
fn follow(case: &Case, tag: &str, solver: &mut dyn Solver) -> usize {
    let timesteps = case.floats(&format!("{tag}.timesteps"));
    let ours: Vec<f32> = solver.calls().iter().map(|c| c.timestep).collect();
    if timesteps.iter().all(|t| t.fract() == 0.0) {
        assert_eq!(ours, timesteps, "{tag}: timesteps");
    } else {
        // Fractional ones go through an f32 logarithm, whose last bit differs between maths libraries.
        let apart = ours.iter().zip(&timesteps).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(ours.len() == timesteps.len() && apart < 1e-4, "{tag}: {ours:?} against {timesteps:?}");
    }
    let sigmas: Vec<f32> = solver.calls().iter().map(|c| c.sigma).chain([0.0]).collect();
    check(case, &format!("{tag}.sigmas"), &sigmas);
    let init = case.latents(&format!("{tag}.init_latents"));
    let drawn = |k: usize| format!("{tag}.step.{k:03}.noise");
    let draws = (0..).map(drawn).take_while(|name| case.has(name)).map(|name| case.latents(&name)).collect();
    let mut noise = StepNoise::with_recorded(0, init.clone(), draws);
    let mut latents = init.map(|x| x * solver.init_noise_sigma());
    let mut compared = 0;
    for (call, &timestep) in timesteps.iter().enumerate() {
        let input = solver.scale_model_input(call, &latents);
        check(case, &format!("{tag}.step.{call:03}.model_input"), &input.values);
        latents = solver.step(call, &formula(&input, timestep), &latents, &mut noise);
        compared += usize::from(check(case, &format!("{tag}.step.{call:03}.latents_out"), &latents.values));
    }
    compared
}

/// The sampler under its name in k-diffusion and ComfyUI, and whose conventions the recorded runs follow.
pub fn sampler_of_k_diffusion(name: &str) -> Option<(Sampler, Convention)> {
    let (a1111, comfy) = (Convention::A1111, Convention::ComfyUi);
    Some(match name {
        "euler" => (Sampler::Euler, a1111),
        "euler_ancestral" => (Sampler::EulerAncestral, a1111),
        "heun" => (Sampler::Heun, a1111),
        "dpm_2" => (Sampler::Dpm2, a1111),
        "dpm_2_ancestral" => (Sampler::Dpm2Ancestral, a1111),
        "lms" => (Sampler::Lms, a1111),
        "lms_comfy" => (Sampler::Lms, comfy),
        "dpmpp_2s_ancestral" => (Sampler::DpmPp2SAncestral, a1111),
        "dpmpp_2m" => (Sampler::DpmPp2M, a1111),
        "dpmpp_sde" => (Sampler::DpmPpSde, a1111),
        "dpmpp_2m_sde" => (Sampler::DpmPp2MSde, a1111),
        "dpmpp_2m_sde_heun" => (Sampler::DpmPp2MSdeHeun, a1111),
        "dpmpp_3m_sde" => (Sampler::DpmPp3MSde, a1111),
        "ddpm" => (Sampler::Ddpm, comfy),
        "lcm" => (Sampler::Lcm, comfy),
        _ => return None,
    })
}

/// A sampler as k-diffusion writes it, over every recorded run.
pub fn k_diffusion(entry: &Entry) -> Result<Outcome, String> {
    let name = entry.params["sampler"].as_str().ok_or("no sampler")?;
    let (sampler, convention) = sampler_of_k_diffusion(name).ok_or_else(|| format!("no sampler is {name}"))?;
    let case = entry.open();
    for run in entry.params["runs"].as_array().ok_or("no runs")? {
        let (tag, name) = (run["tag"].as_str().ok_or("a tag")?, run["schedule"].as_str().ok_or("a schedule")?);
        let schedule = schedule_named(name).ok_or_else(|| format!("no schedule is {name}"))?;
        let steps = run["steps"].as_u64().ok_or("a run has steps")? as usize;
        let option = |key: &str| run[key].as_f64().map(|value| value as f32);
        let (eta, s_noise) = (option("eta"), option("s_noise"));
        let settings = SamplerSettings { convention, eta, s_noise, ..SamplerSettings::plain(sampler, schedule, steps) };
        follow_k_diffusion(&case, tag, &settings, run)?;
    }
    Ok(Outcome::Agrees)
}

/// The schedule that A1111 and k-diffusion know by another name. Which samplers leave out a level is their own affair.
fn schedule_named(name: &str) -> Option<Schedule> {
    match name.trim_end_matches("+discard") {
        "uniform" | "normal" => Some(Schedule::Normal),
        "karras" => Some(Schedule::Karras),
        "exponential" => Some(Schedule::Exponential),
        "sgm_uniform" => Some(Schedule::SgmUniform),
        _ => None,
    }
}

fn follow_k_diffusion(case: &Case, tag: &str, settings: &SamplerSettings, run: &Value) -> Result<(), String> {
    let v_prediction = run["prediction_type"] == "v_prediction";
    let prediction_type = if v_prediction { PredictionType::VPrediction } else { PredictionType::Epsilon };
    let config = ScheduleConfig { prediction_type, ..ScheduleConfig::default() };
    let mut solver = sampling::build_with(settings, &config).map_err(|e| e.to_string())?;
    let calls = solver.calls().to_vec();
    check(case, &format!("{tag}.evals"), &calls.iter().map(|call| call.sigma).collect::<Vec<f32>>());
    let (init, sigmas) = (case.latents(&format!("{tag}.init_latents")), case.floats(&format!("{tag}.sigmas")));
    let draws = format!("{tag}.noise");
    let draws = if case.has(&draws) { case.latents_of_each(&draws) } else { Vec::new() };
    let mut noise = StepNoise::with_recorded(0, init.clone(), draws);
    let mut latents = init.map(|x| x * sigmas[0]);
    let per_step = calls.len().div_ceil(settings.steps);
    let want = case.latents_of_each(&format!("{tag}.latents_out"));
    let mut compared = 0;
    for (call, at) in calls.iter().enumerate() {
        let input = solver.scale_model_input(call, &latents);
        latents = solver.step(call, &formula(&input, at.timestep), &latents, &mut noise);
        if (call + 1) % per_step == 0 || call + 1 == calls.len() {
            let step = call / per_step;
            let off = crate::common::relative_l2(&latents.values, &want[step].values);
            let allowed = case.tolerance(&format!("{tag}.latents_out"));
            assert!(off <= allowed, "{tag}, step {step}: {off:.2e} off, allowed {allowed:.1e}");
            compared += 1;
        }
    }
    assert_eq!(compared, want.len(), "{tag}: steps compared");
    Ok(())
}

/// The Brownian motion that SDE samplers take their noise from, asked once and twice a step.
pub fn brownian_tree(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    for run in entry.params["runs"].as_array().ok_or("no runs")? {
        let (tag, seed) = (run["tag"].as_str().ok_or("a tag")?, run["seed"].as_u64().ok_or("a seed")?);
        let [sigmas, halves] = ["sigmas", "half_sigmas"].map(|name| case.floats(&format!("{tag}.{name}")));
        let sigmas: Vec<f32> = sigmas.into_iter().filter(|sigma| *sigma > 0.0).collect();
        let (most, least) = (sigmas[0], sigmas[sigmas.len() - 1]);
        let mut noise = StepNoise::new(seed, [4, 6, 5]).with_brownian_motion(seed, least, most);
        let mut answers = |pairs: &[[f32; 2]]| -> Vec<f32> {
            // Backwards: the order of requests changes nothing.
            let mut found: Vec<_> = pairs.iter().rev().map(|&pair| noise.draw_between(0, pair).into_owned()).collect();
            found.reverse();
            found.into_iter().flat_map(|latents| latents.values).collect()
        };
        let once: Vec<[f32; 2]> = sigmas.windows(2).map(|pair| [pair[0], pair[1]]).collect();
        case.assert_close(&format!("{tag}.noise"), &answers(&once));
        let twice: Vec<[f32; 2]> =
            once.iter().zip(&halves).flat_map(|(&[from, to], &half)| [[from, half], [from, to]]).collect();
        case.assert_close(&format!("{tag}.noise_two_per_step"), &answers(&twice));
    }
    Ok(Outcome::Agrees)
}
