//! Times of the bundled networks on the CPU: `cargo bench --bench nets`, with a part of a name behind `--` only those.

use std::time::Instant;

use burn::tensor::Device;
use sextant::{
    nets::{Precision, TapRequest},
    recipe::ModelRef,
    tensor::Latents,
    weights::{LoadedModel, load_with},
};

/// Median and least of `repeats` runs after two to warm up, in milliseconds.
fn time(name: &str, repeats: usize, mut work: impl FnMut()) {
    // Cargo itself passes --bench.
    if !std::env::args().skip(1).filter(|a| !a.starts_with("--")).all(|part| name.contains(&part)) {
        return;
    }
    work();
    work();
    let mut times: Vec<f64> = (0..repeats)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:44} median {:8.2} ms   least {:8.2} ms", times[repeats / 2], times[0]);
}

fn latents(height: usize, width: usize) -> Latents {
    let values = (0..4 * height * width).map(|i| ((i * 7919) % 1013) as f32 / 506.0 - 1.0).collect();
    Latents::new(4, height, width, values)
}

fn main() {
    for precision in [Precision::F32, Precision::Bf16] {
        pocket(precision);
    }
}

fn pocket(precision: Precision) {
    let model: LoadedModel = load_with(&ModelRef::Pocket, &Device::flex(), precision).expect("Pocket");
    let time =
        |name: &str, repeats: usize, work: &mut dyn FnMut()| time(&format!("{name}, {precision}"), repeats, work);
    let text = model.encode("a cat and a red balloon on a beach at sunset").expect("encoding");
    let predict = |latents: &Latents, taps: &TapRequest| {
        model.unet.predict(latents, 500.0, &text, taps, &|| true).expect("prediction");
    };
    time("text encoder", 20, &mut || {
        model.encode("a cat and a red balloon on a beach at sunset").expect("encoding");
    });
    for side in [24, 32] {
        let latents = latents(side, side);
        time(&format!("U-Net, one branch, {side}x{side}"), 40, &mut || predict(&latents, &TapRequest::none()));
        time(&format!("U-Net with maps at 2 and 4, {side}x{side}"), 40, &mut || {
            predict(&latents, &TapRequest::at([2, 4]))
        });
        time(&format!("VAE decode to {0}x{0}", 8 * side), 20, &mut || {
            model.vae.decode(&latents, &|| true).expect("picture");
        });
    }
    let pixels = model.vae.decode(&latents(24, 24), &|| true).expect("picture");
    time("VAE encode from 192x192", 20, &mut || {
        model.vae.encode(&pixels, &|| true).expect("latents");
    });
}
