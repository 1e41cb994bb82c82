//! The GPU computes what the CPU computes.
//!
//! Apart from the drawing of the window: a real card is asked for, no software rasteriser.

use burn::tensor::Device;
use sextant::{
    engine::{
        DeviceChoice, device,
        prediction_cache::PredictionCache,
        run::{Options, Run},
    },
    model::{LocalModels, ModelSource, Target},
    nets::Precision,
    recipe::{Concept, Fusion, FusionMode, ModelRef, Recipe, Scfg},
    tensor::Latents,
};

use crate::common::relative_l2;

/// Relative L2 distance that is granted after a few steps of all three methods: f32 on both sides, other sums.
const TOLERANCE: f64 = 5e-3;

fn everything() -> Recipe {
    Recipe {
        prompt: "a cat on a beach at sunset".into(),
        steps: 4,
        seed: 3,
        scfg: Scfg { enabled: true, ..Scfg::default() },
        // Without a threshold: an element that changes sides would be a large difference for a small cause.
        concepts: vec![Concept { text: "night".into(), threshold: 0.0, warmup: 1, ..Concept::default() }],
        fusion: Some(Fusion { t0: 0.0, mode: FusionMode::High, ..Fusion::default() }),
        ..Recipe::default()
    }
}

/// Latents and decoded picture after all steps.
fn render(device: &Device) -> (Latents, Vec<f32>) {
    let recipe = everything();
    let target = Target { device: device.clone(), precision: Precision::F32 };
    let general = LocalModels.load(&ModelRef::Pocket, &[], &target).expect("the bundled model");
    let expert = LocalModels.load_expert(&ModelRef::PocketToon, &general, &target).expect("the bundled expert");
    let mut memory = PredictionCache::new(0);
    let mut run =
        Run::prepare(&recipe, general.as_ref(), Some(expert.as_ref()), Options::default(), &mut memory).expect("a run");
    while run.step(&mut memory, &|| true).expect("a step").is_some() {}
    let pixels = general.codec().decode(run.latents(), &|| true).expect("a picture");
    (run.latents().clone(), pixels.values)
}

/// A card that does not open, or fails its self-test, fails here.
pub fn draws_what_the_cpu_draws() {
    let opened = device::open(DeviceChoice::Wgpu, None).unwrap_or_else(|why| panic!("{why}"));
    let (gpu, cpu) = (render(&opened.device), render(&Device::flex()));
    let (latents, pixels) = (relative_l2(&gpu.0.values, &cpu.0.values), relative_l2(&gpu.1, &cpu.1));
    println!("{}: latents {latents:.1e}, picture {pixels:.1e} away from the CPU", opened.name);
    assert!(latents < TOLERANCE && pixels < TOLERANCE, "latents {latents:.1e}, picture {pixels:.1e}");
}
