//! Samplers over a formula in place of a network, and the noise of torch's generator.
//!
//! Apart from whole runs: a sampler by itself is held over more steps, predictions and schedules than runs are recorded for.

use serde_json::Value;
use sextant::{
    recipe::{Sampler, Schedule},
    sampling::{self, Ddim, PredictionType, ScheduleConfig, Solver, StepNoise, TimestepSpacing, TorchGenerator},
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

/// A sampler as k-diffusion writes it: the runs over schedules that the program has.
pub fn k_diffusion(entry: &Entry) -> Result<Outcome, String> {
    let sampler = match entry.params["sampler"].as_str().ok_or("no sampler")? {
        "euler" => Sampler::Euler,
        "euler_ancestral" => Sampler::EulerAncestral,
        "heun" => Sampler::Heun,
        "dpmpp_2m" => Sampler::DpmPp2M,
        "lcm" => Sampler::Lcm,
        other => return Ok(Outcome::NotBuilt(format!("sampler `{other}` is not built yet"))),
    };
    let case = entry.open();
    let mut left_out = Vec::new();
    for run in entry.params["runs"].as_array().ok_or("no runs")? {
        let (tag, name) = (run["tag"].as_str().ok_or("a tag")?, run["schedule"].as_str().ok_or("a schedule")?);
        let schedule = Some(name).and_then(schedule_named).filter(|&schedule| sampler.has_schedule(schedule));
        match schedule.filter(|_| run["eta"].is_null()) {
            Some(schedule) => follow_k_diffusion(&case, tag, sampler, schedule, run)?,
            None => left_out.push(format!("{tag} ({name})")),
        }
    }
    if left_out.is_empty() {
        return Ok(Outcome::Agrees);
    }
    Ok(Outcome::NotBuilt(format!(
        "schedules or options of {} are not built yet; the others agree",
        left_out.join(", ")
    )))
}

/// The schedule that A1111 and k-diffusion know by another name.
pub fn schedule_named(name: &str) -> Option<Schedule> {
    match name {
        "uniform" | "normal" => Some(Schedule::Normal),
        "karras" => Some(Schedule::Karras),
        "exponential" => Some(Schedule::Exponential),
        _ => None,
    }
}

/// The noise schedule of Stable Diffusion 1.5 as k-diffusion lays it out: linearly over the timesteps 999 to 0.
pub fn linspace(prediction_type: PredictionType) -> ScheduleConfig {
    ScheduleConfig { timestep_spacing: Some(TimestepSpacing::Linspace), prediction_type, ..ScheduleConfig::default() }
}

fn follow_k_diffusion(case: &Case, tag: &str, sampler: Sampler, schedule: Schedule, run: &Value) -> Result<(), String> {
    let v_prediction = run["prediction_type"] == "v_prediction";
    let config = linspace(if v_prediction { PredictionType::VPrediction } else { PredictionType::Epsilon });
    let steps = run["steps"].as_u64().ok_or("a run has steps")? as usize;
    let mut solver = sampling::build(sampler, schedule, &config, steps).map_err(|e| e.to_string())?;
    let (init, sigmas) = (case.latents(&format!("{tag}.init_latents")), case.floats(&format!("{tag}.sigmas")));
    let draws = format!("{tag}.noise");
    let draws = if case.has(&draws) { case.latents_of_each(&draws) } else { Vec::new() };
    let mut noise = StepNoise::with_recorded(0, init.clone(), draws);
    // k-diffusion's scale is x0 + sigma * noise; ours differs where the sampler has diffusers' alpha * x0 + sigma * noise.
    let exploding = matches!(sampler, Sampler::Euler | Sampler::EulerAncestral | Sampler::Heun);
    let scale = |sigma: f32| if exploding { 1.0 } else { 1.0 / (1.0 + sigma * sigma).sqrt() };
    let mut latents = init.map(|x| x * sigmas[0] * scale(sigmas[0]));
    let calls = solver.calls().to_vec();
    let per_step = calls.len().div_ceil(steps);
    for (call, at) in calls.iter().enumerate() {
        let input = solver.scale_model_input(call, &latents);
        latents = solver.step(call, &formula(&input, at.timestep), &latents, &mut noise);
        if (call + 1) % per_step == 0 || call + 1 == calls.len() {
            let (step, sigma) = (call / per_step, sigmas[call / per_step + 1]);
            let want = &case.latents_of_each(&format!("{tag}.latents_out"))[step];
            let found = latents.map(|x| x / scale(sigma));
            let off = crate::common::relative_l2(&found.values, &want.values);
            let allowed = case.tolerance(&format!("{tag}.latents_out"));
            assert!(off <= allowed, "{tag}, step {step}: {off:.2e} off, allowed {allowed:.1e}");
        }
    }
    Ok(())
}
