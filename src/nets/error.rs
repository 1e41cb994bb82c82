//! Why a network gave no result.
//!
//! Separate from the networks, because all of them return it.

use burn::tensor::TensorReadError;

/// The caller no longer needs the result, and the computation ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the computation was cancelled because its result is no longer needed")]
pub struct Cancelled;

impl Cancelled {
    /// `Ok` as long as `is_current` answers yes.
    pub(super) fn check(is_current: &dyn Fn() -> bool) -> Result<(), Self> {
        if is_current() { Ok(()) } else { Err(Self) }
    }
}

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
