//! Sextant: steering text-to-image diffusion by meaning.
//!
//! Arrows between modules run one way: `studio → session, engine → guidance, sampling, nets, weights → recipe, field`.
//! `tests/architecture.rs` holds that true.

pub mod engine;
pub mod field;
pub mod guidance;
pub mod nets;
pub mod recipe;
pub mod sampling;
pub mod session;
pub mod studio;
pub mod weights;
