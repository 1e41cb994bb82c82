//! Times of whole renders with the bundled models, by method, and of slider edits: `cargo bench --bench renders`, with
//! `-- --rounds 9` for more rounds.
//!
//! Each round renders everything once, interleaved. A ratio is the median over rounds of a method's time to the plain
//! render's time in the same round.

mod shared;

use sextant::{
    engine::{
        self,
        prediction_cache::PredictionCache,
        preview::{PreviewDecoder, Previews},
        report::step_report,
    },
    recipe::Recipe,
};
use shared::{METHODS, Models, flag, median, recipe, seconds};

fn main() {
    let models = Models::bundled();
    let rounds = flag("--rounds", 5);
    println!("| whole render | ms | to plain guidance | evaluations |\n|---|---|---|---|");
    renders(&models, rounds);
    println!("\n| what panels show | ms | to the bare run |\n|---|---|---|");
    panels(&models, rounds);
    println!("\n| slider edit, 20 steps | ms | to a fresh run | evaluations |\n|---|---|---|---|");
    edits(&models, rounds);
}

fn renders(models: &Models, rounds: usize) {
    let names: Vec<&str> = std::iter::once("cfg").chain(METHODS).collect();
    let mut times = vec![Vec::new(); names.len()];
    let mut evaluations = vec![0; names.len()];
    for round in 0..=rounds {
        for (i, name) in names.iter().enumerate() {
            let recipe = recipe(name);
            let time = seconds(|| evaluations[i] = models.render(&recipe).1);
            // The first round is for warming up.
            if round > 0 {
                times[i].push(time);
            }
        }
    }
    for (i, name) in names.iter().enumerate() {
        println!(
            "| {name} | {:.0} | {:.3} | {} |",
            1e3 * median(&times[i]),
            ratio(&times[i], &times[0]),
            evaluations[i]
        );
    }
}

/// The cost of what the window shows: segmentation of every step, caching, reports, and previews.
fn panels(models: &Models, rounds: usize) {
    let recipe = recipe("cfg");
    let mut decoder = PreviewDecoder::measure(models.general.as_ref()).expect("a preview decoder");
    let bare = || models.denoise(&recipe, false, &mut PredictionCache::new(0), |_, _| {});
    let maps = || models.denoise(&recipe, true, &mut PredictionCache::new(0), |_, _| {});
    let empty = std::sync::Arc::new(models.decode(&sextant::tensor::Latents::zeros(4, 8, 8)));
    let mut shown = |previews: bool| {
        let mut previewer = Previews::new(models.general.as_ref(), &mut decoder);
        models.denoise(&recipe, true, &mut PredictionCache::new(engine::MEMORY), |record, memory| {
            let preview = if previews {
                previewer.picture(memory, &record.denoised).expect("a preview")
            } else {
                (empty.clone(), true)
            };
            std::hint::black_box(step_report(&recipe, record, 20, preview, Default::default()));
        })
    };
    let mut times = vec![Vec::new(); 4];
    for round in 0..=rounds {
        let taken = [seconds(bare), seconds(maps), seconds(|| shown(false)), seconds(|| shown(true))];
        if round > 0 {
            times.iter_mut().zip(taken).for_each(|(times, time)| times.push(time));
        }
    }
    let names = ["bare steps", "with segmentation", "and caching, with reports", "and previews decoded"];
    for (name, taken) in names.iter().zip(&times) {
        println!("| {name} | {:.0} | {:.3} |", 1e3 * median(taken), ratio(taken, &times[0]));
    }
}

/// An edit of one concept's strength, with the previous run cached.
fn edits(models: &Models, rounds: usize) {
    for (what, warmup) in [("sega 1", 3), ("sega 1", 10), ("sega 3", 10)] {
        let mut recipe = recipe(what);
        recipe.concepts.iter_mut().for_each(|c| c.warmup = warmup);
        let mut memory = PredictionCache::new(engine::MEMORY);
        let run = |recipe: &Recipe, memory: &mut PredictionCache| models.denoise(recipe, true, memory, |_, _| {}).1;
        run(&recipe, &mut memory);
        let (mut edited, mut fresh, mut spent, mut full) = (Vec::new(), Vec::new(), 0, 0);
        for round in 0..rounds {
            recipe.concepts[0].strength = 3.0 + round as f32 * 0.37;
            edited.push(seconds(|| spent = run(&recipe, &mut memory)));
            fresh.push(seconds(|| full = run(&recipe, &mut PredictionCache::new(0))));
        }
        let time = 1e3 * median(&edited);
        println!("| {what}, from step {warmup} | {time:.0} | {:.2} | {spent} of {full} |", ratio(&edited, &fresh));
    }
}

/// The median of the ratios of paired times.
fn ratio(of: &[f64], to: &[f64]) -> f64 {
    median(&of.iter().zip(to).map(|(a, b)| a / b).collect::<Vec<_>>())
}
