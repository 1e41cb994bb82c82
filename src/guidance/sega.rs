//! SEGA, semantic guidance (Brack et al., NeurIPS 2023; arXiv 2301.12247): steering along concept directions.
//!
//! A concept k has a direction `d_k = s_k * (eps_k - eps_u)`, its signed strength `s_k` as its keys set it for the step.
//! Only the elements at or above a quantile of |d_k|, per channel, are kept: `E_k`. The kept parts are added to the
//! guidance once the concept's warm-up is over, together with a momentum `nu` over earlier steps. Numbering as in
//! algorithms.md §2.1.
//!
//! * `reference`: all concepts share one momentum. While some, but not all, have warmed up, their parts are *averaged*
//!   by weight and momentum is left out; once all have, parts are *summed* and momentum comes in.
//! * `fixed`: every concept is a SEGA of its own, and the terms add up.
//!
//! One paper, one file.

use super::quantile::quantile;
use crate::{
    recipe::{Concept, Momentum, Profile},
    tensor::{Latents, Plane},
};

/// Momentum between steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Momentum nu: one for all concepts (`reference`) or one a concept (`fixed`). Empty before the first step.
    momentum: Vec<Latents>,
}

/// One concept at one step.
#[derive(Clone, Debug)]
pub struct ConceptStep {
    /// Elements that the concept may change, `[channels, height, width]`; `None` once it has cooled down.
    pub mask: Option<Vec<bool>>,
    /// Channel-norm of the direction before the threshold.
    pub magnitude: Plane,
    /// Past its warm-up and not cooled down.
    pub active: bool,
    /// Norm of the kept, weighted part, without momentum.
    pub norm: f32,
}

/// What SEGA adds to the guidance at one step.
#[derive(Clone, Debug)]
pub struct Step {
    pub term: Latents,
    pub concepts: Vec<ConceptStep>,
    /// Norm of what momentum adds to the next step, `s_m |nu|`, one a concept: its own (`fixed`), or the one that all
    /// share (`reference`).
    pub momentum: Vec<f32>,
}

/// The settings of SEGA for one step.
pub struct Setting<'a> {
    pub concepts: &'a [Concept],
    /// One a concept: where it may act, `[height, width]`; `None` is everywhere.
    pub locks: &'a [Option<Plane<bool>>],
    pub momentum: Momentum,
}

/// Whether a concept's own prediction can matter at a step: never after its cool-down, and before the end of its warm-up
/// only through momentum. `reference` evaluates every concept at every step.
pub fn is_needed_at(concept: &Concept, momentum: Momentum, profile: Profile, step: usize) -> bool {
    match profile {
        Profile::Reference => true,
        Profile::Fixed => !concept.is_cooled(step) && (concept.is_warm(step) || momentum.scale != 0.0),
    }
}

/// One step of SEGA. `predictions` holds one entry a concept, `None` where it [`is_needed_at`] not.
pub fn step(
    state: &mut State,
    setting: &Setting<'_>,
    profile: Profile,
    step: usize,
    uncond: &Latents,
    predictions: &[Option<Latents>],
) -> Step {
    let Setting { concepts, locks, momentum } = *setting;
    assert!(concepts.len() == predictions.len() && concepts.len() == locks.len(), "one slot a concept");
    let (parts, shown): (Vec<_>, Vec<_>) = (concepts.iter().zip(locks).zip(predictions))
        .map(|((concept, lock), prediction)| kept_part(concept, lock.as_ref(), step, uncond, prediction.as_ref()))
        .unzip();
    let term = match profile {
        Profile::Reference => joint_term(state, concepts, momentum, step, uncond, &parts),
        Profile::Fixed => separate_terms(state, setting, step, uncond, &parts),
    };
    Step { term, concepts: shown, momentum: momentum_norms(state, setting, profile, step) }
}

fn momentum_norms(state: &State, setting: &Setting<'_>, profile: Profile, step: usize) -> Vec<f32> {
    let norm = |k: usize| state.momentum.get(k).map_or(0.0, |nu| setting.momentum.scale * nu.norm());
    match profile {
        Profile::Reference => vec![norm(0); setting.concepts.len()],
        // After its cool-down nothing of a concept is left.
        Profile::Fixed => (setting.concepts.iter().enumerate())
            .map(|(k, concept)| if concept.is_cooled(step + 1) { 0.0 } else { norm(k) })
            .collect(),
    }
}

/// Step 2: `E_k`, unweighted: the direction where it is at or above its quantile and inside its lock, else 0 (zero
/// everywhere once cooled down).
fn kept_part(
    concept: &Concept,
    lock: Option<&Plane<bool>>,
    step: usize,
    uncond: &Latents,
    prediction: Option<&Latents>,
) -> (Latents, ConceptStep) {
    let zeros = || Latents::zeros(uncond.channels, uncond.height, uncond.width);
    let Some(prediction) = prediction.filter(|_| !concept.is_cooled(step)) else {
        let magnitude = Plane::filled(uncond.height, uncond.width, 0.0);
        return (zeros(), ConceptStep { mask: None, magnitude, active: false, norm: 0.0 });
    };
    let scale = concept.strength_at(step);
    let direction = prediction.zip(uncond, |k, u| scale * (k - u));
    let mut mask = quantile_mask(&direction, concept.threshold);
    if let Some(lock) = lock {
        let area = lock.values.len();
        mask.iter_mut().enumerate().for_each(|(i, keep)| *keep &= lock.values[i % area]);
    }
    let mut part = direction.clone();
    for (value, keep) in part.values.iter_mut().zip(&mask) {
        if !keep {
            *value = 0.0;
        }
    }
    let shown = ConceptStep {
        mask: Some(mask),
        magnitude: direction.channel_norm(),
        active: concept.is_warm(step),
        norm: part.norm() * weight(concept),
    };
    (part, shown)
}

fn weight(concept: &Concept) -> f32 {
    concept.weight.max(0.0)
}

/// Reference profile, steps 3 to 5.
fn joint_term(
    state: &mut State,
    concepts: &[Concept],
    momentum: Momentum,
    step: usize,
    uncond: &Latents,
    parts: &[Latents],
) -> Latents {
    let zeros = Latents::zeros(uncond.channels, uncond.height, uncond.width);
    let warm: Vec<bool> = concepts.iter().map(|c| c.is_warm(step)).collect();
    let live_weight = |k: usize| if concepts[k].is_cooled(step) { 0.0 } else { weight(&concepts[k]) };

    // 3. Partial phase: an average over the warmed concepts. 0/0 (all of them cooled down) is "no edit".
    let mut partial = zeros.clone();
    let total: f32 = (0..parts.len()).filter(|&k| warm[k]).map(live_weight).sum();
    if total > 0.0 {
        for k in (0..parts.len()).filter(|&k| warm[k]) {
            partial = partial.zip(&parts[k], |sum, e| sum + live_weight(k) / total * e);
        }
    }

    // 4. Always: the weighted sum of all, with momentum, from which momentum is then updated.
    if state.momentum.is_empty() {
        state.momentum.push(zeros.clone());
    }
    let nu = &mut state.momentum[0];
    let mut edit = zeros.clone();
    for (k, part) in parts.iter().enumerate() {
        edit = edit.zip(part, |sum, e| sum + live_weight(k) * e);
    }
    edit = edit.zip(nu, |e, nu| e + momentum.scale * nu);
    *nu = nu.zip(&edit, |nu, e| momentum.beta * nu + (1.0 - momentum.beta) * e);

    // 5. Full phase: the sum with momentum; partial phase: the average; no concept warm: nothing.
    if warm.iter().all(|&w| w) {
        edit
    } else if warm.iter().any(|&w| w) {
        partial
    } else {
        zeros
    }
}

/// Fixed profile: steps 4 and 5 for every concept by itself.
fn separate_terms(
    state: &mut State,
    setting: &Setting<'_>,
    step: usize,
    uncond: &Latents,
    parts: &[Latents],
) -> Latents {
    let Setting { concepts, locks, momentum } = *setting;
    let zeros = Latents::zeros(uncond.channels, uncond.height, uncond.width);
    state.momentum.resize(concepts.len(), zeros.clone());
    let mut term = zeros;
    for (((concept, lock), part), nu) in concepts.iter().zip(locks).zip(parts).zip(&mut state.momentum) {
        if concept.is_cooled(step) {
            continue;
        }
        let w = weight(concept);
        let edit = part.zip(nu, |e, nu| w * e + momentum.scale * nu);
        *nu = nu.zip(&edit, |nu, e| momentum.beta * nu + (1.0 - momentum.beta) * e);
        if concept.is_warm(step) {
            term = term.zip(&locked(edit, lock.as_ref()), |sum, e| sum + e);
        }
    }
    term
}

/// `lock(p) * edit(p)`: regions move from step to step, and momentum must not carry an edit out of them.
fn locked(mut edit: Latents, lock: Option<&Plane<bool>>) -> Latents {
    if let Some(lock) = lock {
        let area = lock.values.len();
        edit.values.iter_mut().enumerate().filter(|(i, _)| !lock.values[i % area]).for_each(|(_, value)| *value = 0.0);
    }
    edit
}

/// Where |d| is at or above its `threshold` quantile, each channel by itself.
fn quantile_mask(direction: &Latents, threshold: f32) -> Vec<bool> {
    let mut mask = Vec::with_capacity(direction.values.len());
    for c in 0..direction.channels {
        let magnitudes: Vec<f32> = direction.channel(c).iter().map(|d| d.abs()).collect();
        let limit = quantile(&magnitudes, threshold);
        mask.extend(magnitudes.iter().map(|&m| m >= limit));
    }
    mask
}
