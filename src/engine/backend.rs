//! A device with the models that are loaded on it.
//!
//! Apart because the worker has one for the processor and one for the graphics card.

use std::sync::Arc;

use super::{
    device::Opened,
    error::EngineError,
    memory,
    models::{Loaded, Models},
    run,
    warmup::WarmUp,
};
use crate::{
    model::{Model, ModelSource},
    recipe::Recipe,
};

/// A device, the models that were used last on it, and which of them have been run there.
pub struct Backend {
    pub opened: Opened,
    models: Models,
    warm: WarmUp,
}

impl Backend {
    pub fn new(opened: Opened, source: Arc<dyn ModelSource>) -> Self {
        Self { opened, models: Models::new(source), warm: WarmUp::default() }
    }

    /// The models of a recipe, loaded and, on a card, run once.
    ///
    /// # Errors
    /// As [`Models::for_recipe`], [`check_size`], and those of running a model.
    pub fn load(
        &mut self,
        recipe: &Recipe,
        is_current: &dyn Fn() -> bool,
        busy: &(dyn Fn(String) + Sync),
    ) -> Result<Loaded, EngineError> {
        let (opened, models) = (&self.opened, &mut self.models);
        // Weights stay: on a card each gets just what it needs, and not a slice of a page.
        let read = |models: &mut Models| models.for_recipe(recipe, &opened.target(), busy);
        let (general, expert) = opened.device.memory_persistent_allocations(models, read)?;
        check_size(opened, recipe, general.as_ref())?;
        if !opened.is_cpu() && self.warm.run(general.as_ref(), &recipe.model.title(), is_current, busy)? {
            // What a model before it held goes back to the driver.
            opened.device.memory_cleanup();
            if let Some(usage) = opened.device.memory_pool_usage() {
                let mib = |bytes: u64| bytes >> 20;
                log::info!(
                    "card memory: {} MiB, {} of them in use",
                    mib(usage.bytes_reserved),
                    mib(usage.bytes_in_use)
                );
            }
        }
        Ok((general, expert))
    }
}

/// Whether a device can hold every tensor of a recipe.
///
/// # Errors
/// [`EngineError::TooLarge`] with the sizes.
/// [`EngineError::OutOfMemory`] where the machine is too small.
pub fn check_size(opened: &Opened, recipe: &Recipe, general: &dyn Model) -> Result<(), EngineError> {
    let [_, height, width] = run::latent_shape(recipe, general)?;
    if opened.is_cpu()
        && let Some(free) = memory::free()
    {
        memory::check(recipe, general, memory::needs_regions(recipe), free)?;
    }
    let Some(largest) = opened.largest_tensor else { return Ok(()) };
    let needed = general.codec().largest_tensor([height, width]);
    if needed <= largest {
        return Ok(());
    }
    let (device, mib) = (opened.name.clone(), |bytes: usize| bytes >> 20);
    let (width, height) = (recipe.width, recipe.height);
    Err(EngineError::TooLarge { width, height, needed: mib(needed), device, largest: mib(largest) })
}
