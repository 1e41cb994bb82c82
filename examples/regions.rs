//! Who owns which region, and how strongly each is guided: `cargo run --release --example regions [PROMPT]`.
//!
//! S-CFG gives every element of the latents to the token with the largest attention there, and each region a rate of its own.

mod shared;

use std::error::Error;

use sextant::{
    engine::{ScfgReport, Token},
    recipe::{Recipe, Scfg},
};

fn main() -> Result<(), Box<dyn Error>> {
    let prompt = std::env::args().nth(1).unwrap_or_else(|| "a cat and a red balloon on a beach".into());
    let renderer = shared::Renderer::start()?;
    let scfg = Scfg { enabled: true, ..Scfg::default() };
    let rendered = renderer.render(Recipe { prompt, seed: 3, steps: 10, scfg, ..Recipe::default() })?;
    for report in &rendered.result.reports {
        if let Some(scfg) = &report.scfg {
            println!("step {} of {}", report.step + 1, report.calls);
            print_regions(scfg, &rendered.tokens);
        }
    }
    Ok(())
}

/// A line a region, the largest first: the token, its share of the picture, its mean rate.
fn print_regions(scfg: &ScfgReport, tokens: &[Token]) {
    for &(position, share) in &scfg.shares {
        let owned = scfg.region.values.iter().zip(&scfg.rate.values);
        let rates: Vec<f32> =
            owned.filter(|(owner, _)| usize::from(**owner) == position).map(|(_, rate)| *rate).collect();
        let mean = rates.iter().sum::<f32>() / rates.len() as f32;
        let name = tokens.get(position).map_or("", |token| token.text.as_str());
        println!("  {position:3} {name:12} {:5.1} %  rate {mean:.2}", 100.0 * share);
    }
}
