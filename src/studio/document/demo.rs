//! The recipe that the window opens with: one scene that shows all three methods.

use super::presets::bundled_expert;
use crate::recipe::{Concept, Recipe, Sampler, Scfg};

/// A cat and a balloon at the beach: S-CFG on, two concepts, and a prepared fusion that waits for its switch.
pub fn recipe() -> Recipe {
    Recipe {
        prompt: "a cat and a red balloon on a beach at sunset".into(),
        seed: 3,
        sampler: Sampler::Ddim,
        scfg: Scfg { enabled: true, ..Scfg::default() },
        concepts: vec![concept("sunglasses", 9.0, 0.9), concept("night", 0.0, 0.2)],
        fusion: Some(bundled_expert()),
        ..Recipe::default()
    }
    .with_concept_ids()
}

fn concept(text: &str, strength: f32, threshold: f32) -> Concept {
    Concept { text: text.into(), strength, threshold, warmup: 3, ..Concept::default() }
}
