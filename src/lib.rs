//! Sextant: steering text-to-image diffusion by meaning.
//!
//! A [`recipe::Recipe`] says what is wanted. The [`engine`] carries it out on its own thread: it owns the models, which it
//! knows through the traits of [`model`] alone, takes steps with [`sampling`], decides each step's noise with
//! [`guidance`], and reports. Behind `model`, [`weights`] reads files and builds the networks of [`nets`]. The [`studio`]
//! draws reports and never computes; [`trace`] writes them down; [`session`] keeps recipes and takes.
//!
//! Arrows between modules run one way: studio, cli → session, trace, engine → guidance, sampling, model → weights, nets →
//! recipe, prompt, fingerprint, tensor, files. `tests/architecture` checks them.

pub mod cli;
pub mod engine;
pub mod files;
pub mod fingerprint;
pub mod guidance;
pub mod model;
pub mod nets;
pub mod prompt;
pub mod recipe;
pub mod sampling;
pub mod session;
pub mod studio;
pub mod tensor;
pub mod trace;
pub mod weights;
