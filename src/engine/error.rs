use crate::{
    nets::{NetError, Stopped},
    recipe::RecipeError,
    sampling::ScheduleError,
    weights::{EncodeError, LoadError},
};

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Net(NetError),
    /// Not an error to people: somebody no longer wants the result.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("the initial latents are {given:?} (channels, height, width), but this size and model need {wanted:?}")]
    LatentShape { given: [usize; 3], wanted: [usize; 3] },
    #[error("the expert cannot be fused with the general model: {0}; choose another expert")]
    ExpertMismatch(String),
    #[error("step {step} gave numbers that are not finite: lower the guidance scale or the concept scales")]
    NotFinite { step: usize },
    #[error("no such device: {0}")]
    Device(String),
    #[error("the engine failed inside: {0}; the next request starts afresh")]
    Panicked(String),
}

impl From<NetError> for EngineError {
    fn from(error: NetError) -> Self {
        match error {
            NetError::Stopped(stopped) => Self::Stopped(stopped),
            other => Self::Net(other),
        }
    }
}
