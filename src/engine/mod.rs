//! The worker: its own thread, owner of every model and tensor.
//!
//! [`start`] gives the handle that a window holds; [`handle::connect`] gives both ends, for tests that play the worker.
//! One thread for all tensor work: burn's GPU streams belong to the OS thread that uses them.

mod approx_decoder;
mod cache_key;
mod compatibility;
pub mod device;
mod error;
pub mod event;
pub mod guided_step;
pub mod handle;
mod ledger;
pub mod models;
pub mod prediction_cache;
pub mod preview;
pub mod provenance;
pub mod report;
pub mod run;
mod sized_lru;
mod warmup;
mod worker;

pub use compatibility::{Compatibility, CompatibilityPoint, ModelPair, Verdict};
pub use device::DeviceChoice;
pub use error::EngineError;
pub use event::{
    ConceptReport, Event, FusionReport, JobId, Ledger, Norms, Pull, RenderResult, ScfgReport, Spread, StepReport,
    Token, TokenKind,
};
pub use handle::EngineHandle;
pub use prediction_cache::MemoryBudget;

/// What the worker may remember of earlier runs unless it is told otherwise, in bytes; [`EngineHandle::set_memory`].
pub const MEMORY: usize = 1 << 30;

/// Starts the worker's thread, which remembers earlier runs within `memory` bytes. `wake` is called from it after every
/// event.
///
/// # Errors
/// When the operating system refuses a thread.
pub fn start(choice: DeviceChoice, memory: usize, wake: impl Fn() + Send + 'static) -> std::io::Result<EngineHandle> {
    let (handle, worker) = handle::connect(wake);
    handle.set_memory(memory);
    std::thread::Builder::new().name("engine".into()).spawn(move || worker::serve(&worker, choice))?;
    Ok(handle)
}
