//! What holds of every sampler and schedule: resuming in the middle, a perfect network, any number of steps.
//!
//! Apart from the recorded cases, which hold the samplers to diffusers and the noise to torch.

mod common;

use common::relative_l2;
use sextant::{
    recipe::{Convention, Sampler, Schedule},
    sampling::{
        self, Ddim, PredictionType, SamplerSettings, ScheduleConfig, ScheduleError, Solver, StepNoise, TorchGenerator,
        convert_prediction,
    },
    tensor::Latents,
};

/// A formula in place of a network.
fn fake_model(input: &Latents, timestep: f32) -> Latents {
    let from_time = 0.1 * (0.01 * timestep).sin();
    input.map(|x| 0.8 * (0.7 * x).tanh() + 0.05 * x + from_time)
}

#[test]
fn of_a_wide_seed_the_low_half_counts() {
    let narrow = TorchGenerator::new(42).normal(64);
    assert_eq!(narrow, TorchGenerator::new(42 + (1 << 40)).normal(64));
    assert_ne!(narrow, TorchGenerator::new(43).normal(64));
}

#[test]
fn step_noise_does_not_depend_on_the_order_of_asking() {
    let shape = [4, 5, 7];
    let mut generator = TorchGenerator::new(9);
    let initial = generator.latents(shape);
    let in_order: Vec<Latents> = (0..5).map(|_| generator.latents(shape)).collect();
    let mut noise = StepNoise::new(9, shape);
    assert_eq!(*noise.initial(), initial);
    for k in [3, 0, 4, 1, 3, 2] {
        assert_eq!(*noise.draw(k), in_order[k], "draw {k}");
    }
}

/// Every sampler with every schedule it has.
fn all_solvers(config: &ScheduleConfig, steps: usize) -> Vec<(String, Box<dyn Solver>)> {
    let mut solvers: Vec<(String, Box<dyn Solver>)> =
        vec![("ddim, eta 0.6".into(), Box::new(Ddim::new(config, steps, 0.6).unwrap()))];
    for &sampler in Sampler::ALL {
        for &schedule in Schedule::ALL {
            for &convention in Convention::ALL {
                let plain = SamplerSettings::plain(sampler, schedule, steps);
                let churned = SamplerSettings { convention, s_churn: Some(2.0), ..plain };
                match sampling::build_with(&churned, config) {
                    Ok(solver) => solvers.push((format!("{sampler}, {schedule}, {convention}"), solver)),
                    Err(error) => assert!(matches!(error, ScheduleError::NoSuchSchedule { .. }), "{error}"),
                }
            }
        }
    }
    // PNDM has its own schedule alone; DDIM and LCM have others under some conventions.
    let (samplers, schedules) = (Sampler::ALL.len(), Schedule::ALL.len());
    assert_eq!(solvers.len(), 1 + 3 * (samplers - 3) * schedules + 3 + (schedules + 2) + (2 * schedules + 1));
    solvers
}

fn run_from(solver: &mut dyn Solver, first: usize, mut latents: Latents, noise: &mut StepNoise) -> Latents {
    for call in first..solver.calls().len() {
        let input = solver.scale_model_input(call, &latents);
        let output = fake_model(&input, solver.calls()[call].timestep);
        latents = solver.step(call, &output, &latents, noise);
    }
    latents
}

#[test]
fn resuming_in_the_middle_changes_no_bit() {
    let v_prediction = ScheduleConfig { prediction_type: PredictionType::VPrediction, ..ScheduleConfig::default() };
    for config in [ScheduleConfig::default(), v_prediction] {
        for (name, mut solver) in all_solvers(&config, 5) {
            let mut noise = solver.noise(5, [4, 6, 5]);
            let mut latents = solver.start(&noise.initial().clone(), &mut noise);
            let mut remembered = Vec::new();
            for call in 0..solver.calls().len() {
                remembered.push((solver.clone(), latents.clone()));
                let output = fake_model(&solver.scale_model_input(call, &latents), solver.calls()[call].timestep);
                latents = solver.step(call, &output, &latents, &mut noise);
            }
            assert!(latents.values.iter().all(|v| v.is_finite()), "{name}");
            for (call, (mut resumed, from)) in remembered.into_iter().enumerate().rev() {
                let mut fresh_noise = resumed.noise(5, [4, 6, 5]);
                let again = run_from(resumed.as_mut(), call, from, &mut fresh_noise);
                assert_eq!(again, latents, "{name}, from call {call}");
            }
        }
    }
}

/// With a network that always points at the same clean latents, x0 and noise predictions must say so, and the run
/// must end there.
#[test]
fn a_perfect_network_is_believed() {
    for kind in [PredictionType::Epsilon, PredictionType::VPrediction] {
        let config = ScheduleConfig { prediction_type: kind, ..ScheduleConfig::default() };
        let clean = TorchGenerator::new(1).latents([4, 4, 4]);
        let noise = StepNoise::new(2, [4, 4, 4]);
        for (name, solver) in all_solvers(&config, 6) {
            let consistency = name.starts_with("lcm");
            // Whether latents are `x0 + sigma * noise`, which the network takes scaled.
            let exploding = solver.scale_model_input(0, noise.initial()) != *noise.initial();
            for (k, call) in solver.calls().iter().enumerate() {
                let (alpha, sigma) = (call.alpha, (1.0 - call.alpha * call.alpha).sqrt());
                let scale = if exploding { 1.0 / alpha } else { 1.0 };
                let latents = clean.zip(noise.initial(), |x0, n| (alpha * x0 + sigma * n) * scale);
                let output = match kind {
                    PredictionType::Epsilon => noise.initial().clone(),
                    PredictionType::VPrediction => clean.zip(noise.initial(), |x0, n| alpha * n - sigma * x0),
                };
                let input = solver.scale_model_input(k, &latents);
                let epsilon = convert_prediction(&output, &input, call.sigma, kind, PredictionType::Epsilon);
                assert!(relative_l2(&epsilon.values, &noise.initial().values) < 1e-4, "{name}, call {k}: noise");
                let denoised = solver.denoised(k, &output, &latents);
                let room = if consistency { 1e-2 } else { 1e-4 };
                assert!(relative_l2(&denoised.values, &clean.values) < room, "{name}, call {k}: x0");
            }
        }
    }
}

#[test]
fn a_scheduler_file_is_read_with_the_defaults_of_its_class() {
    let sd15 = serde_json::json!({
        "_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
        "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
        "trained_betas": null, "clip_sample": false
    });
    assert_eq!(ScheduleConfig::from_json(&sd15).unwrap(), ScheduleConfig::default());
    let bare = ScheduleConfig::from_json(&serde_json::json!({"_class_name": "LCMScheduler"})).unwrap();
    assert_eq!((bare.beta_start, bare.steps_offset, bare.set_alpha_to_one), (0.00085, 0, None));
    let karras = serde_json::json!({"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": true});
    assert_eq!(ScheduleConfig::from_json(&karras).unwrap().normal_schedule, Schedule::Karras);
}

#[test]
fn a_scheduler_file_that_cannot_be_followed_is_refused_in_one_sentence() {
    for (json, word) in [
        (serde_json::json!([]), "a list"),
        (serde_json::json!({}), "(none)"),
        (serde_json::json!({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}), "FlowMatch"),
        (serde_json::json!({"_class_name": "DDIMScheduler", "trained_betas": [0.1]}), "trained_betas"),
        (serde_json::json!({"_class_name": "DDIMScheduler", "rescale_betas_zero_snr": true}), "rescale_betas_zero_snr"),
        (serde_json::json!({"_class_name": "DDIMScheduler", "beta_start": "small"}), "beta_start"),
        (serde_json::json!({"_class_name": "DDIMScheduler", "beta_end": 0.9}), "beta_end"),
        (serde_json::json!({"_class_name": "DDIMScheduler", "beta_schedule": "sigmoid"}), "sigmoid"),
        (serde_json::json!({"_class_name": "DDIMScheduler", "prediction_type": "sample"}), "prediction_type"),
        (serde_json::json!({"_class_name": "DDIMScheduler", "num_train_timesteps": 1_000_000_000}), "num_train"),
        (serde_json::json!({"_class_name": "DDIMScheduler", "steps_offset": -1}), "steps_offset"),
        (serde_json::json!({"_class_name": "DDIMScheduler", "timestep_spacing": 3}), "timestep_spacing"),
    ] {
        let message = ScheduleConfig::from_json(&json).expect_err(&json.to_string()).to_string();
        assert!(message.contains(word) && !message.contains('\n'), "{json}: {message}");
    }
}

/// Any number of steps that a recipe may ask for gives either a finite run or a sentence, never a panic.
#[test]
fn any_number_of_steps_is_met_or_refused() {
    use sampling::TimestepSpacing::{Leading, Linspace, Trailing};
    for spacing in [None, Some(Leading), Some(Linspace), Some(Trailing)] {
        let config = ScheduleConfig { timestep_spacing: spacing, ..ScheduleConfig::default() };
        for &sampler in Sampler::ALL {
            for steps in [0, 1, 2, 3, 7, 30, 51, 999, 1000, 1001] {
                match sampling::build(sampler, Schedule::Normal, &config, steps) {
                    Ok(mut solver) => {
                        let mut noise = StepNoise::new(0, [1, 1, 2]);
                        let start = solver.start(&noise.initial().clone(), &mut noise);
                        let end = run_from(solver.as_mut(), 0, start, &mut noise);
                        assert!(end.values.iter().all(|v| v.is_finite()), "{sampler}, {steps} steps, {spacing:?}");
                    }
                    Err(ScheduleError::TooManySteps { most, .. }) => {
                        let within = sampling::build(sampler, Schedule::Normal, &config, most);
                        assert!(most < steps && within.is_ok(), "{sampler}, {steps} steps, {spacing:?}: most {most}");
                    }
                    Err(error) => assert_eq!((error, steps), (ScheduleError::NoSteps, 0)),
                }
            }
        }
    }
}

/// Options that reach no step of a sampler change nothing; those that do change the picture.
#[test]
fn options_act_where_the_sampler_has_them() {
    let config = ScheduleConfig::default();
    let end = |settings: SamplerSettings| {
        let mut solver = sampling::build_with(&settings, &config).unwrap();
        let mut noise = solver.noise(3, [4, 4, 4]);
        let start = solver.start(&noise.initial().clone(), &mut noise);
        run_from(solver.as_mut(), 0, start, &mut noise)
    };
    for &sampler in Sampler::ALL {
        let plain = SamplerSettings::plain(sampler, Schedule::Normal, 8);
        let with_eta = end(SamplerSettings { eta: Some(0.4), ..plain }) != end(plain);
        // DDPM's variance is given, and consistency jumps are all noise.
        let fixed = matches!(sampler, Sampler::Ddpm | Sampler::Lcm);
        assert_eq!(with_eta, sampler.is_stochastic() && !fixed, "{sampler}: eta");
        let churned = end(SamplerSettings { s_churn: Some(3.0), ..plain }) != end(plain);
        let takes_churn = matches!(sampler, Sampler::Euler | Sampler::Heun | Sampler::Dpm2);
        assert_eq!(churned, takes_churn, "{sampler}: churn");
    }
}

/// Without noise the ancestral and SDE samplers are the deterministic ones, and ComfyUI's DDIM is Euler's method.
#[test]
fn without_noise_samplers_fall_together() {
    let config = ScheduleConfig::default();
    let end = |sampler, eta| {
        let plain = SamplerSettings::plain(sampler, Schedule::Karras, 12);
        let settings = SamplerSettings { convention: Convention::A1111, eta, ..plain };
        let mut solver = sampling::build_with(&settings, &config).unwrap();
        let mut noise = solver.noise(3, [4, 4, 4]);
        let start = solver.start(&noise.initial().clone(), &mut noise);
        run_from(solver.as_mut(), 0, start, &mut noise).values
    };
    for (noisy, plain) in [
        (Sampler::EulerAncestral, Sampler::Euler),
        (Sampler::Dpm2Ancestral, Sampler::Dpm2),
        (Sampler::DpmPp2MSde, Sampler::DpmPp2M),
        (Sampler::DpmPpSde, Sampler::DpmPp2SAncestral),
    ] {
        let off = relative_l2(&end(noisy, Some(0.0)), &end(plain, Some(0.0)));
        assert!(off < 1e-5, "{noisy} without noise is {plain}: {off:.1e} apart");
    }
    // What ComfyUI calls DDIM.
    let [ddim, euler] = [Sampler::Ddim, Sampler::Euler].map(|sampler| {
        let plain = SamplerSettings::plain(sampler, Schedule::Beta, 12);
        let settings = SamplerSettings { convention: Convention::ComfyUi, ..plain };
        let mut solver = sampling::build_with(&settings, &config).unwrap();
        let mut noise = solver.noise(3, [4, 4, 4]);
        let start = solver.start(&noise.initial().clone(), &mut noise);
        run_from(solver.as_mut(), 0, start, &mut noise)
    });
    assert!(relative_l2(&ddim.values, &euler.values) < 1e-6);
}

/// Restarts begin at 36 steps twice, at 20 once, and go from sigma 0.1 back to 2; their number of steps is what was asked for.
#[test]
fn restarts_climb_back_and_keep_the_number_of_steps() {
    for (steps, climbs) in [(8, 0), (19, 0), (20, 1), (36, 2), (50, 2)] {
        let solver = sampling::build(Sampler::Restart, Schedule::Karras, &ScheduleConfig::default(), steps).unwrap();
        let sigmas: Vec<f32> = solver.calls().iter().map(|call| call.sigma).collect();
        let rises: Vec<[f32; 2]> = sigmas.windows(2).filter(|w| w[1] > w[0]).map(|w| [w[0], w[1]]).collect();
        assert_eq!(rises.len(), climbs, "{steps} steps: {sigmas:?}");
        assert!(rises.iter().all(|[low, high]| *low < 0.2 && (1.0..3.0).contains(high)), "{rises:?}");
        assert_eq!(sigmas.len(), 2 * steps - 1, "each step but the last is evaluated twice");
    }
}
