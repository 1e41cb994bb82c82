//! Why a recipe cannot be met.
//!
//! Apart from the checks because what reads recipes from text fails with it too.

/// A request that cannot be met: one sentence that says what, where and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    #[error("unknown {what} \"{given}\": choose one of {known}")]
    UnknownOption { what: &'static str, given: String, known: String },
    #[error("{what} is {given}, but must be {must}")]
    OutOfRange { what: String, given: String, must: &'static str },
    #[error("{0}")]
    Conflict(String),
}
