//! Why a run has no result: one sentence each, for the user.
//!
//! Apart because every file of the engine returns it.

use crate::{
    model::{Cancelled, ModelError},
    recipe::RecipeError,
    sampling::ScheduleError,
};

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Model(ModelError),
    /// Not shown as an error: the result is no longer needed.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error("this model draws pictures whose sides are multiples of {multiple_of} pixels, not {width}x{height}")]
    Size { width: usize, height: usize, multiple_of: usize },
    #[error("the initial latents are {given:?} (channels, height, width), but this size and model need {needed:?}")]
    LatentShape { given: [usize; 3], needed: [usize; 3] },
    #[error("the expert cannot be fused with the general model: {0}; choose another expert")]
    ExpertMismatch(String),
    #[error("S-CFG and settings of regions need attention to the text, which the {0} of this model does not show")]
    NoAttention(&'static str),
    #[error("step {step} gave numbers that are not finite: lower the guidance scale or the concept scales")]
    NotFinite { step: usize },
    /// A tensor is larger than the kernels of a card can reach.
    #[error(
        "{width}x{height} pixels of this model need a tensor of {needed} MiB, but {device} takes {largest} MiB at most: choose a smaller size, or the processor"
    )]
    TooLarge { width: usize, height: usize, needed: usize, device: String, largest: usize },
    /// The machine has not the memory.
    #[error("{width}x{height} pixels of this model need about {needed:.1} GiB, and {free:.1} GiB are free: {remedy}")]
    OutOfMemory { width: usize, height: usize, needed: f32, free: f32, remedy: String },
    #[error(
        "the prompt asks for the LoRA \"{name}\", but no file {name}.safetensors is in {}: put it beside the model or in a folder \"Lora\" there, or take the tag out of the prompt", if looked.is_empty() { "any folder of this model" } else { looked }
    )]
    NoNetwork { name: String, looked: String },
    #[error("no such device: {0}")]
    Device(String),
    #[error("the engine failed inside: {0}; the next request starts afresh")]
    Panicked(String),
}

impl EngineError {
    /// Whether the device may be at fault, and not the request.
    pub fn is_of_device(&self) -> bool {
        let failed = matches!(
            self,
            Self::Model(ModelError::Failed { .. } | ModelError::Attention(_) | ModelError::NotFinite { .. })
        );
        failed || matches!(self, Self::TooLarge { .. } | Self::Device(_) | Self::Panicked(_) | Self::NotFinite { .. })
    }
}

impl From<ModelError> for EngineError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Model(other),
        }
    }
}
