//! The first step whose guided prediction an edit can change.
//!
//! Apart because each part of the recipe has its own rule for when it begins to act.

use std::ops::Range;

use crate::{
    guidance::{cfg, snb},
    recipe::{Concept, Fusion, FusionRule, Momentum, Paint, Profile, Recipe},
};

/// First step whose guided prediction can differ between two recipes that start with the same latents.
pub(super) fn first_touched(before: &Recipe, after: &Recipe, timesteps: &[f32]) -> Option<usize> {
    if before == after {
        return None;
    }
    if before.profile != after.profile || before.text_rules() != after.text_rules() {
        return Some(0);
    }
    let texts = texts_touched(before, after, timesteps.len());
    let strength =
        |r: &Recipe| (r.scfg.enabled.then(|| r.scfg.clone()), factors(r), painted(&r.painted_factor).cloned());
    let strength = (strength(before) != strength(after)).then_some(0);
    let concepts = concepts_touched(before, after, timesteps.len());
    let regions = regions_touched(before, after, timesteps);
    let touched = [strength, concepts, regions, fusion_touched(before, after, timesteps)];
    // Unguided steps use none of these.
    let guided = |from: usize| (from..timesteps.len()).find(|&step| cfg::is_guided_at(after, step));
    let touched = touched.into_iter().flatten().min().and_then(guided);
    let cfg = (0..timesteps.len()).find(|&step| before.cfg_at(step) != after.cfg_at(step));
    touched.into_iter().chain(texts).chain(cfg).chain(guidance_touched(before, after, timesteps.len())).min()
}

/// First step at which prompt editing leaves another prompt or negative prompt.
fn texts_touched(before: &Recipe, after: &Recipe, steps: usize) -> Option<usize> {
    let differs = |old: &str, new: &str, step| old != new && before.text_at(old, step) != after.text_at(new, step);
    (0..steps)
        .find(|&step| differs(&before.prompt, &after.prompt, step) || differs(&before.negative, &after.negative, step))
}

/// First step that is guided in one recipe and perhaps not in the other. Adaptive guidance never ends before step 1.
fn guidance_touched(before: &Recipe, after: &Recipe, steps: usize) -> Option<usize> {
    let interval = (0..steps).find(|&step| cfg::is_guided_at(before, step) != cfg::is_guided_at(after, step));
    let adaptive = (before.adaptive_guidance != after.adaptive_guidance).then_some(1);
    interval.into_iter().chain(adaptive).min()
}

/// The factors other than 1, in order of position.
fn factors(recipe: &Recipe) -> Vec<(usize, f32)> {
    let mut factors: Vec<_> =
        recipe.regions.iter().filter(|r| r.factor != 1.0).map(|r| (r.position, r.factor)).collect();
    factors.sort_by_key(|(position, _)| *position);
    factors
}

/// A painted map, if anything is painted.
fn painted(paint: &Paint) -> Option<&Paint> {
    (!paint.is_empty()).then_some(paint)
}

/// First step at which merged words and painted corrections can show: where S-CFG or a factor acts on regions, else
/// where a locked concept or a region with an owner begins to act.
fn regions_touched(before: &Recipe, after: &Recipe, timesteps: &[f32]) -> Option<usize> {
    if before.divides_like(after) {
        return None;
    }
    if after.scfg.enabled || !after.regions.is_empty() {
        return Some(0);
    }
    let locked = after.active_concepts().filter(|c| !c.lock.is_empty()).filter_map(acts_from);
    let fusion = after.active_fusion().filter(|f| f.rule == FusionRule::Saliency && !f.owners.is_empty());
    let owned = fusion.and_then(|f| timesteps.iter().position(|&t| snb::is_fused_at(f, t)));
    locked.chain(owned).min()
}

/// First step at which the SEGA terms can differ.
fn concepts_touched(before: &Recipe, after: &Recipe, steps: usize) -> Option<usize> {
    let (old, new): (Vec<_>, Vec<_>) = (before.active_concepts().collect(), after.active_concepts().collect());
    let alike = old.len() == new.len() && old.iter().zip(&new).all(|(o, n)| o.same_settings(n));
    if alike && (before.momentum == after.momentum || new.is_empty()) {
        return None;
    }
    if after.profile == Profile::Reference {
        // Concepts share weights and momentum: a change shows from the first warm concept on.
        let warm = old.iter().chain(&new).map(|c| c.warmup).min()?;
        let only_strengths = before.momentum == after.momentum
            && old.len() == new.len()
            && old.iter().zip(&new).all(|(o, n)| same_but_strength(o, n));
        if !only_strengths {
            return Some(warm);
        }
        return old
            .iter()
            .zip(&new)
            .filter_map(|(o, n)| strength_changes(o, n, 0..steps))
            .map(|step| step.max(warm))
            .min();
    }
    let (pairs, only_old, only_new) = matched(&old, &new);
    let mut touched: Vec<usize> = only_old.into_iter().chain(only_new).filter_map(acts_from).collect();
    touched.extend(pairs.iter().filter_map(|&(o, n)| concept_touched(old[o], new[n], after.momentum, steps)));
    if !pairs.is_sorted_by_key(|(_, n)| *n) {
        touched.extend(order_matters_from(&new, steps));
    }
    if before.momentum != after.momentum {
        touched.extend(new.iter().filter_map(|c| momentum_touched(c, before.momentum, after.momentum)));
    }
    touched.into_iter().min()
}

/// Pairs of places in the old and the new list, the unpaired old concepts, and the unpaired new ones.
type Matched<'a> = (Vec<(usize, usize)>, Vec<&'a Concept>, Vec<&'a Concept>);

/// Pairs the concepts of two lists, in the order of `old`. The text decides, since it is what is evaluated; among
/// concepts of one text the id does, since it outlives reordering.
fn matched<'a>(old: &[&'a Concept], new: &[&'a Concept]) -> Matched<'a> {
    let mut free: Vec<usize> = (0..new.len()).collect();
    let mut partners = vec![None; old.len()];
    // Concepts with the same id pair first, so that no other of the same text takes their place.
    for by_id in [true, false] {
        for (o, partner) in partners.iter_mut().enumerate().filter(|(_, partner)| partner.is_none()) {
            let fits = |&n: &usize| new[n].text == old[o].text && (!by_id || new[n].id == old[o].id);
            *partner = free.iter().position(fits).map(|at| free.remove(at));
        }
    }
    let pairs = partners.iter().enumerate().filter_map(|(o, partner)| Some((o, (*partner)?))).collect();
    let only_old = old.iter().zip(&partners).filter(|(_, partner)| partner.is_none()).map(|(concept, _)| *concept);
    (pairs, only_old.collect(), free.into_iter().map(|n| new[n]).collect())
}

/// The first step at which the order of concepts can show: sums of two terms are the same either way round, those of
/// three may be rounded differently.
fn order_matters_from(concepts: &[&Concept], steps: usize) -> Option<usize> {
    let act = |step: usize| concepts.iter().filter(|c| c.is_warm(step) && !c.is_cooled(step)).count();
    (0..steps).find(|&step| act(step) > 2)
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
    if !same_but_strength(&Concept { cooldown: new.cooldown, ..old.clone() }, new) {
        return Some(from);
    }
    let ends = [old.cooldown, new.cooldown];
    let end = ends.into_iter().flatten().min();
    let moved = end.filter(|_| old.cooldown != new.cooldown).map(|end| end.max(from));
    // Momentum gathers during the warm-up already, and shows after it.
    let gathers_from = if momentum.scale == 0.0 { from } else { 0 };
    let scaled = strength_changes(old, new, gathers_from..end.unwrap_or(steps).min(steps));
    moved.into_iter().chain(scaled.map(|step| step.max(from))).min()
}

/// Whether two concepts are the same except for id, strength and keys.
fn same_but_strength(old: &Concept, new: &Concept) -> bool {
    *new == Concept { id: new.id, strength: new.strength, keys: new.keys.clone(), ..old.clone() }
}

/// The first of `steps` at which two concepts have different strengths.
fn strength_changes(old: &Concept, new: &Concept, mut steps: Range<usize>) -> Option<usize> {
    steps.find(|&step| old.strength_at(step) != new.strength_at(step))
}

/// First step at which the fusion mask or the expert's prediction can differ.
fn fusion_touched(before: &Recipe, after: &Recipe, timesteps: &[f32]) -> Option<usize> {
    let normalized = |recipe: &Recipe| recipe.expert_fusion().map(Fusion::normalized);
    let (old, new) = (normalized(before), normalized(after));
    if old == new {
        return None;
    }
    let fused = |fusion: &Option<Fusion>, t: f32| fusion.as_ref().is_some_and(|f| snb::is_fused_at(f, t));
    let same_otherwise = match (&old, &new) {
        (Some(o), Some(n)) => *n == Fusion { t0: n.t0, mode: n.mode, ..o.clone() },
        _ => false,
    };
    timesteps.iter().position(|&t| {
        let (o, n) = (fused(&old, t), fused(&new, t));
        o != n || (o && n && !same_otherwise)
    })
}
