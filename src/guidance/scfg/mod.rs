//! S-CFG, semantic-aware classifier-free guidance (Shen et al., CVPR 2024; arXiv 2404.05384).
//!
//! The network's own attention cuts the picture into one region per token; every region's guidance is rescaled so that
//! its mean strength equals the foreground's. Numbering as in algorithms.md §1.2.
//!
//! `reference` is the authors' code. `fixed` uses the self-attention powers as published, gives every element exactly
//! one owner, and falls back to rate 1 where there is no foreground or nothing but foreground.
//!
//! | step of §1.2 | where |
//! |---|---|
//! | which layers, which token maps | `maps` |
//! | 1-6: refinement, blur, normalisation, mean over layers | `refine` (its paper-ordered twin for tests: `oracle_tests`) |
//! | owners: one region a token, foreground | `owners`, `segmentation` |
//! | rates | `rate` |

mod maps;
#[cfg(test)]
mod oracle_tests;
mod owners;
mod rate;
mod refine;
mod segmentation;

pub use maps::{Layer, levels};
pub use rate::rate;
pub use segmentation::{Segmentation, segment, segment_chunks};
