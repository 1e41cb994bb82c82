//! The bundled model on a card and on the processor.
//!
//! Apart because a card is tested with it in the process that checks it, and once more in the one that computes on it.

use std::time::{Duration, Instant};

use burn::tensor::Device;

use crate::{
    engine::error::EngineError,
    model::{self, LocalModels, ModelSource, Target},
    nets::{self, Precision},
    recipe::ModelRef,
    sampling::TorchGenerator,
};

/// The side of the latents that are predicted: that of the model's pictures.
const SIDE: usize = 24;
/// The side of those that are decoded: a decoder takes many times as long, and has the same layers at any size.
const DECODED: usize = 8;
/// Largest relative difference (L2) that passes.
const TOLERANCE: f64 = 2e-3;
/// The same for weights in f16: wide enough for 10 bits of mantissa, not for a wrong kernel.
const TOLERANCE_F16: f64 = 2e-2;

/// Compares one prediction and one decoded picture of the bundled model with the processor's, at the size at which they are
/// used: guards against a driver or kernel that computes wrongly, perhaps for long sums only. Returns the time of a second
/// prediction on the card.
///
/// # Errors
/// [`EngineError::Device`] where they differ, others as the model has them.
pub fn self_test(device: &Device, precision: Precision, name: &str) -> Result<Duration, EngineError> {
    let on = |target: &Target| -> Result<(Vec<f32>, Duration), EngineError> {
        let model = LocalModels.load(&ModelRef::Pocket, &[], target)?;
        let text = model.encode("a red car")?;
        let noise = TorchGenerator::new(7).latents([model.geometry().channels, SIDE, SIDE]);
        let predict = || model::predict(model.as_ref(), &noise, 500.0, &text, &[], &|| true);
        let mut values = predict()?.output.values;
        // Once more for the time: the first one has compiled its kernels.
        let begun = Instant::now();
        predict()?;
        let step = begun.elapsed();
        let patch = TorchGenerator::new(7).latents([model.geometry().channels, DECODED, DECODED]);
        values.extend(model.codec().decode(&patch, &|| true)?.values);
        Ok((values, step))
    };
    let (found, step) = on(&Target { device: device.clone(), precision })?;
    let (expected, _) = on(&Target::cpu())?;
    let distance = nets::relative([&found, &expected]);
    let granted = if precision == Precision::F16 { TOLERANCE_F16 } else { TOLERANCE };
    // Not a comparison that is false for a distance that is no number.
    if distance <= granted {
        return Ok(step);
    }
    Err(EngineError::Device(format!(
        "{name} computes wrongly (its prediction is {distance:.1e} away from the processor's)"
    )))
}
