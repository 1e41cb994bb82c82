//! The worker: its own thread, owner of every model and tensor.
//!
//! [`start`] gives the handle that a window holds; [`handle::connect`] gives both ends, for tests that play the worker.
//! One thread for all tensor work: burn's GPU streams belong to the OS thread that uses them.
//!
//! ```
//! use std::sync::mpsc::channel;
//!
//! use sextant::{
//!     engine::{self, DeviceChoice, Event},
//!     recipe::Recipe,
//! };
//!
//! let (wake, woken) = channel();
//! let engine = engine::start(DeviceChoice::Cpu, engine::MEMORY, move || drop(wake.send(())))?;
//! engine.submit(Recipe { prompt: "a cat on a beach".into(), steps: 2, ..Recipe::default() });
//! let picture = 'done: loop {
//!     woken.recv()?;
//!     while let Some(event) = engine.poll() {
//!         match event {
//!             Event::Done { take, .. } => break 'done take.picture.clone(),
//!             Event::Failed { message, .. } => return Err(message.into()),
//!             _ => {}
//!         }
//!     }
//! };
//! assert_eq!((picture.width, picture.height), (192, 192));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod approx_decoder;
pub mod backend;
mod cache_key;
mod cached_denoiser;
pub mod card;
pub mod cost;
pub mod device;
mod error;
pub mod event;
pub mod guided_step;
pub mod handle;
mod job;
mod ledger;
pub mod memory;
pub mod models;
mod network_tags;
pub mod prediction_cache;
pub mod preview;
pub mod provenance;
pub mod report;
pub mod run;
mod sized_lru;
mod start;
mod step_times;
mod timed_text;
mod warmup;
mod worker;

pub use crate::model::{Compatibility, CompatibilityPoint, ModelPair, Verdict};
pub use card::{CardState, Preference};
pub use device::{DeviceChoice, parse as parse_device};
pub use error::EngineError;
pub use event::{
    ConceptReport, Event, FusionReport, JobId, Ledger, Norms, Pull, RenderResult, ScfgReport, Spread, StepReport,
    Token, TokenKind,
};
pub use handle::EngineHandle;
pub use prediction_cache::MemoryBudget;
pub use start::{MEMORY, start, start_with};
