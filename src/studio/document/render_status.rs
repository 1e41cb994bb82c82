//! How far a picture is that the window renders in the background.
//!
//! Apart from baselines and from the grid, which both keep such pictures.

use crate::engine::JobId;

/// A picture that is rendered when the engine has nothing else to do; `T` is what is kept of the result.
#[derive(Clone, Debug, PartialEq)]
pub enum RenderStatus<T> {
    Waiting,
    Rendering(JobId),
    Done(T),
    /// With the reason.
    Failed(String),
}

impl<T> RenderStatus<T> {
    /// Whether the engine has it.
    pub fn is_rendering(&self) -> bool {
        matches!(self, Self::Rendering(_))
    }

    /// Whether it is rendered as `job`.
    pub fn is_job(&self, job: JobId) -> bool {
        matches!(self, Self::Rendering(own) if *own == job)
    }
}
