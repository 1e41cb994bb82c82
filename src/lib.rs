//! Sextant: steering text-to-image diffusion by meaning.
//!
//! A [`recipe::Recipe`] says what is wanted. The [`engine`] carries it out on its own thread: it owns the [`nets`] that
//! [`weights`] read, takes steps with [`sampling`], decides each step's noise with [`guidance`], and reports. The
//! [`studio`] draws reports and never computes; [`trace`] writes them down; [`session`] keeps recipes and takes.
//!
//! Arrows between modules run one way: studio, cli → session, trace, engine → guidance, sampling, weights → nets →
//! recipe, fingerprint, tensor, files. `tests/architecture.rs` holds that true.

pub mod cli;
pub mod engine;
pub mod files;
pub mod fingerprint;
pub mod guidance;
pub mod nets;
pub mod recipe;
pub mod sampling;
pub mod session;
pub mod studio;
pub mod tensor;
pub mod trace;
pub mod weights;
