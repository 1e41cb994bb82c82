//! Helpers around a denoiser: a single prediction, and work with a result on its threads.
//!
//! Apart from the traits, because families do not implement them.

use super::{
    conditioning::Conditioning,
    denoiser::{Denoiser, Prediction, Request},
    error::ModelError,
    family::Model,
};
use crate::tensor::Latents;

/// A prediction from nothing: for a single text at a single step.
///
/// # Errors
/// As [`super::StepDenoiser::predict`], [`Denoiser::prepare_text`] and [`Denoiser::at_step`].
pub fn predict(
    model: &dyn Model,
    latents: &Latents,
    timestep: f32,
    text: &Conditioning,
    levels: &[usize],
    is_current: &dyn Fn() -> bool,
) -> Result<Prediction, ModelError> {
    let denoiser = model.denoiser();
    let text = denoiser.prepare_text(text)?;
    let prepared = denoiser.prepare_timestep(timestep);
    let mut step = denoiser.at_step(latents, timestep, prepared.as_ref())?;
    step.predict(Request { text: &text, levels }, is_current)
}

/// [`Denoiser::with_workers`] for work with a result.
pub fn with_workers<T>(denoiser: &dyn Denoiser, work: impl FnOnce() -> T) -> T {
    let (mut work, mut result) = (Some(work), None);
    denoiser.with_workers(&mut || {
        if let Some(work) = work.take() {
            result = Some(work());
        }
    });
    match (result, work) {
        (Some(result), _) => result,
        (None, Some(work)) => work(),
        (None, None) => unreachable!("taken work has a result"),
    }
}
