//! What the approximations save and change, with the bundled model: `cargo bench --bench approximations`.
//!
//! Over eight prompts of 20 steps: evaluations relative to the full run, and the PSNR of the picture to that of the full run,
//! as mean and minimum. For comparison, fewer steps at a similar cost.

mod shared;

use sextant::{
    recipe::{GuidanceInterval, Recipe},
    tensor::Picture,
};
use shared::Models;

const PROMPTS: [&str; 8] = [
    "a cat and a red balloon on a beach at sunset",
    "a red car on a city street at sunset",
    "a snowman in a forest",
    "a lighthouse by the sea",
    "a dog in a garden",
    "a boat on a lake at night",
    "a house on a hill in snow",
    "a robot in a room",
];

fn main() {
    let models = Models::bundled();
    let recipes =
        || PROMPTS.iter().zip(1..).map(|(prompt, seed)| Recipe { prompt: (*prompt).into(), seed, ..Recipe::default() });
    let full: Vec<(Picture, usize)> = recipes().map(|r| models.render(&r)).collect();
    println!("| setting | evaluations | PSNR, mean | PSNR, worst |\n|---|---|---|---|");
    for (name, change) in settings() {
        let (mut spent, mut all, mut distances) = (0, 0, Vec::new());
        for (recipe, (picture, evaluations)) in recipes().zip(&full) {
            let (found, used) = models.render(&change(recipe));
            spent += used;
            all += evaluations;
            distances.push(psnr(&found, picture));
        }
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        let worst = distances.iter().copied().fold(f64::INFINITY, f64::min);
        println!("| {name} | {:.0} % | {mean:.1} dB | {worst:.1} dB |", 100.0 * spent as f64 / all as f64);
    }
}

/// From a plain recipe to one with an approximation.
type Change = Box<dyn Fn(Recipe) -> Recipe>;

/// The approximations, by name.
fn settings() -> Vec<(String, Change)> {
    let mut list: Vec<(String, Change)> = Vec::new();
    for (from, until) in [(0, 16), (0, 12), (0, 8), (2, 16), (4, 16)] {
        let interval = Some(GuidanceInterval { from, until });
        let name = format!("guidance interval {from}..{until} of 20");
        list.push((name, Box::new(move |r| Recipe { guidance_interval: interval, ..r })));
    }
    for cosine in [0.97, 0.98, 0.99, 0.995] {
        let name = format!("adaptive guidance, cosine {cosine}");
        list.push((name, Box::new(move |r| Recipe { adaptive_guidance: Some(cosine), ..r })));
    }
    for steps in [18, 16, 14] {
        list.push((format!("{steps} steps instead of 20"), Box::new(move |r| Recipe { steps, ..r })));
    }
    list
}

/// Peak signal-to-noise ratio in dB of two pictures of one size.
fn psnr(a: &Picture, b: &Picture) -> f64 {
    let squares: f64 = a.rgb.iter().zip(&b.rgb).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2)).sum();
    10.0 * (255.0f64.powi(2) * a.rgb.len() as f64 / squares.max(1e-9)).log10()
}
