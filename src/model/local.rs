//! The models that the program carries, and those on disk.
//!
//! Apart as the default [`ModelSource`]; a test gives the engine another.

use std::sync::Arc;

use super::{
    compatibility::{CompatibilityPoint, ModelPair},
    error::ModelError,
    family::Model,
    latent_diffusion::{LatentDiffusion, networks},
    outlines,
    source::{ModelSource, Target},
};
use crate::{
    recipe::{Additions, Lora, ModelRef},
    weights,
};

/// Bundled models, diffusers folders and single-file checkpoints.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalModels;

impl ModelSource for LocalModels {
    fn load(&self, model: &ModelRef, loras: &[Lora], target: &Target) -> Result<Arc<dyn Model>, ModelError> {
        let additions = Additions { loras: loras.to_vec(), ..Additions::default() };
        self.load_with(model, &additions, target)
    }

    fn load_with(
        &self,
        model: &ModelRef,
        additions: &Additions,
        target: &Target,
    ) -> Result<Arc<dyn Model>, ModelError> {
        let found = weights::load_with_additions(model, additions, &target.device, target.precision);
        Ok(Arc::new(LatentDiffusion(found.map_err(ModelError::load)?)))
    }

    fn load_expert(
        &self,
        model: &ModelRef,
        general: &Arc<dyn Model>,
        target: &Target,
    ) -> Result<Arc<dyn Model>, ModelError> {
        let Some(general) = networks(general) else { return self.load(model, &[], target) };
        let found = weights::load_expert(model, general, &target.device);
        Ok(Arc::new(LatentDiffusion(found.map_err(ModelError::load)?)))
    }

    fn compare(&self, pair: &ModelPair) -> Vec<CompatibilityPoint> {
        outlines::check(pair)
    }
}
