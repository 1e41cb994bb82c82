//! Single weights of a model as its networks get them.
//!
//! Separate from loading: what a LoRA makes of a weight is compared with other programs tensor by tensor.

use sha2::{Digest as _, Sha256};

use super::{
    LoadError, ModelFiles,
    checkpoint::Checkpoint,
    lora::{Loras, Network},
};
use crate::{
    nets::TensorSource as _,
    recipe::{Lora, ModelRef},
};

/// The values of tensor `name` (row-major, f32) of the network in `folder` (`unet`, `text_encoder`, `text_encoder_2`) with
/// LoRAs added.
///
/// # Errors
/// As [`super::load_changed`], as far as that network is concerned, and where it has no such tensor.
pub fn changed_weight(model: &ModelRef, loras: &[Lora], folder: &str, name: &str) -> Result<Vec<f32>, LoadError> {
    let files = ModelFiles::open(model)?;
    let network = match folder {
        "text_encoder" => Network::Text,
        "text_encoder_2" => Network::Text2,
        _ => Network::UNet,
    };
    let (loras, _) = Loras::read(loras)?;
    let checkpoint = Checkpoint::read(&files, folder, &mut Sha256::new())?;
    let changed = loras.onto(network, &checkpoint, &checkpoint.names())?;
    changed.values(name).map_err(|source| checkpoint.load_error(source))
}
