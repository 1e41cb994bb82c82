//! This program's side of `benches/peers.py`, which runs it and diffusers in turn: reads one command per line, runs it once,
//! and prints its duration in seconds.
//!
//! * `load FOLDER [bf16|f16] [wgpu]`: a model folder (or `pocket`), by default in f32 on the CPU; a device that cannot be
//!   opened ends the program with status 2;
//! * `render`: 20 DDIM steps with guidance 5 at the model's own size, picture included;
//! * `s-cfg`, `sega 1`, `sega 3`, `snb`: the same with a method on;
//! * `steps METHOD at SIDE COUNT`: that many steps at SIDE x SIDE pixels without the picture, concepts acting from the first;
//!   `cfg` is no method, and a model other than Pocket is its own expert;
//! * `unet SIDE`: the two branches of one guided step on latents of that side;
//! * `decode SIDE`: one decode of latents of that side.

mod shared;

use std::{
    io::{BufRead as _, Write as _},
    time::Instant,
};

use sextant::{
    engine::{device, prediction_cache::PredictionCache},
    model::{Model, Request},
    nets::Precision,
    recipe::{ModelRef, Recipe},
    sampling::TorchGenerator,
};
use shared::{Models, recipe};

fn main() {
    let mut models: Option<Models> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let words: Vec<&str> = line.split_whitespace().collect();
        let start = Instant::now();
        match (words.as_slice(), &models) {
            (["load", folder, rest @ ..], _) => {
                // The previous model is dropped first, because two may not fit in memory.
                drop(models.take());
                let precision = match rest {
                    _ if rest.contains(&"bf16") => Precision::Bf16,
                    _ if rest.contains(&"f16") => Precision::F16,
                    _ => Precision::F32,
                };
                let device = if rest.contains(&"wgpu") { "wgpu" } else { "cpu" };
                let opened =
                    device::open_headless(device, precision, &ModelRef::Pocket, &|_| {}).unwrap_or_else(|why| {
                        eprintln!("{why}");
                        std::process::exit(2);
                    });
                models = Some(Models::on(&opened.device, ModelRef::from((*folder).to_owned()), precision));
            }
            (["steps", method @ .., "at", side, count], Some(models)) => {
                steps(models, &method.join(" "), side.parse().expect("a side"), count.parse().expect("a count"));
            }
            (["unet", side], Some(models)) => guided_step(models.general.as_ref(), side.parse().expect("a side")),
            (["decode", side], Some(models)) => decode(models.general.as_ref(), side.parse().expect("a side")),
            ([..], Some(models)) => drop(models.render(&recipe(&line))),
            _ => continue,
        }
        println!("{}", start.elapsed().as_secs_f64());
        std::io::stdout().flush().expect("standard output");
    }
}

fn steps(models: &Models, method: &str, side: usize, count: usize) {
    let mut recipe = Recipe { width: side, height: side, steps: count, ..recipe(method) };
    recipe.concepts.iter_mut().for_each(|concept| concept.warmup = 0);
    models.denoise(&recipe, false, &mut PredictionCache::new(0), |_, _| {});
}

fn guided_step(model: &dyn Model, side: usize) {
    let latents = TorchGenerator::new(7).latents([model.geometry().channels, side, side]);
    let denoiser = model.denoiser();
    let prepared = denoiser.prepare_timestep(500.0);
    let mut step = denoiser.at_step(&latents, 500.0, prepared.as_ref()).expect("a step");
    let read = |text: &str| denoiser.prepare_text(&model.encode(text).expect("a text")).expect("a text that fits");
    let texts = ["", "a red car"].map(read);
    let requests = texts.each_ref().map(|text| Request { text, levels: &[] });
    for prediction in step.predict_all(&requests, &|| true) {
        prediction.expect("a prediction");
    }
}

fn decode(model: &dyn Model, side: usize) {
    let latents = TorchGenerator::new(7).latents([model.geometry().channels, side, side]);
    model.codec().decode(&latents, &|| true).expect("a picture");
}
