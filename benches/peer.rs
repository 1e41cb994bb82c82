//! Our side of `benches/peers.py`, which runs us and diffusers in turn: reads one word a line, does it once, and answers
//! with the seconds it took.
//!
//! * `load FOLDER [bf16]`: a model folder (or `pocket`), in f32 unless told otherwise; not counted by the script;
//! * `render`: 20 DDIM steps with guidance 5 at the model's own size, picture included;
//! * `s-cfg`, `sega 1`, `sega 3`, `snb`: the same with a method on;
//! * `unet SIDE`: the two branches of one guided step on latents of that side;
//! * `decode SIDE`: one decode of latents of that side.

use std::{
    io::{BufRead as _, Write as _},
    time::Instant,
};

use burn::tensor::Device;
use sextant::{
    engine::{
        memory::Memory,
        run::{Options, Run},
    },
    nets::{Precision, TapRequest},
    recipe::{Concept, Fusion, FusionMode, ModelRef, Recipe, Scfg},
    sampling::TorchGenerator,
    weights::{self, LoadedModel},
};

fn main() {
    let device = Device::flex();
    let mut model = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let words: Vec<&str> = line.split_whitespace().collect();
        let begun = Instant::now();
        match (words.as_slice(), &model) {
            (["load", folder, rest @ ..], _) => {
                // The other one goes first: two do not fit everywhere.
                drop(model.take());
                let folder = ModelRef::from((*folder).to_owned());
                let precision = rest.first().map_or(Ok(Precision::F32), |p| p.parse()).expect("a precision");
                model = Some(weights::load_with(&folder, &device, precision).expect("a model"));
            }
            (["unet", side], Some(model)) => guided_step(model, side.parse().expect("a side")),
            (["decode", side], Some(model)) => decode(model, side.parse().expect("a side")),
            ([what, rest @ ..], Some(model)) => render(model, &recipe(what, rest), &device),
            _ => continue,
        }
        println!("{}", begun.elapsed().as_secs_f64());
        std::io::stdout().flush().expect("standard output");
    }
}

fn recipe(what: &str, rest: &[&str]) -> Recipe {
    let plain = Recipe { prompt: "a red car on a city street at sunset".into(), seed: 7, ..Recipe::default() };
    let concept = |text: &str| Concept { text: text.into(), warmup: 5, ..Concept::default() };
    match what {
        "s-cfg" => Recipe { scfg: Scfg { enabled: true, ..Scfg::default() }, ..plain },
        "sega" => {
            let count = rest.first().and_then(|n| n.parse().ok()).unwrap_or(1);
            Recipe { concepts: ["night", "rain", "old"].iter().take(count).map(|c| concept(c)).collect(), ..plain }
        }
        "snb" => {
            let fusion = Fusion { t0: 0.0, k_e: 4.0, mode: FusionMode::High, ..Fusion::default() };
            Recipe { fusion: Some(fusion), ..plain }
        }
        _ => plain,
    }
}

fn render(model: &LoadedModel, recipe: &Recipe, device: &Device) {
    let expert =
        recipe.active_fusion().map(|f| weights::load_expert(&f.expert, model, device).expect("the bundled expert"));
    let mut memory = Memory::new(0);
    let mut run = Run::prepare(recipe, model, expert.as_ref(), Options::default(), &mut memory).expect("a run");
    while run.step(&mut memory, &|| true).expect("a step").is_some() {}
    model.vae.decode(run.latents(), &|| true).expect("a picture");
}

fn guided_step(model: &LoadedModel, side: usize) {
    let latents = TorchGenerator::new(7).latents([model.unet.config().channels, side, side]);
    for text in ["", "a red car"] {
        let text = model.encode(text).expect("a text");
        model.unet.predict(&latents, 500.0, &text, &TapRequest::none(), &|| true).expect("a prediction");
    }
}

fn decode(model: &LoadedModel, side: usize) {
    let latents = TorchGenerator::new(7).latents([model.unet.config().channels, side, side]);
    model.vae.decode(&latents, &|| true).expect("a picture");
}
