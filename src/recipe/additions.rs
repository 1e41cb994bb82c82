//! The files that are added to a model.
//!
//! Apart from the recipe, because a model is read again only when one of these changes.

use std::path::PathBuf;

use super::{lora::Lora, recipe::Recipe};

/// What is added to a model as it is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Additions {
    /// Those whose weight is not 0.
    pub loras: Vec<Lora>,
    /// An autoencoder instead of the model's own: a file or a folder.
    pub vae: Option<PathBuf>,
    /// Textual inversions, each a file whose name is its word.
    pub embeddings: Vec<PathBuf>,
}

impl Recipe {
    /// What the recipe adds to its model.
    pub fn additions(&self) -> Additions {
        Additions {
            loras: self.active_loras().cloned().collect(),
            vae: self.vae.clone(),
            embeddings: self.embeddings.clone(),
        }
    }
}
