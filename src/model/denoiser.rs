//! The denoiser: what a network predicts of latents at a step, for several texts, with attention maps.
//!
//! Apart as the hot part of the seam. What does not depend on the latents is computed ahead and cached by the engine:
//! per text ([`Denoiser::prepare_text`]) and per timestep ([`Denoiser::prepare_timestep`]).

use std::{any::Any, sync::Arc};

use super::{conditioning::Conditioning, error::ModelError};
use crate::tensor::{AttentionMaps, Latents};

/// Says whether the result of a computation is still needed; the computation ends early once it says no.
pub type IsCurrent<'a> = &'a (dyn Fn() -> bool + Sync);

/// A network that predicts noise (or what the model's parametrisation says) in latents.
pub trait Denoiser: Send + Sync {
    /// The name that users read, as in "the U-Net".
    fn name(&self) -> &'static str;

    /// At which levels (latent side / grid side) its attention to the text can be read; empty where it cannot.
    fn levels(&self) -> Vec<usize>;

    /// How often a prediction asks whether it is still current: the steps of its progress.
    fn stages(&self) -> usize {
        1
    }

    /// The bytes that predictions for `texts` texts at once need beside the weights, at latents of `[height, width]`, while the
    /// attention at `levels` is kept of two of them; 0 where that is not known.
    fn working_memory(&self, _latents: [usize; 2], _texts: usize, _levels: &[usize]) -> usize {
        0
    }

    /// What can be computed of a text for all latents and timesteps.
    ///
    /// # Errors
    /// [`ModelError::Input`] where the text was encoded for another network.
    fn prepare_text(&self, text: &Conditioning) -> Result<Precomputed, ModelError>;

    /// What can be computed of a timestep for all latents and texts; `None` where nothing can.
    fn prepare_timestep(&self, _timestep: f32) -> Option<Precomputed> {
        None
    }

    /// The denoiser at one step: `latents` as the sampler scales them, `timestep` in training timesteps, and what
    /// [`Denoiser::prepare_timestep`] gave for it.
    ///
    /// # Errors
    /// [`ModelError::Input`] where the latents do not fit this network.
    fn at_step<'a>(
        &'a self,
        latents: &'a Latents,
        timestep: f32,
        prepared: Option<&Precomputed>,
    ) -> Result<Box<dyn StepDenoiser + 'a>, ModelError>;

    /// Calls `work`, which asks for predictions and computes on the host, once, with the denoiser's threads ready: waking
    /// them for each part would cost as much as some parts take.
    fn with_workers(&self, work: &mut dyn FnMut()) {
        work();
    }

    /// Calls `task` with 0..count, each once, in any order; inside [`Denoiser::with_workers`] on several threads.
    fn run_tasks(&self, count: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(task);
    }
}

/// A denoiser at given latents and timestep. What no text decides is computed once for all of them.
pub trait StepDenoiser {
    /// The prediction for one text.
    ///
    /// # Errors
    /// [`ModelError::Cancelled`] once `is_current` says no; others as the network has them.
    fn predict(&mut self, request: Request<'_>, is_current: &dyn Fn() -> bool) -> Result<Prediction, ModelError>;

    /// The predictions for several texts, in this order: what [`StepDenoiser::predict`] gives for each, to the bit, but
    /// side by side where there are threads for it.
    fn predict_all(
        &mut self,
        requests: &[Request<'_>],
        is_current: IsCurrent<'_>,
    ) -> Vec<Result<Prediction, ModelError>> {
        requests.iter().map(|request| self.predict(*request, is_current)).collect()
    }
}

/// What is predicted for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// From [`Denoiser::prepare_text`].
    pub text: &'a Precomputed,
    /// The levels whose attention maps are requested, of [`Denoiser::levels`]; none cost nothing.
    pub levels: &'a [usize],
}

/// One evaluation of a denoiser for one text.
pub struct Prediction {
    /// Noise or v, by the model's parametrisation. As the latents; a token model has a channel a label.
    pub output: Latents,
    /// The attention of every layer at the levels that were asked for, in network order.
    pub attention: Vec<Box<dyn AttentionMaps>>,
}

/// Something that a denoiser computed ahead and alone can read.
#[derive(Clone)]
pub struct Precomputed {
    value: Arc<dyn Any + Send + Sync>,
    bytes: usize,
}

impl Precomputed {
    /// `bytes`: memory that `value` takes.
    pub fn new(value: impl Any + Send + Sync, bytes: usize) -> Self {
        Self { value: Arc::new(value), bytes }
    }

    /// The value; `None` if another family computed it.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.value.clone().downcast().ok()
    }

    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
