//! LoRA files (Hu et al., ICLR 2022) as a recipe names them.
//!
//! Apart because they change the model's weights, not the loop.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A LoRA file, added to the weights of the general model's denoiser and text encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lora {
    pub path: PathBuf,
    /// The factor on the LoRA's change of the weights, -10 to 10; 0 changes nothing.
    pub weight: f32,
}

impl Lora {
    /// A short name for display: the file's name without its extension.
    pub fn title(&self) -> String {
        self.path.file_stem().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}
