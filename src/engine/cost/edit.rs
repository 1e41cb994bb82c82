//! What an edit costs: the comparison of two recipes, step by step.
//!
//! Apart from what is evaluated at a step and from what an edit touches, which it joins.

use super::{
    evaluations::{evaluations_at, is_known, surely_known_at},
    touched::first_touched,
};
use crate::{recipe::Recipe, sampling::SamplerSettings};

/// The cost of going from one recipe to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditCost {
    /// First step whose guided prediction can change; `None` if none can.
    pub first: Option<usize>,
    /// Evaluations of the denoisers, of one sample each, that are needed.
    pub evaluations: usize,
    /// What the new recipe needs with an empty cache.
    pub full: usize,
}

/// The cost of `after` when the results of `before` are cached. `timesteps`: the training timestep of every call
/// of a denoiser in `after`. Concepts are compared by text and settings: their ids and rows change no picture.
///
/// Counts for runs that segment every step of the general model, as the studio's do.
/// An upper bound where an edit turns out to change no number (a clamp that is never reached) and where adaptive
/// guidance may end early, exact otherwise.
pub fn edit_cost(before: Option<&Recipe>, after: &Recipe, timesteps: &[f32]) -> EditCost {
    let full = (0..timesteps.len()).map(|i| evaluations_at(after, i, timesteps[i]).len()).sum();
    let Some(before) = before.filter(|b| same_start(b, after)) else {
        return EditCost { first: Some(0), evaluations: full, full };
    };
    let first = first_touched(before, after, timesteps);
    let evaluations = (0..timesteps.len())
        .map(|i| {
            let needed = evaluations_at(after, i, timesteps[i]);
            if first.is_some_and(|first| i > first) {
                needed.len()
            } else {
                let known = surely_known_at(before, i, timesteps[i]);
                needed.iter().filter(|branch| !is_known(&known, branch)).count()
            }
        })
        .sum();
    EditCost { first, evaluations, full }
}

/// Whether two recipes begin with the same latents and visit the same noise levels with the same general model.
fn same_start(a: &Recipe, b: &Recipe) -> bool {
    let start = |r: &Recipe| (r.seed, r.width, r.height, SamplerSettings::of(r));
    start(a) == start(b) && a.model == b.model && a.additions() == b.additions() && a.network_tags() == b.network_tags()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{
        Concept, Fusion, FusionMode, FusionRule, GuidanceInterval, Owner, Paint, RegionGroup, RegionOwner, keys,
    };

    fn concept(text: &str, scale: f32, warmup: usize) -> Concept {
        Concept { text: text.into(), strength: scale, warmup, ..Concept::default() }
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
            after.concepts[0].strength = -3.0;
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
    fn ids_and_rows_cost_nothing_until_three_terms_are_summed() {
        let before = recipe(20, 10, &["a", "b"]).with_concept_ids();
        let mut after = before.clone();
        after.concepts.iter_mut().for_each(|concept| concept.id.0 += 7);
        assert_eq!(cost(&before, &after), EditCost { first: None, evaluations: 0, full: 80 });
        after.concepts.reverse();
        assert_eq!(cost(&before, &after).first, None, "a sum of two terms is the same either way round");
        let three = recipe(20, 10, &["a", "b", "c"]);
        let mut turned = three.clone();
        turned.concepts.reverse();
        assert_eq!(cost(&three, &turned).first, Some(10), "a sum of three may be rounded differently");
    }

    #[test]
    fn concepts_of_one_text_are_told_apart_by_their_ids() {
        let mut before = recipe(20, 3, &["a", "a"]).with_concept_ids();
        before.concepts[1].warmup = 12;
        let mut after = before.clone();
        after.concepts.reverse();
        after.concepts[0].strength = -2.0;
        assert_eq!(cost(&before, &after).first, Some(12), "the late one is the one that was changed");
        after.concepts.remove(1);
        assert_eq!(cost(&before, &after).first, Some(3), "the early one is gone");
    }

    #[test]
    fn a_seed_pays_for_everything_and_a_prompt_for_all_but_the_first_steps_other_branches() {
        let before = recipe(10, 2, &["a"]);
        assert_eq!(cost(&before, &Recipe { seed: 9, ..before.clone() }).evaluations, 30);
        assert_eq!(cost(&before, &Recipe { prompt: "a dog".into(), ..before.clone() }).evaluations, 2 + 27);
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
        other.concepts[0].strength = 9.0;
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
