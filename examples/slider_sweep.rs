//! One SEGA slider from one end to the other over the same noise: `cargo run --release --example slider_sweep [FOLDER]`.
//!
//! Each picture carries its recipe. The engine remembers what the networks predicted, so that only the first picture pays for the
//! steps before the concept's warm-up ends.

mod shared;

use std::error::Error;

use sextant::{
    recipe::{Concept, Recipe},
    session,
};

fn main() -> Result<(), Box<dyn Error>> {
    let renderer = shared::Renderer::start()?;
    let folder = shared::folder("slider_sweep")?;
    for strength in [-12.0, -6.0, 0.0, 6.0, 12.0] {
        let sunset = Concept { text: "sunset".into(), strength, warmup: 4, ..Concept::default() };
        let recipe = Recipe {
            prompt: "a red car on a city street".into(),
            seed: 7,
            steps: 12,
            concepts: vec![sunset],
            ..Recipe::default()
        };
        let result = renderer.render(recipe)?.result;
        let path = folder.join(format!("sunset {strength:+}.png"));
        let metadata = session::Metadata { recipe: &result.recipe, model_hash: None, run: Some(&result.fingerprint) };
        session::save_picture(&path, &result.picture, Some(metadata))?;
        println!("{strength:+}: {} evaluations, {}", result.branch_evaluations, path.display());
    }
    Ok(())
}
