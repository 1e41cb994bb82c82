//! The LoRAs that a prompt names in tags, as files.
//!
//! Apart from the models, which take files alone.

use std::path::PathBuf;

use super::error::EngineError;
use crate::{
    files::networks::{find_network, lora_folders},
    recipe::{Lora, ModelRef, Recipe},
};

/// The LoRAs of a recipe: those that it lists, then those that its prompts name.
///
/// # Errors
/// [`EngineError::NoNetwork`] for a name that no file has.
pub(super) fn all_loras(recipe: &Recipe) -> Result<Vec<Lora>, EngineError> {
    let mut loras: Vec<Lora> = recipe.active_loras().cloned().collect();
    let tags = recipe.network_tags();
    if tags.is_empty() {
        return Ok(loras);
    }
    let model = match &recipe.model {
        ModelRef::Folder(path) => Some(path.as_path()),
        _ => None,
    };
    let known: Vec<PathBuf> = recipe.loras.iter().map(|lora| lora.path.clone()).collect();
    let folders = lora_folders(model, &known);
    for tag in tags.into_iter().filter(|tag| tag.weight != 0.0) {
        let listed = recipe.loras.iter().find(|lora| lora.title() == tag.name).map(|lora| lora.path.clone());
        let Some(path) = listed.or_else(|| find_network(&folders, &tag.name)) else {
            let looked: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
            return Err(EngineError::NoNetwork { name: tag.name, looked: looked.join(", ") });
        };
        loras.push(Lora { path, weight: tag.weight });
    }
    Ok(loras)
}
