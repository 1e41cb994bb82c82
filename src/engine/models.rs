//! Loaded models, kept until others are needed.

use std::sync::Arc;

use super::{device::Opened, error::EngineError};
use crate::{
    recipe::{Lora, ModelRef, Recipe},
    weights::{self, LoadedModel},
};

/// The general model and the expert that were used last.
#[derive(Default)]
pub struct Models {
    general: Option<(ModelRef, Vec<Lora>, Arc<LoadedModel>)>,
    /// With the hash of the general model it was loaded over: a part of a model borrows the rest.
    expert: Option<(ModelRef, String, Arc<LoadedModel>)>,
}

impl Models {
    /// The models of a recipe, read where they are not at hand; `busy` hears what is being read.
    pub fn for_recipe(
        &mut self,
        recipe: &Recipe,
        opened: &Opened,
        busy: &dyn Fn(String),
    ) -> Result<(Arc<LoadedModel>, Option<Arc<LoadedModel>>), EngineError> {
        let general = self.general(&recipe.model, recipe.active_loras().cloned().collect(), opened, busy)?;
        let expert = match recipe.expert_fusion() {
            Some(fusion) => Some(self.expert(&fusion.expert, &recipe.model, &general, opened, busy)?),
            None => None,
        };
        Ok((general, expert))
    }

    fn general(
        &mut self,
        wanted: &ModelRef,
        loras: Vec<Lora>,
        opened: &Opened,
        busy: &dyn Fn(String),
    ) -> Result<Arc<LoadedModel>, EngineError> {
        match &self.general {
            Some((name, with, model)) if name == wanted && *with == loras => Ok(model.clone()),
            _ => {
                busy(format!("Reading {}…", wanted.title()));
                self.general = None;
                let model = Arc::new(weights::load_changed(wanted, &loras, &opened.device, opened.precision)?);
                self.general = Some((wanted.clone(), loras, model.clone()));
                Ok(model)
            }
        }
    }

    fn expert(
        &mut self,
        wanted: &ModelRef,
        over: &ModelRef,
        general: &Arc<LoadedModel>,
        opened: &Opened,
        busy: &dyn Fn(String),
    ) -> Result<Arc<LoadedModel>, EngineError> {
        if wanted == over {
            return Ok(general.clone());
        }
        match &self.expert {
            Some((name, base, model)) if name == wanted && *base == general.content_hash => Ok(model.clone()),
            _ => {
                busy(format!("Reading {}…", wanted.title()));
                self.expert = None;
                let model = Arc::new(weights::load_expert(wanted, general, &opened.device)?);
                self.expert = Some((wanted.clone(), general.content_hash.clone(), model.clone()));
                Ok(model)
            }
        }
    }
}
