//! That a computation ended because nobody waits for it.
//!
//! Apart from other errors, which name the device: what only waits for networks knows none.

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
