//! The loaded models, kept until others are needed.
//!
//! Apart so that the worker and a script load models the same way, from any [`ModelSource`].

use std::sync::Arc;

use super::{error::EngineError, network_tags::all_loras};
use crate::{
    model::{LocalModels, Model, ModelSource, Target},
    recipe::{Additions, ModelRef, Recipe},
};

/// The general model of a recipe, and its expert where there is one.
pub type Loaded = (Arc<dyn Model>, Option<Arc<dyn Model>>);

/// The general model and the expert that were used last.
pub struct Models {
    source: Arc<dyn ModelSource>,
    general: Option<(ModelRef, Additions, Arc<dyn Model>)>,
    /// With the hash of the general model it was loaded over: an expert may take parts from there.
    expert: Option<(ModelRef, String, Arc<dyn Model>)>,
}

impl Default for Models {
    /// Bundled models and those on disk.
    fn default() -> Self {
        Self::new(Arc::new(LocalModels))
    }
}

impl Models {
    /// Nothing loaded yet.
    pub fn new(source: Arc<dyn ModelSource>) -> Self {
        Self { source, general: None, expert: None }
    }

    /// The models of a recipe, read where they are not loaded. Reports what is being read through `busy`.
    ///
    /// # Errors
    /// As [`ModelSource::load`] and [`ModelSource::load_expert`].
    pub fn for_recipe(
        &mut self,
        recipe: &Recipe,
        target: &Target,
        busy: &(dyn Fn(String) + Sync),
    ) -> Result<Loaded, EngineError> {
        let additions = Additions { loras: all_loras(recipe)?, ..recipe.additions() };
        let general = self.general(&recipe.model, additions, target, busy)?;
        let expert = match recipe.expert_fusion() {
            Some(fusion) => Some(self.expert(&fusion.expert, &recipe.model, &general, target, busy)?),
            None => None,
        };
        Ok((general, expert))
    }

    fn general(
        &mut self,
        requested: &ModelRef,
        additions: Additions,
        target: &Target,
        busy: &(dyn Fn(String) + Sync),
    ) -> Result<Arc<dyn Model>, EngineError> {
        match &self.general {
            Some((name, with, model)) if name == requested && *with == additions => Ok(model.clone()),
            _ => {
                busy(format!("Reading {}…", requested.title()));
                // Freed before the next is read: both need not fit in memory.
                self.general = None;
                let model = self.source.load_with(requested, &additions, target)?;
                self.general = Some((requested.clone(), additions, model.clone()));
                Ok(model)
            }
        }
    }

    fn expert(
        &mut self,
        requested: &ModelRef,
        over: &ModelRef,
        general: &Arc<dyn Model>,
        target: &Target,
        busy: &(dyn Fn(String) + Sync),
    ) -> Result<Arc<dyn Model>, EngineError> {
        if requested == over {
            return Ok(general.clone());
        }
        match &self.expert {
            Some((name, base, model)) if name == requested && base == general.hash() => Ok(model.clone()),
            _ => {
                busy(format!("Reading {}…", requested.title()));
                self.expert = None;
                let model = self.source.load_expert(requested, general, target)?;
                self.expert = Some((requested.clone(), general.hash().to_owned(), model.clone()));
                Ok(model)
            }
        }
    }
}
