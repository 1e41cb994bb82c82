//! What an edit costs before it is made: the first step it can touch, and the U-Net evaluations it needs.
//!
//! Holds for results that are remembered step by step: up to and including the first touched step the latents are the
//! same as before, so only branches that were not evaluated there are needed; after it, all of them.

use std::collections::HashSet;

use super::{Concept, Fusion, Momentum, Profile, Recipe};

/// The price of going from one recipe to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditCost {
    /// First step whose guided prediction can change; `None` if none can.
    pub first: Option<usize>,
    /// U-Net evaluations of one sample each that are needed.
    pub evaluations: usize,
    /// What the new recipe would need from nothing.
    pub full: usize,
}

/// The cost of `after` when `before` is remembered. `timesteps`: the training timestep of every U-Net call of `after`.
///
/// Counts for runs that segment every step of the general model, as the studio's do.
/// An upper bound where an edit turns out to change no number (a clamp that never bites, say), exact otherwise.
pub fn edit_cost(before: Option<&Recipe>, after: &Recipe, timesteps: &[f32]) -> EditCost {
    let full = (0..timesteps.len()).map(|i| evaluations_at(after, i, timesteps[i]).len()).sum();
    let Some(before) = before.filter(|b| same_start(b, after)) else {
        return EditCost { first: Some(0), evaluations: full, full };
    };
    let first = first_touched(before, after, timesteps);
    let evaluations = (0..timesteps.len())
        .map(|i| {
            let wanted = evaluations_at(after, i, timesteps[i]);
            if first.is_some_and(|first| i > first) {
                wanted.len()
            } else {
                let known = evaluations_at(before, i, timesteps[i]);
                wanted.iter().filter(|branch| !known.contains(*branch)).count()
            }
        })
        .sum();
    EditCost { first, evaluations, full }
}

/// Whether two recipes begin with the same latents and visit the same noise levels with the same general model.
fn same_start(a: &Recipe, b: &Recipe) -> bool {
    let start = |r: &Recipe| (r.seed, r.width, r.height, r.steps, r.sampler, r.schedule);
    start(a) == start(b) && a.model == b.model && a.active_loras().eq(b.active_loras())
}

/// One U-Net evaluation: model, encoder, whether it is the unconditional branch, text, and the profile that its
/// attention is segmented for, where it is.
type Branch<'a> = (String, String, bool, &'a str, Option<Profile>);

/// Everything that is evaluated at one step.
fn evaluations_at(recipe: &Recipe, step: usize, timestep: f32) -> HashSet<Branch<'_>> {
    let mut all = HashSet::new();
    let general = recipe.model.to_string();
    model_branches(recipe, [&general, &general], true, &recipe.prompt, step, &mut all);
    if let Some(fusion) = recipe.active_fusion().filter(|f| recipe.is_guided() && f.mode.fuses(timestep, f.t0)) {
        let expert = fusion.expert.to_string();
        let encoder = if recipe.profile == Profile::Reference { &general } else { &expert };
        let prompt = fusion.prompt.as_deref().unwrap_or(&recipe.prompt);
        model_branches(recipe, [&expert, encoder], recipe.scfg.enabled, prompt, step, &mut all);
    }
    all
}

fn model_branches<'a>(
    recipe: &'a Recipe,
    [model, encoder]: [&str; 2],
    segmented: bool,
    prompt: &'a str,
    step: usize,
    all: &mut HashSet<Branch<'a>>,
) {
    let mut add = |negative: bool, text: &'a str, profile| {
        all.insert((model.to_owned(), encoder.to_owned(), negative, text, profile));
    };
    if !recipe.is_guided() {
        return add(false, prompt, None);
    }
    let segmented = segmented.then_some(recipe.profile);
    add(true, &recipe.negative, segmented);
    add(false, prompt, segmented);
    for concept in recipe.active_concepts().filter(|c| c.matters_at(step, recipe.momentum, recipe.profile)) {
        if concept.text != prompt {
            add(false, &concept.text, None);
        }
    }
}

/// First step whose guided prediction can differ between two recipes that start alike.
fn first_touched(before: &Recipe, after: &Recipe, timesteps: &[f32]) -> Option<usize> {
    if before == after {
        return None;
    }
    let whole = |r: &Recipe| (r.prompt.clone(), r.negative.clone(), r.cfg, r.profile);
    if whole(before) != whole(after) {
        return Some(0);
    }
    if !after.is_guided() {
        return None;
    }
    let strength = |r: &Recipe| (r.scfg.enabled.then(|| r.scfg.clone()), factors(r));
    if strength(before) != strength(after) {
        return Some(0);
    }
    let touched = concepts_touched(before, after).into_iter().chain(fusion_touched(before, after, timesteps)).min();
    touched.filter(|&step| step < timesteps.len())
}

/// The factors that change something, in order of position.
fn factors(recipe: &Recipe) -> Vec<(usize, f32)> {
    let mut factors: Vec<_> =
        recipe.regions.iter().filter(|r| r.factor != 1.0).map(|r| (r.position, r.factor)).collect();
    factors.sort_by_key(|(position, _)| *position);
    factors
}

/// First step at which the SEGA terms can differ.
fn concepts_touched(before: &Recipe, after: &Recipe) -> Option<usize> {
    let (old, new): (Vec<_>, Vec<_>) = (before.active_concepts().collect(), after.active_concepts().collect());
    if old == new && (before.momentum == after.momentum || new.is_empty()) {
        return None;
    }
    if after.profile == Profile::Reference {
        // Concepts share weights and momentum: the first that is warm carries every change.
        return old.iter().chain(&new).map(|c| c.warmup).min();
    }
    let mut unmatched = new.clone();
    let mut touched = Vec::new();
    for concept in &old {
        match unmatched.iter().position(|c| c.text == concept.text) {
            Some(at) => touched.extend(concept_touched(concept, unmatched.remove(at))),
            None => touched.extend(acts_from(concept)),
        }
    }
    touched.extend(unmatched.into_iter().filter_map(acts_from));
    if before.momentum != after.momentum {
        touched.extend(new.iter().filter_map(|c| momentum_touched(c, before.momentum, after.momentum)));
    }
    touched.into_iter().min()
}

/// The first step at which a concept acts, if it ever does.
fn acts_from(concept: &Concept) -> Option<usize> {
    concept.cooldown.is_none_or(|end| concept.warmup < end).then_some(concept.warmup)
}

/// Momentum is empty at step 0, so a change of it first shows one step later.
fn momentum_touched(concept: &Concept, before: Momentum, after: Momentum) -> Option<usize> {
    let shows = before.scale != 0.0 || after.scale != 0.0;
    acts_from(concept).filter(|_| shows).map(|step| step.max(1))
}

fn concept_touched(old: &Concept, new: &Concept) -> Option<usize> {
    if old == new {
        return None;
    }
    let ends = Concept { cooldown: new.cooldown, ..old.clone() };
    if ends == *new && old.warmup < old.cooldown.min(new.cooldown).unwrap_or(usize::MAX) {
        // Only the cool-down moved.
        return [old.cooldown, new.cooldown].into_iter().flatten().min();
    }
    [acts_from(old), acts_from(new)].into_iter().flatten().min()
}

/// First step at which who draws where, or what the expert draws, can differ.
fn fusion_touched(before: &Recipe, after: &Recipe, timesteps: &[f32]) -> Option<usize> {
    let (old, new) = (before.active_fusion(), after.active_fusion());
    if old == new {
        return None;
    }
    let fused = |fusion: Option<&Fusion>, t: f32| fusion.is_some_and(|f| f.mode.fuses(t, f.t0));
    let same_otherwise = match (old, new) {
        (Some(o), Some(n)) => *n == Fusion { t0: n.t0, mode: n.mode, ..o.clone() },
        _ => false,
    };
    timesteps.iter().position(|&t| {
        let (o, n) = (fused(old, t), fused(new, t));
        o != n || (o && n && !same_otherwise)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::FusionMode;

    fn concept(text: &str, scale: f32, warmup: usize) -> Concept {
        Concept { text: text.into(), scale, warmup, ..Concept::default() }
    }

    fn recipe(steps: usize, warmup: usize, concepts: &[&str]) -> Recipe {
        let concepts = concepts.iter().map(|c| concept(c, 5.0, warmup)).collect();
        Recipe { prompt: "a cat".into(), steps, concepts, ..Recipe::default() }
    }

    fn timesteps(n: usize) -> Vec<f32> {
        (0..n).map(|i| 951.0 - 50.0 * i as f32).collect()
    }

    fn cost(before: &Recipe, after: &Recipe) -> EditCost {
        edit_cost(Some(before), after, &timesteps(after.steps))
    }

    #[test]
    fn a_slider_pays_from_the_step_after_its_warm_up() {
        for (steps, warmup, texts, evaluations, full) in
            [(20, 10, &["a", "b", "c"][..], 45, 100), (20, 5, &["a"], 42, 60), (12, 4, &["a", "b"], 28, 48)]
        {
            let before = recipe(steps, warmup, texts);
            let mut after = before.clone();
            after.concepts[0].scale = -3.0;
            assert_eq!(cost(&before, &after), EditCost { first: Some(warmup), evaluations, full });
        }
    }

    #[test]
    fn a_new_concept_pays_its_own_branch_in_the_shared_steps() {
        let before = recipe(20, 10, &["a"]);
        let mut after = before.clone();
        after.concepts.push(concept("b", 5.0, 10));
        // 11 shared steps of one branch, 9 of four.
        assert_eq!(cost(&before, &after), EditCost { first: Some(10), evaluations: 11 + 9 * 4, full: 80 });
        assert_eq!(cost(&after, &before).evaluations, 9 * 3);
    }

    #[test]
    fn what_changes_nothing_costs_nothing() {
        let before = recipe(20, 10, &["a"]);
        assert_eq!(cost(&before, &before).evaluations, 0);
        let mut muted = before.clone();
        muted.concepts.push(Concept { enabled: false, ..concept("b", 5.0, 0) });
        assert_eq!(cost(&before, &muted), EditCost { first: None, evaluations: 0, full: 60 });
        let mut late = before.clone();
        late.concepts[0].cooldown = Some(25);
        assert_eq!(cost(&before, &late).evaluations, 0);
    }

    #[test]
    fn a_seed_pays_for_everything_and_a_prompt_for_all_but_the_first_steps_other_branches() {
        let before = recipe(10, 2, &["a"]);
        assert_eq!(cost(&before, &Recipe { seed: 9, ..before.clone() }).evaluations, 30);
        assert_eq!(cost(&before, &Recipe { prompt: "a dog".into(), ..before.clone() }).evaluations, 1 + 27);
        assert_eq!(cost(&before, &Recipe { cfg: 6.0, ..before.clone() }).evaluations, 27);
    }

    #[test]
    fn a_cool_down_is_touched_at_its_earlier_end() {
        let mut before = recipe(20, 3, &["a"]);
        before.concepts[0].cooldown = Some(12);
        let mut after = before.clone();
        after.concepts[0].cooldown = Some(15);
        // Step 12 had no concept branch; steps 13 and 14 have three branches, 15 to 19 two.
        assert_eq!(cost(&before, &after).first, Some(12));
        assert_eq!(cost(&before, &after).evaluations, 1 + 2 * 3 + 5 * 2);
    }

    #[test]
    fn a_fusion_is_touched_where_its_window_begins() {
        let before = recipe(20, 3, &[]);
        let fusion = Fusion { t0: 500.0, mode: FusionMode::Low, ..Fusion::default() };
        let with = Recipe { fusion: Some(fusion.clone()), ..before.clone() };
        // 951 - 50 i <= 500 from step 10 on.
        assert_eq!(cost(&before, &with), EditCost { first: Some(10), evaluations: 2 + 9 * 4, full: 20 + 20 + 20 });
        let sharper = Recipe { fusion: Some(Fusion { k_e: 3.0, ..fusion }), ..before };
        assert_eq!(cost(&with, &sharper).evaluations, 9 * 4);
    }
}
