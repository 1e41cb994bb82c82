//! What the window opens with: one scene that shows all three methods.

use std::path::Path;

use super::{
    files::{SavedSession, SavedTake},
    state::Look,
    store::saved_session,
};
use crate::{
    recipe::{Concept, Fusion, FusionMode, ModelRef, Recipe, Sampler, Scfg},
    session::{Document, Layout},
};

/// The demo rendered once, with its steps: the window is alive before a weight is read. `cargo test --release --test
/// kept -- --ignored` makes it anew.
const SESSION: &str = include_str!("../../assets/demo.sextant.ron");

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
    .with_concept_ids()
}

/// The demo with its take. Where that is of another recipe, or cannot be read, the recipe alone.
pub fn session() -> SavedSession {
    let document = Document::from_text(SESSION, Path::new("the demo"));
    let session = document.map(saved_session).inspect_err(|error| log::warn!("{error}")).unwrap_or_default();
    let of_demo = |take: &SavedTake| take.track.recipe == recipe();
    let layout = Layout { overlay_opacity: Look::default().opacity, ..Layout::default() };
    let takes = session.takes.into_iter().filter(of_demo).collect();
    SavedSession { recipe: recipe(), takes, layout, ..SavedSession::default() }
}

fn concept(text: &str, strength: f32, threshold: f32) -> Concept {
    Concept { text: text.into(), strength, threshold, warmup: 3, ..Concept::default() }
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
