//! Why a network gave no result.
//!
//! Separate from the networks, because all of them return it.

use burn::tensor::TensorReadError;

use super::cancelled::Cancelled;

/// Why a network gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error("the {network} takes {expected}, but was given {given}: choose models and sizes that belong together")]
    Input { network: &'static str, expected: String, given: String },
    #[error("the device could not deliver the result: {0}")]
    Device(#[from] TensorReadError),
}
