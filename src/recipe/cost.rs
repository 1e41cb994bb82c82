//! What an edit costs before it is made: the first step it can touch, and the U-Net evaluations it needs.
//!
//! Holds for results that are remembered step by step: up to and including the first touched step the latents are the
//! same as before, so only branches that were not evaluated there are needed; after it, all of them.

use std::{collections::HashSet, ops::Range};

use super::{Concept, Fusion, FusionRule, Momentum, Paint, Profile, Recipe};

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
/// An upper bound where an edit turns out to change no number (a clamp that never bites, say) and where adaptive
/// guidance may end early, exact otherwise.
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
                let known = surely_known_at(before, i, timesteps[i]);
                wanted.iter().filter(|branch| !is_known(&known, branch)).count()
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
    let fusion = recipe.expert_fusion().filter(|f| recipe.guides_at(step) && f.fuses(timestep));
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

/// What was evaluated at one step whatever the predictions were.
fn surely_known_at(recipe: &Recipe, step: usize, timestep: f32) -> HashSet<Branch<'_>> {
    if recipe.adaptive_guidance.is_some() && step > 0 {
        let general = recipe.model.to_string();
        return HashSet::from([(general.clone(), general, false, recipe.prompt.as_str(), None)]);
    }
    evaluations_at(recipe, step, timestep)
}

/// An evaluation with segmentation also answers for the one without.
fn is_known(known: &HashSet<Branch<'_>>, branch: &Branch<'_>) -> bool {
    let (model, encoder, negative, text, profile) = branch;
    let same = |(m, e, n, t, _): &Branch<'_>| (m, e, n, t) == (model, encoder, negative, text);
    known.contains(branch) || (profile.is_none() && known.iter().any(same))
}

/// What a model is evaluated for besides its own prompt.
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
    if !recipe.guides_at(step) {
        return add(false, prompt, None);
    }
    let segmented = part.segmented.then_some(recipe.profile);
    add(true, &recipe.negative, segmented);
    add(false, prompt, segmented);
    if !part.concepts {
        return;
    }
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
    let whole = |r: &Recipe| (r.prompt.clone(), r.negative.clone(), r.profile);
    if whole(before) != whole(after) {
        return Some(0);
    }
    let strength = |r: &Recipe| (r.scfg.enabled.then(|| r.scfg.clone()), factors(r), field(&r.painted_factor).cloned());
    let strength = (strength(before) != strength(after)).then_some(0);
    let concepts = concepts_touched(before, after, timesteps.len());
    let regions = regions_touched(before, after, timesteps);
    let touched = [strength, concepts, regions, fusion_touched(before, after, timesteps)];
    // What is not guided hears of none of these.
    let guided = |from: usize| (from..timesteps.len()).find(|&step| after.guides_at(step));
    let touched = touched.into_iter().flatten().min().and_then(guided);
    let cfg = (0..timesteps.len()).find(|&step| before.cfg_at(step) != after.cfg_at(step));
    touched.into_iter().chain(cfg).chain(guidance_touched(before, after, timesteps.len())).min()
}

/// First step that is guided in one and perhaps not in the other. Adaptive guidance never ends before step 1.
fn guidance_touched(before: &Recipe, after: &Recipe, steps: usize) -> Option<usize> {
    let interval = (0..steps).find(|&step| before.guides_at(step) != after.guides_at(step));
    let adaptive = (before.adaptive_guidance != after.adaptive_guidance).then_some(1);
    interval.into_iter().chain(adaptive).min()
}

/// The factors that change something, in order of position.
fn factors(recipe: &Recipe) -> Vec<(usize, f32)> {
    let mut factors: Vec<_> =
        recipe.regions.iter().filter(|r| r.factor != 1.0).map(|r| (r.position, r.factor)).collect();
    factors.sort_by_key(|(position, _)| *position);
    factors
}

/// A painted map, where anything is painted.
fn field(paint: &Paint) -> Option<&Paint> {
    (!paint.is_empty()).then_some(paint)
}

/// First step at which merged words and painted cells can show: where S-CFG or a factor acts on regions, else where a
/// locked concept or a region with an owner begins to.
fn regions_touched(before: &Recipe, after: &Recipe, timesteps: &[f32]) -> Option<usize> {
    if before.divides_like(after) {
        return None;
    }
    if after.scfg.enabled || !after.regions.is_empty() {
        return Some(0);
    }
    let locked = after.active_concepts().filter(|c| !c.lock.is_empty()).filter_map(acts_from);
    let fusion = after.active_fusion().filter(|f| f.rule == FusionRule::Saliency && !f.owners.is_empty());
    let owned = fusion.and_then(|f| timesteps.iter().position(|&t| f.fuses(t)));
    locked.chain(owned).min()
}

/// First step at which the SEGA terms can differ.
fn concepts_touched(before: &Recipe, after: &Recipe, steps: usize) -> Option<usize> {
    let (old, new): (Vec<_>, Vec<_>) = (before.active_concepts().collect(), after.active_concepts().collect());
    if old == new && (before.momentum == after.momentum || new.is_empty()) {
        return None;
    }
    if after.profile == Profile::Reference {
        // Concepts share weights and momentum: the first that is warm carries every change.
        let warm = old.iter().chain(&new).map(|c| c.warmup).min()?;
        let only_scales = before.momentum == after.momentum
            && old.len() == new.len()
            && old.iter().zip(&new).all(|(o, n)| same_but_scale(o, n));
        if !only_scales {
            return Some(warm);
        }
        return old
            .iter()
            .zip(&new)
            .filter_map(|(o, n)| scale_changes(o, n, 0..steps))
            .map(|step| step.max(warm))
            .min();
    }
    let mut unmatched = new.clone();
    let mut touched = Vec::new();
    for concept in &old {
        match unmatched.iter().position(|c| c.text == concept.text) {
            Some(at) => touched.extend(concept_touched(concept, unmatched.remove(at), after.momentum, steps)),
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

fn concept_touched(old: &Concept, new: &Concept, momentum: Momentum, steps: usize) -> Option<usize> {
    let from = [acts_from(old), acts_from(new)].into_iter().flatten().min()?;
    if !same_but_scale(&Concept { cooldown: new.cooldown, ..old.clone() }, new) {
        return Some(from);
    }
    let ends = [old.cooldown, new.cooldown];
    let end = ends.into_iter().flatten().min();
    let moved = end.filter(|_| old.cooldown != new.cooldown).map(|end| end.max(from));
    // Momentum takes the scale up during the warm-up already, and lets it be felt after.
    let heard = if momentum.scale == 0.0 { from } else { 0 };
    let scaled = scale_changes(old, new, heard..end.unwrap_or(steps).min(steps));
    moved.into_iter().chain(scaled.map(|step| step.max(from))).min()
}

/// Whether two concepts are the same but for how strongly they pull.
fn same_but_scale(old: &Concept, new: &Concept) -> bool {
    *new == Concept { scale: new.scale, reverse: new.reverse, keys: new.keys.clone(), ..old.clone() }
}

/// The first of `steps` at which the two pull with different strength.
fn scale_changes(old: &Concept, new: &Concept, mut steps: Range<usize>) -> Option<usize> {
    steps.find(|&step| old.signed_scale_at(step) != new.signed_scale_at(step))
}

/// First step at which who draws where, or what the expert draws, can differ.
fn fusion_touched(before: &Recipe, after: &Recipe, timesteps: &[f32]) -> Option<usize> {
    let normalized = |recipe: &Recipe| recipe.expert_fusion().map(Fusion::normalized);
    let (old, new) = (normalized(before), normalized(after));
    if old == new {
        return None;
    }
    let fused = |fusion: &Option<Fusion>, t: f32| fusion.as_ref().is_some_and(|f| f.fuses(t));
    let same_otherwise = match (&old, &new) {
        (Some(o), Some(n)) => *n == Fusion { t0: n.t0, mode: n.mode, ..o.clone() },
        _ => false,
    };
    timesteps.iter().position(|&t| {
        let (o, n) = (fused(&old, t), fused(&new, t));
        o != n || (o && n && !same_otherwise)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{FusionMode, GuidanceInterval, Owner, RegionGroup, RegionOwner, keys};

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
    fn an_interval_is_touched_where_a_step_changes_sides() {
        let whole = recipe(20, 3, &[]);
        let part = Recipe { guidance_interval: Some(GuidanceInterval { from: 0, until: 12 }), ..whole.clone() };
        // Up to step 12 all is known; from there on one branch a step.
        assert_eq!(cost(&whole, &part), EditCost { first: Some(12), evaluations: 7, full: 12 * 2 + 8 });
        // Step 12 had the prompt's branch, but without the maps that segmentation needs.
        assert_eq!(cost(&part, &whole), EditCost { first: Some(12), evaluations: 8 * 2, full: 40 });
    }

    #[test]
    fn adaptive_guidance_is_touched_after_its_first_look() {
        let plain = recipe(20, 3, &[]);
        let adaptive = Recipe { adaptive_guidance: Some(0.99), ..plain.clone() };
        assert_eq!(cost(&plain, &adaptive), EditCost { first: Some(1), evaluations: 18 * 2, full: 40 });
        assert_eq!(cost(&adaptive, &plain), EditCost { first: Some(1), evaluations: 19 * 2, full: 40 });
    }

    #[test]
    fn a_key_is_touched_where_its_line_begins() {
        let keys = |text: &str| keys::parse(text).expect("keys");
        let mut before = recipe(20, 10, &["a"]);
        before.concepts[0].keys = keys("4:1,8:1,14:1,17:0.5");
        let mut after = before.clone();
        after.concepts[0].keys[3].factor = 2.0;
        assert_eq!(cost(&before, &after), EditCost { first: Some(15), evaluations: 4 * 3, full: 60 });
        // Before the warm-up has ended, momentum alone has heard of it.
        after.concepts[0].keys = keys("4:1,6:2,8:1,14:1,17:0.5");
        assert_eq!(cost(&before, &after).first, Some(10));
        before.momentum.scale = 0.0;
        after.momentum.scale = 0.0;
        assert_eq!(cost(&before, &after).first, None);
        // The same curve with one key more.
        after.concepts[0].keys = keys("4:1,8:1,12:1,14:1,17:0.5");
        assert_eq!(cost(&before, &after).evaluations, 0);
    }

    #[test]
    fn keys_of_the_guidance_scale_pay_from_their_line_on_and_nothing_where_nothing_is_guided() {
        let before = recipe(10, 2, &["a"]);
        let mut after = before.clone();
        after.cfg_keys = keys::parse("6:1,8:0.1").expect("keys");
        // Steps 8 and 9 have a scale of 0.5, which asks for no guidance: the prompt's branch alone.
        assert_eq!(cost(&before, &after), EditCost { first: Some(7), evaluations: 2, full: 8 * 3 + 2 });
        let unguided = Recipe { cfg: 1.0, ..before.clone() };
        let mut other = unguided.clone();
        other.concepts[0].scale = 9.0;
        assert_eq!(cost(&unguided, &other).first, None);
        other = after.clone();
        other.concepts[0].warmup = 8;
        after.concepts[0].warmup = 9;
        assert_eq!(cost(&after, &other).first, None, "both act where nothing is guided");
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

    #[test]
    fn merged_and_painted_regions_cost_from_where_something_acts_on_them() {
        let mut before = recipe(20, 5, &["a"]);
        let group = |positions: &[usize], name: &str| RegionGroup { positions: positions.into(), name: name.into() };
        let with = |before: &Recipe, groups: &[RegionGroup]| Recipe { groups: groups.to_vec(), ..before.clone() };
        let merged = [group(&[1, 2], "")];
        assert_eq!(cost(&before, &with(&before, &merged)).first, None, "nothing acts on regions");
        before.concepts[0].lock = vec![2];
        assert_eq!(cost(&before, &with(&before, &merged)).first, Some(5));
        assert_eq!(cost(&before, &with(&before, &[group(&[2], "tom")])).first, None, "a name changes no picture");
        let fusion = Fusion { t0: 800.0, mode: FusionMode::Low, ..Fusion::default() };
        let fused = Recipe { fusion: Some(fusion.clone()), ..before.clone() };
        let owned = Fusion { owners: vec![RegionOwner { position: 2, owner: Owner::Expert }], ..fusion };
        let owned = Recipe { fusion: Some(owned), ..before.clone() };
        assert_eq!(cost(&fused, &owned).first, Some(4), "951 - 50 i <= 800 from step 4 on");
        assert_eq!(cost(&owned, &with(&owned, &merged)).first, Some(4));
        before.scfg.enabled = true;
        assert_eq!(cost(&before, &with(&before, &merged)).first, Some(0));
        let mut painted = before.clone();
        painted.painted_factor = Paint::blank(8, 8);
        assert_eq!(cost(&before, &painted).first, None, "nothing is painted yet");
        painted.painted_factor.set(2, 2, 50);
        assert_eq!(cost(&before, &painted).first, Some(0));
    }

    #[test]
    fn each_rule_pays_for_what_it_evaluates() {
        let fusion = Fusion { t0: 500.0, mode: FusionMode::Low, ..Fusion::default() };
        let by = |rule| Recipe { fusion: Some(Fusion { rule, ..fusion.clone() }), ..recipe(20, 0, &["a"]) };
        let full = |rule| edit_cost(None, &by(rule), &timesteps(20)).full;
        // Ten steps lie in the window. Alone, the expert draws at all, and the general model has no concept branch.
        assert_eq!(full(FusionRule::Saliency), 20 * 3 + 10 * 3);
        assert_eq!(full(FusionRule::General), 20 * 3);
        assert_eq!(full(FusionRule::Expert), 20 * 2 + 20 * 3);
        assert_eq!((full(FusionRule::Mask), full(FusionRule::Weighted)), (90, 90));
        let touched = |a, b| cost(&by(a), &by(b));
        assert_eq!(touched(FusionRule::Saliency, FusionRule::Weighted).first, Some(10));
        // The touched step itself is known: the same branches, put together otherwise.
        assert_eq!(touched(FusionRule::Saliency, FusionRule::Weighted).evaluations, 9 * 6);
        assert_eq!(touched(FusionRule::Saliency, FusionRule::Expert).first, Some(0));
        let off = recipe(20, 0, &["a"]);
        assert_eq!(cost(&off, &by(FusionRule::General)), EditCost { first: None, evaluations: 0, full: 60 });
    }

    #[test]
    fn a_setting_that_the_rule_does_not_use_costs_nothing() {
        let with = |fusion: Fusion| Recipe { fusion: Some(fusion), ..recipe(20, 0, &[]) };
        let sum = Fusion { rule: FusionRule::Weighted, t0: 0.0, ..Fusion::default() };
        let evaluations = |after: Fusion| cost(&with(sum.clone()), &with(after)).evaluations;
        assert_eq!(evaluations(Fusion { k_e: 4.0, ..sum.clone() }), 0);
        assert_eq!(evaluations(Fusion { weight: 0.4, ..sum.clone() }), 19 * 4);
    }
}
