//! The worker: its own thread, owner of every model and tensor.
//!
//! [`start`] gives the handle that a window holds; [`handle::connect`] gives both ends, for tests that play the worker.

pub mod event;
pub mod handle;

pub use event::{ConceptReport, Event, Finished, FusionReport, JobId, Norms, ScfgReport, StepReport, Token, TokenKind};
pub use handle::EngineHandle;
