//! Two models over the same noise, and what SNB makes of them: `cargo run --release --example fusion [FOLDER]`.
//!
//! The rules `general` and `expert` give each model alone; `saliency` is SNB itself.

mod shared;

use std::error::Error;

use sextant::{
    recipe::{Fusion, FusionMode, FusionRule, ModelRef, Recipe},
    session,
};

fn main() -> Result<(), Box<dyn Error>> {
    let renderer = shared::Renderer::start()?;
    let folder = shared::folder("fusion")?;
    for rule in [FusionRule::General, FusionRule::Expert, FusionRule::Saliency] {
        let fusion = Fusion {
            expert: ModelRef::PocketToon,
            prompt: Some("a snowman on a beach".into()),
            t0: 300.0,
            mode: FusionMode::High,
            rule,
            ..Fusion::default()
        };
        let recipe =
            Recipe { prompt: "a cat on a beach".into(), seed: 9, steps: 12, fusion: Some(fusion), ..Recipe::default() };
        let result = renderer.render(recipe)?.result;
        let shares: Vec<String> = result
            .reports
            .iter()
            .filter_map(|report| report.fusion.as_ref())
            .map(|fusion| format!("{:.0}", 100.0 * fusion.share))
            .collect();
        let path = folder.join(format!("{rule}.png"));
        session::save_picture(&path, &result.picture, None)?;
        println!("{rule}: the expert draws {} % of the picture step by step, {}", shares.join(" "), path.display());
    }
    Ok(())
}
