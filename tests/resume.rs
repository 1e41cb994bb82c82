//! Exact resume on the bundled models: what is made with memory equals what is made without, bit for bit, and costs
//! exactly the branch evaluations that were foretold.

use std::sync::{Arc, LazyLock};

use sextant::{
    engine::{
        prediction_cache::PredictionCache,
        run::{Options, Run},
    },
    model::{LocalModels, Model, ModelSource, Target},
    recipe::{
        Concept, Fusion, FusionMode, FusionRule, GuidanceInterval, Key, ModelRef, Owner, Paint, Profile, Recipe,
        RegionFactor, RegionGroup, RegionOwner, RegionPaint, Sampler, Scfg, Schedule,
        cost::{EditCost, edit_cost},
        keys,
    },
    tensor::Latents,
};

static MODELS: LazyLock<[Arc<dyn Model>; 2]> = LazyLock::new(|| {
    let general = LocalModels.load(&ModelRef::Pocket, &[], &Target::cpu()).expect("the bundled model");
    let expert = LocalModels.load_expert(&ModelRef::PocketToon, &general, &Target::cpu()).expect("the bundled expert");
    [general, expert]
});

/// Latents after every step, the timesteps, and the evaluations that were spent.
fn render(recipe: &Recipe, memory: &mut PredictionCache) -> (Vec<Latents>, Vec<f32>, usize) {
    let [general, expert] = MODELS.each_ref().map(|model| model.as_ref());
    let options = Options { segment: true, ..Options::default() };
    let mut run = Run::prepare(recipe, general, Some(expert), options, memory).expect("a run");
    let (mut latents, mut timesteps, mut evaluations) = (Vec::new(), Vec::new(), 0);
    while let Some(record) = run.step(memory, &|| true).expect("a step") {
        evaluations += record.evaluations();
        timesteps.push(record.timestep);
        latents.push(record.latents_out);
    }
    (latents, timesteps, evaluations)
}

/// Small numbers without a pattern.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % sides
    }

    fn number(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.roll(1000) as f32 / 1000.0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

/// 64 x 64 pixels and few steps: the arithmetic is the same as at full size.
fn start(dice: &mut Dice) -> Recipe {
    let sampler = dice.pick(&[Sampler::Ddim, Sampler::DpmPp2M, Sampler::EulerAncestral, Sampler::Heun, Sampler::UniPc]);
    Recipe {
        prompt: "a cat on a beach".into(),
        sampler,
        schedule: if sampler == Sampler::DpmPp2M { Schedule::Karras } else { Schedule::Normal },
        steps: 3 + dice.roll(2),
        seed: dice.roll(100) as u64,
        width: 64,
        height: 64,
        profile: dice.pick(&[Profile::Fixed, Profile::Fixed, Profile::Reference]),
        scfg: Scfg { enabled: true, ..Scfg::default() },
        concepts: vec![concept(dice, "sunglasses"), concept(dice, "night")],
        fusion: Some(Fusion {
            prompt: Some("a snowman".into()),
            t0: dice.number(200.0, 800.0),
            k_e: dice.number(1.0, 4.0),
            mode: dice.pick(&[FusionMode::High, FusionMode::Low]),
            ..Fusion::default()
        }),
        ..Recipe::default()
    }
}

fn concept(dice: &mut Dice, text: &str) -> Concept {
    Concept {
        text: text.into(),
        strength: dice.number(-8.0, 8.0),
        threshold: dice.number(0.0, 0.95),
        warmup: dice.roll(3),
        cooldown: (dice.roll(3) == 0).then(|| 2 + dice.roll(2)),
        ..Concept::default()
    }
}

/// A dab of one of `levels` on an 8 x 8 grid.
fn paint(dice: &mut Dice, levels: &[i16]) -> Paint {
    let mut paint = Paint::blank(8, 8);
    let (top, left, level) = (dice.roll(6), dice.roll(6), dice.pick(levels));
    for i in 0..6 {
        paint.set(top + i / 2 % 3, left + i % 2, level);
    }
    paint
}

fn edit(dice: &mut Dice, recipe: &mut Recipe) {
    let k = dice.roll(recipe.concepts.len().max(1));
    match dice.roll(27) {
        0..=3 if k < recipe.concepts.len() => recipe.concepts[k].strength = dice.number(-8.0, 8.0),
        4 if k < recipe.concepts.len() => recipe.concepts[k].threshold = dice.number(0.0, 0.95),
        5 if k < recipe.concepts.len() => recipe.concepts[k].warmup = dice.roll(4),
        6 if k < recipe.concepts.len() => recipe.concepts[k].cooldown = (dice.roll(2) == 0).then(|| dice.roll(4)),
        7 if k < recipe.concepts.len() => drop(recipe.concepts.remove(k)),
        8 => {
            let text = dice.pick(&["crown", "snow", "old"]);
            let new = concept(dice, text);
            recipe.concepts.push(new);
        }
        9 => recipe.cfg = dice.number(2.0, 8.0),
        10 => recipe.scfg.enabled = !recipe.scfg.enabled,
        11 => {
            if let Some(f) = &mut recipe.fusion {
                f.k_e = dice.number(1.0, 4.0);
            }
        }
        12 => {
            if let Some(f) = &mut recipe.fusion {
                f.enabled = !f.enabled;
            }
        }
        20 | 21 => {
            if let Some(f) = &mut recipe.fusion {
                f.rule = dice.pick(FusionRule::ALL);
                f.weight = dice.number(0.0, 1.0);
                let mask = dice.pick(&["2x2: 1*1 0*2 1*1", "4x4: 0*5 1*6"]);
                f.mask = Some(mask.parse().expect("a mask"));
            }
        }
        13 => recipe.regions = vec![RegionFactor { position: 1 + dice.roll(5), factor: dice.number(0.0, 2.0) }],
        14 if k < recipe.concepts.len() => recipe.concepts[k].lock = vec![dice.roll(6), 2],
        22 if k < recipe.concepts.len() => recipe.concepts.swap(0, k),
        23 => {
            let first = 1 + dice.roll(3);
            recipe.groups = vec![RegionGroup { positions: vec![first, first + 1], name: String::new() }];
        }
        24 => recipe.painted = vec![RegionPaint { position: dice.roll(6), cells: paint(dice, &[-1, 1]) }],
        25 => recipe.painted_factor = paint(dice, &[-100, -40, 80]),
        26 => {
            let owner = RegionOwner { position: dice.roll(6), owner: dice.pick(&[Owner::General, Owner::Expert]) };
            let bias = paint(dice, &[-300, 200, 50]);
            if let Some(f) = &mut recipe.fusion {
                (f.owners, f.bias) = (vec![owner], bias);
            }
        }
        15 => recipe.cfg_keys = random_keys(dice),
        16 | 17 if k < recipe.concepts.len() => recipe.concepts[k].keys = random_keys(dice),
        18 => {
            let from = dice.roll(2);
            let interval = GuidanceInterval { from, until: from + 1 + dice.roll(3) };
            recipe.guidance_interval = (dice.roll(3) > 0).then_some(interval);
        }
        19 => recipe.adaptive_guidance = (dice.roll(3) > 0).then(|| dice.number(0.9, 1.0)),
        _ => recipe.momentum.scale = dice.pick(&[0.0, 0.1, 0.4]),
    }
}

/// No, one or two keys; factors small enough that some steps are not guided at all.
fn random_keys(dice: &mut Dice) -> Vec<Key> {
    let mut keys = Vec::new();
    for _ in 0..dice.roll(3) {
        keys::put(&mut keys, Key { step: dice.roll(6), factor: dice.number(0.0, 2.0) });
    }
    keys
}

/// `sequences` random sequences of edits; every result must equal the one that is made from nothing.
fn sequences(seed: u64, sequences: usize) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..sequences {
        let mut recipe = start(&mut dice);
        let mut memory = PredictionCache::new(1 << 28);
        render(&recipe, &mut memory);
        for _ in 0..1 + dice.roll(2) {
            let before = recipe.clone();
            edit(&mut dice, &mut recipe);
            let (resumed, timesteps, spent) = render(&recipe, &mut memory);
            let (fresh, _, full) = render(&recipe, &mut PredictionCache::new(0));
            assert!(resumed == fresh, "resumed and fresh part\nbefore: {before:#?}\nafter: {recipe:#?}");
            let foretold = edit_cost(Some(&before), &recipe, &timesteps);
            // Adaptive guidance ends when the predictions say so.
            let adaptive = recipe.adaptive_guidance.is_some();
            assert!(full == foretold.full || (adaptive && full < foretold.full), "a run from nothing\n{recipe:#?}");
            // Older runs are remembered too, and an edit may change no number after all: never more than foretold.
            assert!(
                spent <= foretold.evaluations,
                "{spent} evaluations, foretold {foretold:?}\nbefore: {before:#?}\nafter: {recipe:#?}"
            );
        }
    }
}

// Four tests, so that they share the machine's cores: 4 x 52 sequences.
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

/// All three methods at once, on the smallest picture.
fn everything(profile: Profile) -> Recipe {
    let dice = &mut Dice(7);
    Recipe {
        profile,
        sampler: Sampler::Ddim,
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

    // Up to a key's line everything is as it was, from there on it is not; where nothing is guided, the prompt alone
    // is asked.
    let mut late = plain.clone();
    late.cfg_keys = keys::parse("1:1,2:1.4,3:0.1").expect("keys");
    let ((before, _, _), (after, _, spent)) =
        (render(&plain, &mut PredictionCache::new(0)), render(&late, &mut PredictionCache::new(0)));
    assert!(before[..2] == after[..2] && before[2] != after[2] && before[3] != after[3]);
    let foretold = edit_cost(None, &late, &render(&late, &mut PredictionCache::new(0)).1).full;
    assert_eq!(spent, foretold);
    assert!(foretold < edit_cost(None, &plain, &render(&plain, &mut PredictionCache::new(0)).1).full);
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
    let mut memory = PredictionCache::new(1 << 28);
    assert_eq!(render(&before, &mut memory).2, 100);
    let mut after = before.clone();
    after.concepts[1].strength = -3.0;
    let (latents, timesteps, spent) = render(&after, &mut memory);
    assert_eq!(spent, 45);
    let foretold = edit_cost(Some(&before), &after, &timesteps);
    assert_eq!(foretold, EditCost { first: Some(10), evaluations: 45, full: 100 });
    assert!(latents == render(&after, &mut PredictionCache::new(0)).0);
    // Both are remembered now: going back and forth is free.
    assert_eq!(render(&before, &mut memory).2 + render(&after, &mut memory).2, 0);
}
