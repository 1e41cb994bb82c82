//! Random recipes, and random edits of them.
//!
//! Edits are drawn from guidance scale and keys, guidance interval, adaptive guidance, S-CFG on or off, regions and their
//! painting, concepts, momentum scale, fusion, LoRAs and prompts, which may change over the steps. Models, seed, size, steps, sampler, schedule and
//! profile are drawn once per recipe or fixed, and are not edited.
//!
//! Separate from the tests, because it is a list of settings.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use safetensors::{Dtype, serialize, tensor::TensorView};
use sextant::recipe::{
    Concept, Convention, Fusion, FusionMode, FusionRule, GuidanceInterval, Key, Lora, Owner, Paint, Profile,
    PromptSyntax, Recipe, RegionFactor, RegionGroup, RegionOwner, RegionPaint, Sampler, Scfg, Schedule, keys,
};

/// Weights of the LoRA that recipes have; 0 stands for no LoRA.
pub const LORA_WEIGHTS: [f32; 3] = [0.0, 0.8, -0.5];

/// A LoRA of rank 2 for one matrix of Pocket's U-Net and one of its text encoder.
static LORA_FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("resume.safetensors");
    let (mut dice, mut tensors) = (Dice(11), Vec::new());
    for (module, [outputs, inputs]) in [
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k", [128, 192]),
        ("lora_te_text_model_encoder_layers_0_self_attn_q_proj", [192, 192]),
    ] {
        for (part, shape) in [("lora_down", [2, inputs]), ("lora_up", [outputs, 2])] {
            let values = (0..shape[0] * shape[1]).flat_map(|_| dice.number(-0.1, 0.1).to_le_bytes());
            tensors.push((format!("{module}.{part}.weight"), shape.to_vec(), values.collect::<Vec<u8>>()));
        }
    }
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor"))
    });
    fs::write(&path, serialize(views, None).expect("tensors")).expect("a file");
    path
});

/// The recipe's LoRAs for one of [`LORA_WEIGHTS`].
pub fn loras(weight: f32) -> Vec<Lora> {
    if weight == 0.0 { Vec::new() } else { vec![Lora { path: LORA_FILE.clone(), weight }] }
}

/// A pseudo-random generator (xorshift).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % sides
    }

    pub fn number(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.roll(1000) as f32 / 1000.0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

/// A random recipe with all three methods, of 64 x 64 pixels and few steps: the arithmetic is that of the full size.
pub fn start(dice: &mut Dice) -> Recipe {
    let sampler = dice.pick(&[
        Sampler::Ddim,
        Sampler::DpmPp2M,
        Sampler::EulerAncestral,
        Sampler::Heun,
        Sampler::UniPc,
        Sampler::DpmPpSde,
        Sampler::DpmPp3MSde,
        Sampler::Lms,
    ]);
    let prompt_syntax = dice.pick(PromptSyntax::ALL);
    Recipe {
        prompt: prompt(dice, prompt_syntax).into(),
        prompt_syntax,
        convention: dice.pick(Convention::ALL),
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

/// A prompt of a syntax; some change over the steps, or have two chunks.
fn prompt(dice: &mut Dice, syntax: PromptSyntax) -> &'static str {
    match syntax {
        PromptSyntax::Plain => "a cat on a beach",
        PromptSyntax::A1111 => dice.pick(&[
            "a [cat:dog:2] on a beach",
            "a [cat|dog] on a (beach:1.3)",
            "a cat BREAK on a [beach]",
            "a cat on a [beach:hill:3]",
            "a cat on a beach",
        ]),
        PromptSyntax::Comfy => dice.pick(&["a (cat:1.2) on a beach", "a cat on a beach"]),
    }
}

/// A random concept.
pub fn concept(dice: &mut Dice, text: &str) -> Concept {
    Concept {
        text: text.into(),
        strength: dice.number(-8.0, 8.0),
        threshold: dice.number(0.0, 0.95),
        warmup: dice.roll(3),
        cooldown: (dice.roll(3) == 0).then(|| 2 + dice.roll(2)),
        ..Concept::default()
    }
}

/// A few painted cells of one of `levels`, on a grid of 8 x 8.
fn paint(dice: &mut Dice, levels: &[i16]) -> Paint {
    let mut paint = Paint::blank(8, 8);
    let (top, left, level) = (dice.roll(6), dice.roll(6), dice.pick(levels));
    for i in 0..6 {
        paint.set(top + i / 2 % 3, left + i % 2, level);
    }
    paint
}

/// Changes one setting.
pub fn edit(dice: &mut Dice, recipe: &mut Recipe) {
    let k = dice.roll(recipe.concepts.len().max(1));
    match dice.roll(31) {
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
        13 => recipe.regions = vec![RegionFactor { position: 1 + dice.roll(5), factor: dice.number(0.0, 2.0) }],
        14 if k < recipe.concepts.len() => recipe.concepts[k].lock = vec![dice.roll(6), 2],
        22 if k < recipe.concepts.len() => recipe.concepts.swap(0, k),
        23 => {
            let first = 1 + dice.roll(3);
            recipe.groups = vec![RegionGroup { positions: vec![first, first + 1], name: String::new() }];
        }
        24 => recipe.painted = vec![RegionPaint { position: dice.roll(6), cells: paint(dice, &[-1, 1]) }],
        25 => recipe.painted_factor = paint(dice, &[-100, -40, 80]),
        11 | 12 | 20 | 21 | 26 => {
            if let Some(fusion) = &mut recipe.fusion {
                edit_fusion(dice, fusion);
            }
        }
        15 => recipe.cfg_keys = random_keys(dice),
        28 => recipe.prompt = prompt(dice, recipe.prompt_syntax).into(),
        29 => {
            recipe.negative = if recipe.prompt_syntax == PromptSyntax::A1111 { "[snow:rain:1]" } else { "snow" }.into()
        }
        27 => recipe.loras = loras(dice.pick(&LORA_WEIGHTS)),
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

/// Changes one setting of a fusion.
fn edit_fusion(dice: &mut Dice, fusion: &mut Fusion) {
    match dice.roll(5) {
        0 => fusion.k_e = dice.number(1.0, 4.0),
        1 => fusion.enabled = !fusion.enabled,
        2 | 3 => {
            fusion.rule = dice.pick(FusionRule::ALL);
            fusion.weight = dice.number(0.0, 1.0);
            let mask = dice.pick(&["2x2: 1*1 0*2 1*1", "4x4: 0*5 1*6"]);
            fusion.mask = Some(mask.parse().expect("a mask"));
        }
        _ => {
            let owner = dice.pick(&[Owner::General, Owner::Expert]);
            fusion.owners = vec![RegionOwner { position: dice.roll(6), owner }];
            fusion.bias = paint(dice, &[-300, 200, 50]);
        }
    }
}

/// Up to two keys, with factors so small that some steps are not guided.
fn random_keys(dice: &mut Dice) -> Vec<Key> {
    let mut keys = Vec::new();
    for _ in 0..dice.roll(3) {
        keys::put(&mut keys, Key { step: dice.roll(6), factor: dice.number(0.0, 2.0) });
    }
    keys
}
