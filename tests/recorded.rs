//! SEGA and SNB on recorded predictions: the methods by themselves, without any network.

mod common;

use common::Case;
use sextant::{
    guidance::{cfg, sega, snb},
    recipe::{Concept, Momentum, Profile},
    tensor::Latents,
};

fn number(case: &Case, key: &str) -> f32 {
    case.params()[key].as_f64().expect(key) as f32
}

fn concepts(case: &Case) -> Vec<Concept> {
    let list = case.params()["concepts"].as_array().expect("concepts");
    let concept = |c: &serde_json::Value| Concept {
        text: c["prompt"].as_str().expect("prompt").into(),
        scale: c["scale"].as_f64().expect("scale") as f32,
        threshold: c["threshold"].as_f64().expect("threshold") as f32,
        warmup: c["warmup"].as_u64().expect("warmup") as usize,
        cooldown: c["cooldown"].as_u64().map(|n| n as usize),
        weight: c["weight"].as_f64().unwrap_or(1.0) as f32,
        reverse: c["reverse"].as_bool().unwrap_or(false),
        enabled: true,
        lock: Vec::new(),
        keys: Vec::new(),
    };
    list.iter().map(concept).collect()
}

#[test]
fn sega_adds_what_the_reference_adds() {
    let cases = Case::all("sega_");
    assert!(!cases.is_empty());
    for case in cases {
        let concepts = concepts(&case);
        let momentum = Momentum { scale: number(&case, "momentum_scale"), beta: number(&case, "momentum_beta") };
        let mut state = sega::State::default();
        // Predictions are recorded for the first two steps; after them the momentum is not known.
        for i in 0..2 {
            let at = |name: &str| format!("step.{i:03}.{name}");
            let uncond = case.latents(&at("eps_uncond"));
            let predictions: Vec<_> =
                (0..concepts.len()).map(|k| Some(case.latents(&at(&format!("eps_concept.{k}"))))).collect();
            let locks = vec![None; concepts.len()];
            let setting = sega::Setting { concepts: &concepts, locks: &locks, momentum };
            let step = sega::step(&mut state, &setting, Profile::Reference, i, &uncond, &predictions);
            case.assert_close(&at("sega.term"), &step.term.values);
            let guidance = cfg::term(number(&case, "cfg"), &uncond, &case.latents(&at("eps_cond")));
            let guided = uncond.zip(&guidance, |u, g| u + g).zip(&step.term, |e, t| e + t);
            case.assert_close(&at("eps_guided"), &guided.values);
        }
    }
}

#[test]
fn snb_chooses_as_the_reference_chooses() {
    let cases: Vec<Case> = Case::all("snb_").into_iter().filter(|c| c.has("step.000.snb.mask")).collect();
    assert!(!cases.is_empty());
    for case in cases {
        let at = |name: &str| case.latents(&format!("step.000.{name}"));
        let g = number(&case, "cfg");
        let (uncond, cond) = (at("eps_uncond"), at("eps_cond"));
        let (expert_uncond, expert_cond) = (at("expert.eps_uncond"), at("expert.eps_cond"));
        let own = case.params()["expert_baseline"] == "own";
        let baseline = if own { &expert_uncond } else { &uncond };
        let (k_g, k_e) = (number(&case, "kG"), number(&case, "kE"));
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
}
