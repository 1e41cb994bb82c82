//! What bf16 costs in accuracy, on the bundled model: the U-Net's outputs and whole pictures against f32.

use std::sync::Arc;

use burn::tensor::Device;
use sextant::{
    engine::{
        prediction_cache::PredictionCache,
        run::{Options, Run},
    },
    model::{self, LocalModels, Model, ModelSource, Target},
    nets::Precision,
    recipe::{ModelRef, Recipe},
    sampling::TorchGenerator,
    tensor::Picture,
};

fn models() -> [Arc<dyn Model>; 2] {
    let target = |precision| Target { device: Device::flex(), precision };
    [Precision::F32, Precision::Bf16]
        .map(|p| LocalModels.load(&ModelRef::Pocket, &[], &target(p)).expect("the bundled model"))
}

#[test]
fn predictions_in_bf16_are_near_those_in_f32() {
    let models = models();
    let latents = TorchGenerator::new(3).latents([4, 24, 24]);
    for timestep in [900.0, 500.0, 100.0] {
        let [exact, found] = models.each_ref().map(|model| {
            let text = model.encode("a red car on a city street at sunset").expect("a text");
            let found = model::predict(model.as_ref(), &latents, timestep, &text, &[], &|| true);
            found.expect("a prediction").output.values
        });
        let off: Vec<f64> = exact.iter().zip(&found).map(|(a, b)| f64::from((a - b).abs())).collect();
        let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let norm = square(&mut exact.iter().map(|&v| f64::from(v)));
        let relative = square(&mut off.iter().copied()) / norm;
        let (largest, mean) = (off.iter().copied().fold(0.0, f64::max), off.iter().sum::<f64>() / off.len() as f64);
        println!("t = {timestep}: relative L2 {relative:.2e}, largest {largest:.2e}, mean {mean:.2e}");
        // Not zero: another precision is at work. Not more than rounding to 8 bits explains.
        assert!(relative > 1e-5 && relative < 2e-2, "t = {timestep}: {relative:.2e}");
    }
}

fn render(model: &dyn Model, seed: u64) -> Picture {
    let prompt = "a red car on a city street at sunset".to_owned();
    let recipe = Recipe { prompt, seed, ..Recipe::default() };
    let mut memory = PredictionCache::new(0);
    let mut run = Run::prepare(&recipe, model, None, Options::default(), &mut memory).expect("a run");
    while run.step(&mut memory, &|| true).expect("a step").is_some() {}
    model.codec().decode(run.latents(), &|| true).expect("a picture").to_picture()
}

#[test]
fn pictures_in_bf16_look_like_those_in_f32() {
    let models = models();
    for seed in [7, 8, 9] {
        let [exact, found] = models.each_ref().map(|model| render(model.as_ref(), seed));
        let square = |(a, b): (&u8, &u8)| f64::from(a.abs_diff(*b)).powi(2);
        let mean = exact.rgb.iter().zip(&found.rgb).map(square).sum::<f64>() / exact.rgb.len() as f64;
        let psnr = 10.0 * (255.0 * 255.0 / mean).log10();
        println!("seed {seed}: {psnr:.1} dB");
        assert!(psnr > 30.0, "seed {seed}: {psnr:.1} dB");
        assert_eq!(found, render(models[1].as_ref(), seed), "bf16 gives the same bits every time");
    }
}
