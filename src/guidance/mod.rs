//! Guidance: how the predictions of several branches become the one that the sampler gets.
//!
//! One file a paper, each a set of pure functions of the predictions; [`cfg`] is the common ground. Everything here is
//! f32 on the host, so that a mask or a region never depends on the device; only the attention maps of S-CFG are
//! multiplied where they are.

pub mod blur;
pub mod cfg;
mod refine;
pub mod regions;
pub mod scfg;
pub mod sega;
pub mod snb;
