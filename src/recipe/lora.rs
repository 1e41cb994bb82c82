//! LoRA files (Hu et al., ICLR 2022) as a recipe names them.
//!
//! Apart because they change the model's weights, not the loop.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A LoRA file, added to the weights of the general model's U-Net and text encoder (Hu et al., ICLR 2022).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lora {
    pub path: PathBuf,
    /// How much of it is added; 0 adds nothing, and a negative one takes away.
    pub weight: f32,
}

impl Lora {
    /// A short name for people: the file's, without its ending.
    pub fn title(&self) -> String {
        self.path.file_stem().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}
