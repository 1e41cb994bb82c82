//! The evaluations of one step of a recipe.
//!
//! Apart because the cost of an edit counts them for two recipes: those that are needed, and those that are cached.

use std::collections::HashSet;

use crate::{
    guidance::{cfg, sega, snb},
    recipe::{Concept, Profile, Recipe, TextRules},
};

/// One evaluation of a denoiser: model, text encoder, whether it is the unconditional branch, text, and the profile and the other
/// prompt that its attention is segmented with, if it is segmented.
pub(super) type Branch = (String, String, bool, String, Option<(Profile, String)>);

/// The evaluations of one step.
pub(super) fn evaluations_at(recipe: &Recipe, step: usize, timestep: f32) -> HashSet<Branch> {
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
pub(super) fn surely_known_at(recipe: &Recipe, step: usize, timestep: f32) -> HashSet<Branch> {
    if recipe.adaptive_guidance.is_some() && step > 0 {
        let general = recipe.model.to_string();
        let mut prompt_alone = HashSet::new();
        let unguided = Recipe { cfg: 0.0, ..recipe.clone() };
        let part = Part { segmented: false, concepts: false };
        model_branches(&unguided, [&general, &general], part, &recipe.prompt, step, &mut prompt_alone);
        return prompt_alone;
    }
    evaluations_at(recipe, step, timestep)
}

/// Whether a branch is cached. An evaluation with segmentation also gives the prediction without.
pub(super) fn is_known(known: &HashSet<Branch>, branch: &Branch) -> bool {
    let (model, encoder, negative, text, profile) = branch;
    let same = |(m, e, n, t, _): &Branch| (m, e, n, t) == (model, encoder, negative, text);
    known.contains(branch) || (profile.is_none() && known.iter().any(same))
}

/// What a model is evaluated for besides its prompt.
#[derive(Clone, Copy)]
struct Part {
    segmented: bool,
    concepts: bool,
}

fn model_branches(
    recipe: &Recipe,
    [model, encoder]: [&str; 2],
    part: Part,
    prompt: &str,
    step: usize,
    all: &mut HashSet<Branch>,
) {
    // A text is known by the rules that it is read by, too.
    let rules = recipe.text_rules();
    let mut add = |negative: bool, text: &str, profile| {
        let text = if rules == TextRules::default() { text.to_owned() } else { format!("{text}\u{0}{rules:?}") };
        all.insert((model.to_owned(), encoder.to_owned(), negative, text, profile));
    };
    let prompt = recipe.text_at(prompt, step);
    let negative = recipe.text_at(&recipe.negative, step);
    if !cfg::is_guided_at(recipe, step) {
        return add(false, &prompt, None);
    }
    // A segmentation is made of the attention of both prompts: with another of them, both are evaluated anew.
    let segmented_with = |other: &str| part.segmented.then(|| (recipe.profile, other.to_owned()));
    add(true, &negative, segmented_with(&prompt));
    add(false, &prompt, segmented_with(&negative));
    if !part.concepts {
        return;
    }
    let needed = |concept: &&Concept| sega::is_needed_at(concept, recipe.momentum, recipe.profile, step);
    for concept in recipe.active_concepts().filter(needed) {
        let text = recipe.text_at(&concept.text, 0);
        if text != prompt {
            add(false, &text, None);
        }
    }
}
