//! Exact resume on the bundled models: after an edit, a run that uses the cache gives the same latents as a run from
//! nothing, bit for bit, and costs at most the evaluations that `edit_cost` has counted.
//!
//! Separate from the other engine tests for its running time. Which settings are edited stands in `resume/edits.rs`.

#[path = "resume/edits.rs"]
mod edits;

use std::sync::{Arc, LazyLock};

use edits::{Dice, LORA_WEIGHTS, concept, edit, loras, start};
use sextant::{
    engine::{
        cost::{EditCost, edit_cost},
        prediction_cache::PredictionCache,
        run::{Options, Run},
    },
    model::{LocalModels, Model, ModelSource, Target},
    recipe::{Concept, Convention, ModelRef, Profile, PromptSyntax, Recipe, RegionFactor, Sampler, Schedule, keys},
    tensor::{Latents, TokenKind},
};

/// The general model with each of [`LORA_WEIGHTS`], and the expert beside it.
static MODELS: LazyLock<[[Arc<dyn Model>; 2]; 3]> = LazyLock::new(|| {
    LORA_WEIGHTS.map(|weight| {
        let general = LocalModels.load(&ModelRef::Pocket, &loras(weight), &Target::cpu()).expect("the bundled model");
        let expert = LocalModels.load_expert(&ModelRef::PocketToon, &general, &Target::cpu()).expect("Pocket Toon");
        [general, expert]
    })
});

/// Latents after every step, the timesteps, and the number of evaluations.
fn render(recipe: &Recipe, cache: &mut PredictionCache) -> (Vec<Latents>, Vec<f32>, usize) {
    let weight = recipe.loras.first().map_or(0.0, |lora| lora.weight);
    let index = LORA_WEIGHTS.iter().position(|w| *w == weight).expect("a weight of the list");
    let [general, expert] = MODELS[index].each_ref().map(|model| model.as_ref());
    let options = Options { segment: true, ..Options::default() };
    let mut run = Run::prepare(recipe, general, Some(expert), options, cache).expect("a run");
    let (mut latents, mut timesteps, mut evaluations) = (Vec::new(), Vec::new(), 0);
    while let Some(record) = run.step(cache, &|| true).expect("a step") {
        evaluations += record.evaluations();
        timesteps.push(record.timestep);
        latents.push(record.latents_out);
    }
    (latents, timesteps, evaluations)
}

/// Renders `sequences` random sequences of edits with one cache each, and compares every result with a run from nothing.
fn sequences(seed: u64, sequences: usize) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..sequences {
        let mut recipe = start(&mut dice);
        let mut cache = PredictionCache::new(1 << 28);
        render(&recipe, &mut cache);
        for _ in 0..1 + dice.roll(2) {
            let before = recipe.clone();
            edit(&mut dice, &mut recipe);
            let (resumed, timesteps, spent) = render(&recipe, &mut cache);
            let (fresh, _, full) = render(&recipe, &mut PredictionCache::new(0));
            assert!(
                resumed == fresh,
                "the cached run differs from the one from nothing\nbefore: {before:#?}\nafter: {recipe:#?}"
            );
            let expected = edit_cost(Some(&before), &recipe, &timesteps);
            // When adaptive guidance ends depends on the predictions.
            let adaptive = recipe.adaptive_guidance.is_some();
            assert!(full == expected.full || (adaptive && full < expected.full), "a run from nothing\n{recipe:#?}");
            // Fewer where an older run is cached too, or where the edit changes no number after all.
            assert!(
                spent <= expected.evaluations,
                "{spent} evaluations, expected {expected:?}\nbefore: {before:#?}\nafter: {recipe:#?}"
            );
        }
    }
}

// In four tests of 52 sequences each, which run in parallel.
const SEQUENCES: usize = 52;

#[test]
fn random_edits_resume_exactly_1() {
    sequences(1, SEQUENCES);
}

#[test]
fn random_edits_resume_exactly_2() {
    sequences(2, SEQUENCES);
}

#[test]
fn random_edits_resume_exactly_3() {
    sequences(3, SEQUENCES);
}

#[test]
fn random_edits_resume_exactly_4() {
    sequences(4, SEQUENCES);
}

/// A recipe with all three methods.
fn everything(profile: Profile) -> Recipe {
    let dice = &mut Dice(7);
    Recipe {
        profile,
        prompt: "a cat on a beach".into(),
        prompt_syntax: PromptSyntax::Plain,
        convention: Convention::Diffusers,
        sampler: Sampler::Ddim,
        schedule: Schedule::Normal,
        steps: 4,
        concepts: vec![
            Concept { warmup: 1, strength: 6.0, cooldown: None, ..concept(dice, "sunglasses") },
            Concept { warmup: 0, strength: -3.0, cooldown: Some(3), ..concept(dice, "night") },
        ],
        ..start(dice)
    }
}

#[test]
fn keys_of_factor_1_draw_the_same_picture_bit_for_bit() {
    for profile in [Profile::Fixed, Profile::Reference] {
        let plain = everything(profile);
        let mut keyed = plain.clone();
        keyed.cfg_keys = keys::parse("0:1,2:1").expect("keys");
        keyed.concepts.iter_mut().for_each(|c| c.keys = keys::parse("1:1,3:1").expect("keys"));
        assert!(
            render(&plain, &mut PredictionCache::new(0)).0 == render(&keyed, &mut PredictionCache::new(0)).0,
            "{profile:?}"
        );
    }
}

#[test]
fn keys_are_factors_on_their_scale_at_every_step() {
    let plain = everything(Profile::Fixed);
    let mut keyed = plain.clone();
    // Twice half of a scale is the scale itself, exactly.
    (keyed.cfg, keyed.concepts[0].strength, keyed.concepts[1].strength) = (plain.cfg / 2.0, 3.0, -1.5);
    keyed.cfg_keys = keys::parse("0:2,3:2").expect("keys");
    keyed.concepts.iter_mut().for_each(|c| c.keys = keys::parse("0:2,9:2").expect("keys"));
    assert!(render(&plain, &mut PredictionCache::new(0)).0 == render(&keyed, &mut PredictionCache::new(0)).0);

    // Steps before the keyed segment are unchanged, later ones are not. Steps without guidance evaluate the prompt alone.
    let mut late = plain.clone();
    late.cfg_keys = keys::parse("1:1,2:1.4,3:0.1").expect("keys");
    let ((before, _, _), (after, _, spent)) =
        (render(&plain, &mut PredictionCache::new(0)), render(&late, &mut PredictionCache::new(0)));
    assert!(before[..2] == after[..2] && before[2] != after[2] && before[3] != after[3]);
    let expected = edit_cost(None, &late, &render(&late, &mut PredictionCache::new(0)).1).full;
    assert_eq!(spent, expected);
    assert!(expected < edit_cost(None, &plain, &render(&plain, &mut PredictionCache::new(0)).1).full);
}

#[test]
fn a_slider_among_three_concepts_costs_45_of_100() {
    let concepts = ["sunglasses", "night", "snow"].map(|text| Concept {
        text: text.into(),
        strength: 5.0,
        warmup: 10,
        threshold: 0.5,
        ..Concept::default()
    });
    let before = Recipe {
        prompt: "a cat on a beach".into(),
        steps: 20,
        width: 64,
        height: 64,
        concepts: concepts.to_vec(),
        ..Recipe::default()
    };
    let mut cache = PredictionCache::new(1 << 28);
    assert_eq!(render(&before, &mut cache).2, 100);
    let mut after = before.clone();
    after.concepts[1].strength = -3.0;
    let (latents, timesteps, spent) = render(&after, &mut cache);
    assert_eq!(spent, 45);
    let expected = edit_cost(Some(&before), &after, &timesteps);
    assert_eq!(expected, EditCost { first: Some(10), evaluations: 45, full: 100 });
    assert!(latents == render(&after, &mut PredictionCache::new(0)).0);
    // Both are cached now: going back and forth costs nothing.
    assert_eq!(render(&before, &mut cache).2 + render(&after, &mut cache).2, 0);
}

#[test]
fn a_lora_changes_the_picture_and_costs_a_whole_run_once() {
    let without = everything(Profile::Fixed);
    let with = Recipe { loras: loras(LORA_WEIGHTS[1]), ..without.clone() };
    let mut cache = PredictionCache::new(1 << 28);
    let (plain, timesteps, full) = render(&without, &mut cache);
    let (changed, _, spent) = render(&with, &mut cache);
    assert_eq!((spent, edit_cost(Some(&without), &with, &timesteps).evaluations), (full, full));
    assert!(changed != plain && changed == render(&with, &mut PredictionCache::new(0)).0);
    assert_eq!(render(&without, &mut cache).2, 0, "the run without it is cached still");
}

#[test]
fn a_later_part_of_an_edited_prompt_costs_from_where_it_acts() {
    let recipe = |prompt: &str| Recipe {
        prompt: prompt.into(),
        prompt_syntax: PromptSyntax::A1111,
        sampler: Sampler::EulerAncestral,
        concepts: Vec::new(),
        fusion: None,
        steps: 8,
        ..everything(Profile::Fixed)
    };
    let (before, after) = (recipe("a cat on a [beach:hill:4]"), recipe("a cat on a [beach:road:4]"));
    let mut cache = PredictionCache::new(1 << 28);
    assert_eq!(render(&before, &mut cache).2, 16);
    let (latents, timesteps, spent) = render(&after, &mut cache);
    // The first text holds for calls 0 to 4. From call 5 on both branches are needed: their attention makes the regions.
    let expected = EditCost { first: Some(5), evaluations: 3 * 2, full: 16 };
    assert_eq!(edit_cost(Some(&before), &after, &timesteps), expected);
    assert_eq!(spent, expected.evaluations);
    assert!(latents == render(&after, &mut PredictionCache::new(0)).0);
    assert!(latents[..5] == render(&before, &mut cache).0[..5] && latents[5] != render(&before, &mut cache).0[5]);
}

#[test]
fn regions_hold_across_chunks() {
    let one = Recipe {
        prompt: "a cat BREAK a beach".into(),
        prompt_syntax: PromptSyntax::A1111,
        concepts: Vec::new(),
        fusion: None,
        ..everything(Profile::Fixed)
    };
    let [general, _] = MODELS[0].each_ref().map(|model| model.as_ref());
    let mut cache = PredictionCache::new(1 << 28);
    let run = Run::prepare(&one, general, None, Options::default(), &mut cache).expect("a run");
    let words: Vec<(usize, String)> = run
        .tokens()
        .iter()
        .filter(|token| token.kind == TokenKind::Word)
        .map(|token| (token.position, token.text.clone()))
        .collect();
    let length = run.tokens().len() / 2;
    let wanted = [(1, "a"), (2, "cat"), (length + 1, "a"), (length + 2, "beach")];
    assert_eq!(words, wanted.map(|(position, word)| (position, word.to_owned())));
    // A factor on a word of the second chunk acts, and one on its end token's position is the background's.
    let with = |position: usize| Recipe { regions: vec![RegionFactor { position, factor: 0.0 }], ..one.clone() };
    let plain = render(&one, &mut cache).0;
    let beach = render(&with(length + 2), &mut cache).0;
    let background = [0, 3, length, length + 3, 2 * length - 1].map(|p| render(&with(p), &mut cache).0);
    assert!(background.iter().all(|other| *other == background[0]), "every position without a word is the background");
    assert!(beach != plain || background[0] != plain, "a factor of 0 takes guidance away");
}
