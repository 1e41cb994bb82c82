//! What the window opens with: one scene that shows all three methods.

use crate::recipe::{Concept, Fusion, FusionMode, ModelRef, Recipe, Sampler, Scfg};

/// A cat and a balloon at the beach: S-CFG on, two concepts, and a prepared fusion that waits for its switch.
pub fn recipe() -> Recipe {
    Recipe {
        prompt: "a cat and a red balloon on a beach at sunset".into(),
        seed: 3,
        sampler: Sampler::Ddim,
        scfg: Scfg { enabled: true, ..Scfg::default() },
        concepts: vec![concept("sunglasses", 9.0, 0.9), concept("night", 0.0, 0.2)],
        fusion: Some(snowman()),
        ..Recipe::default()
    }
}

fn concept(text: &str, scale: f32, threshold: f32) -> Concept {
    Concept { text: text.into(), scale, threshold, warmup: 3, ..Concept::default() }
}

/// Pocket Toon over the same words: fused at every step, it draws in its flat style what it finds the more salient.
pub fn snowman() -> Fusion {
    Fusion {
        enabled: false,
        expert: ModelRef::PocketToon,
        prompt: None,
        t0: 0.0,
        k_g: 1.0,
        k_e: 4.0,
        mode: FusionMode::High,
        ..Fusion::default()
    }
}
