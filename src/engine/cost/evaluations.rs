//! The evaluations of one step of a recipe.
//!
//! Apart because the cost of an edit counts them for two recipes: those that are needed, and those that are cached.

use std::collections::HashSet;

use crate::{
    guidance::{cfg, sega, snb},
    recipe::{Concept, Profile, Recipe},
};

/// One evaluation of a denoiser: model, text encoder, whether it is the unconditional branch, text, and the profile that its
/// attention is segmented for, if it is segmented.
pub(super) type Branch<'a> = (String, String, bool, &'a str, Option<Profile>);

/// The evaluations of one step.
pub(super) fn evaluations_at(recipe: &Recipe, step: usize, timestep: f32) -> HashSet<Branch<'_>> {
    let mut all = HashSet::new();
    let general = recipe.model.to_string();
    let fusion = recipe.expert_fusion().filter(|f| cfg::is_guided_at(recipe, step) && snb::is_fused_at(f, timestep));
    let lead = Part { segmented: true, concepts: fusion.is_none_or(|f| !f.is_expert_alone()) };
    model_branches(recipe, [&general, &general], lead, &recipe.prompt, step, &mut all);
    if let Some(fusion) = fusion {
        let expert = fusion.expert.to_string();
        let encoder = if recipe.profile == Profile::Reference { &general } else { &expert };
        let prompt = fusion.prompt.as_deref().unwrap_or(&recipe.prompt);
        let part = Part { segmented: recipe.scfg.enabled, concepts: true };
        model_branches(recipe, [&expert, encoder], part, prompt, step, &mut all);
    }
    all
}

/// The evaluations of one step that do not depend on the predictions: adaptive guidance may have ended before.
pub(super) fn surely_known_at(recipe: &Recipe, step: usize, timestep: f32) -> HashSet<Branch<'_>> {
    if recipe.adaptive_guidance.is_some() && step > 0 {
        let general = recipe.model.to_string();
        return HashSet::from([(general.clone(), general, false, recipe.prompt.as_str(), None)]);
    }
    evaluations_at(recipe, step, timestep)
}

/// Whether a branch is cached. An evaluation with segmentation also gives the prediction without.
pub(super) fn is_known(known: &HashSet<Branch<'_>>, branch: &Branch<'_>) -> bool {
    let (model, encoder, negative, text, profile) = branch;
    let same = |(m, e, n, t, _): &Branch<'_>| (m, e, n, t) == (model, encoder, negative, text);
    known.contains(branch) || (profile.is_none() && known.iter().any(same))
}

/// What a model is evaluated for besides its prompt.
#[derive(Clone, Copy)]
struct Part {
    segmented: bool,
    concepts: bool,
}

fn model_branches<'a>(
    recipe: &'a Recipe,
    [model, encoder]: [&str; 2],
    part: Part,
    prompt: &'a str,
    step: usize,
    all: &mut HashSet<Branch<'a>>,
) {
    let mut add = |negative: bool, text: &'a str, profile| {
        all.insert((model.to_owned(), encoder.to_owned(), negative, text, profile));
    };
    if !cfg::is_guided_at(recipe, step) {
        return add(false, prompt, None);
    }
    let segmented = part.segmented.then_some(recipe.profile);
    add(true, &recipe.negative, segmented);
    add(false, prompt, segmented);
    if !part.concepts {
        return;
    }
    let needed = |concept: &&Concept| sega::is_needed_at(concept, recipe.momentum, recipe.profile, step);
    for concept in recipe.active_concepts().filter(needed) {
        if concept.text != prompt {
            add(false, &concept.text, None);
        }
    }
}
