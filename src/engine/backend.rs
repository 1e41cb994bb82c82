//! A device with the models that are loaded on it.
//!
//! Apart because the worker has one for the processor and one for the graphics card, and the latter is made on another thread.

use std::sync::Arc;

use super::{
    device::Opened,
    error::EngineError,
    models::{Loaded, Models},
    warmup::WarmUp,
};
use crate::{model::ModelSource, recipe::Recipe};

/// A device, the models that were used last on it, and what has been run there.
pub struct Backend {
    pub opened: Opened,
    models: Models,
    warm: WarmUp,
}

impl Backend {
    pub fn new(opened: Opened, source: Arc<dyn ModelSource>) -> Self {
        Self { opened, models: Models::new(source), warm: WarmUp::default() }
    }

    /// The models of a recipe, loaded and, on a card, run once at its size.
    ///
    /// # Errors
    /// As [`Models::for_recipe`] and [`WarmUp::run`].
    pub fn load(
        &mut self,
        recipe: &Recipe,
        is_current: &dyn Fn() -> bool,
        busy: &dyn Fn(String),
    ) -> Result<Loaded, EngineError> {
        let (general, expert) = self.models.for_recipe(recipe, &self.opened.target(), busy)?;
        if !self.opened.is_cpu() {
            self.warm.run(general.as_ref(), &recipe.model.title(), is_current, busy)?;
        }
        Ok((general, expert))
    }
}
