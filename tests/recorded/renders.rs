//! Whole runs, repeated through the binary (`sextant render --trace`); of SEGA and SNB also the method by itself.
//!
//! Apart from the kinds that call the library: these hold the program as a user starts it.

use std::process::Command;

use sextant::{
    guidance::{cfg, sega, snb},
    recipe::{Concept, Momentum, Profile},
    tensor::Latents,
};

use crate::{Outcome, common::Case, entry::Entry};

/// Plain guidance and S-CFG.
pub fn cfg(entry: &Entry) -> Result<Outcome, String> {
    render(entry)
}

/// SEGA: on the recorded predictions, then the whole run.
pub fn sega(entry: &Entry) -> Result<Outcome, String> {
    sega_alone(&entry.open());
    render(entry)
}

/// SNB: on the recorded predictions of the first step, then the whole run.
pub fn snb(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    if case.has("step.000.snb.mask") {
        snb_alone(&case);
    }
    render(entry)
}

fn render(entry: &Entry) -> Result<Outcome, String> {
    if entry.render_args.is_empty() {
        return Err("the case has no arguments of `sextant render`".into());
    }
    let out = tempfile::tempdir().map_err(|e| e.to_string())?;
    let trace = out.path().join("trace.safetensors");
    let output = Command::new(env!("CARGO_BIN_EXE_sextant"))
        .current_dir(&entry.folder)
        .arg("render")
        .args(&entry.render_args)
        .args(["--device", "cpu", "--init-latents", &entry.file])
        .arg("--trace")
        .arg(&trace)
        .arg("--out")
        .arg(out.path().join("picture.png"))
        .output()
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(format!("{} {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let off = entry.open().compare(&Case::read(&trace));
    if off.is_empty() { Ok(Outcome::Agrees) } else { Err(off.join("\n")) }
}

fn number(case: &Case, key: &str) -> f32 {
    case.params()[key].as_f64().unwrap_or_else(|| panic!("the case has no number \"{key}\"")) as f32
}

fn concepts(case: &Case) -> Vec<Concept> {
    let list = case.params()["concepts"].as_array().expect("concepts");
    let concept = |c: &serde_json::Value| Concept {
        text: c["prompt"].as_str().expect("prompt").into(),
        strength: c["scale"].as_f64().expect("scale") as f32 * if c["reverse"] == true { -1.0 } else { 1.0 },
        threshold: c["threshold"].as_f64().expect("threshold") as f32,
        warmup: c["warmup"].as_u64().expect("warmup") as usize,
        cooldown: c["cooldown"].as_u64().map(|n| n as usize),
        weight: c["weight"].as_f64().unwrap_or(1.0) as f32,
        ..Concept::default()
    };
    list.iter().map(concept).collect()
}

/// Predictions are recorded for the first two steps; after them the momentum is not known.
fn sega_alone(case: &Case) {
    let concepts = concepts(case);
    let momentum = Momentum { scale: number(case, "momentum_scale"), beta: number(case, "momentum_beta") };
    let mut state = sega::State::default();
    for i in 0..2 {
        let at = |name: &str| format!("step.{i:03}.{name}");
        let uncond = case.latents(&at("eps_uncond"));
        let predictions: Vec<_> =
            (0..concepts.len()).map(|k| Some(case.latents(&at(&format!("eps_concept.{k}"))))).collect();
        let locks = vec![None; concepts.len()];
        let setting = sega::Setting { concepts: &concepts, locks: &locks, momentum };
        let step = sega::step(&mut state, &setting, Profile::Reference, i, &uncond, &predictions);
        case.assert_close(&at("sega.term"), &step.term.values);
        let guidance = cfg::term(number(case, "cfg"), &uncond, &case.latents(&at("eps_cond")));
        let guided = uncond.zip(&guidance, |u, g| u + g).zip(&step.term, |e, t| e + t);
        case.assert_close(&at("eps_guided"), &guided.values);
    }
}

fn snb_alone(case: &Case) {
    let at = |name: &str| case.latents(&format!("step.000.{name}"));
    let g = number(case, "cfg");
    let (uncond, cond) = (at("eps_uncond"), at("eps_cond"));
    let (expert_uncond, expert_cond) = (at("expert.eps_uncond"), at("expert.eps_cond"));
    let baseline = if case.params()["expert_baseline"] == "own" { &expert_uncond } else { &uncond };
    let (k_g, k_e) = (number(case, "kG"), number(case, "kE"));
    let (general, expert) = (cfg::term(g, &uncond, &cond), cfg::term(g, baseline, &expert_cond));
    for profile in [Profile::Reference, Profile::Fixed] {
        let choice = snb::choose(profile, &general, &expert, k_g, k_e);
        case.assert_close("step.000.snb.saliency_general", &choice.saliency_general.values);
        case.assert_close("step.000.snb.saliency_expert", &choice.saliency_expert.values);
        let guided = |u: &Latents, c: &Latents| u.zip(&cfg::term(g, u, c), |u, g| u + g);
        let drawn = snb::blend(&choice.mask, &guided(&uncond, &cond), &guided(&expert_uncond, &expert_cond));
        case.assert_close("step.000.eps_guided", &drawn.values);
    }
}
