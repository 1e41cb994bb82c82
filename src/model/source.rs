//! Where models come from.
//!
//! Apart so that the engine can be given models that no file holds.

use std::sync::Arc;

use burn::tensor::Device;

use super::{
    compatibility::{CompatibilityPoint, ModelPair},
    error::ModelError,
    family::Model,
};
use crate::{
    nets::Precision,
    recipe::{Additions, Lora, ModelRef},
};

/// Where and how precisely a model is to compute.
#[derive(Clone, Debug)]
pub struct Target {
    pub device: Device,
    /// Of products.
    pub precision: Precision,
}

impl Target {
    /// The CPU in f32.
    pub fn cpu() -> Self {
        Self { device: Device::flex(), precision: Precision::F32 }
    }
}

/// Gives models by their names in recipes.
pub trait ModelSource: Send + Sync {
    /// A complete model, with `loras` added to its weights.
    ///
    /// # Errors
    /// [`ModelError::Load`] says in one sentence what is wrong with which file.
    fn load(&self, model: &ModelRef, loras: &[Lora], target: &Target) -> Result<Arc<dyn Model>, ModelError>;

    /// A complete model with everything that a recipe adds to it. A source whose models take LoRAs alone refuses the rest.
    ///
    /// # Errors
    /// As [`ModelSource::load`].
    fn load_with(
        &self,
        model: &ModelRef,
        additions: &Additions,
        target: &Target,
    ) -> Result<Arc<dyn Model>, ModelError> {
        if additions.vae.is_some() || !additions.embeddings.is_empty() {
            return Err(ModelError::load("the model takes neither another VAE nor embeddings: leave them out"));
        }
        self.load(model, &additions.loras, target)
    }

    /// A model to stand beside `general`; one that is a denoiser alone takes everything else from there.
    ///
    /// # Errors
    /// As [`ModelSource::load`], also where the two do not fit.
    fn load_expert(
        &self,
        model: &ModelRef,
        general: &Arc<dyn Model>,
        target: &Target,
    ) -> Result<Arc<dyn Model>, ModelError>;

    /// Whether two models can be fused and what is done to make them fit, without reading a weight.
    fn compare(&self, pair: &ModelPair) -> Vec<CompatibilityPoint>;
}
