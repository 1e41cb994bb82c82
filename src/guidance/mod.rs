//! Guidance: how the predictions of several branches become the one that the sampler gets.
//!
//! One file or folder a paper, each a set of pure functions of the predictions. Everything here is f32 on the host, so
//! that a mask or a region never depends on the device; attention maps alone are multiplied where a network holds them,
//! behind [`crate::tensor::AttentionMaps`].
//!
//! | what | where |
//! |---|---|
//! | `g (eps_c - eps_u)`, which steps are guided | [`mod@cfg`] |
//! | S-CFG: attention maps, refinement, owners, rate | [`scfg`] |
//! | SEGA: direction, threshold, warm-up, momentum | [`sega`] |
//! | SNB: saliency, baseline, window, rules, bias, owners, blend | [`snb`] |
//! | `eps_u + g * rho * override * (eps_c - eps_u) + sum_k lock_k * SEGA_k`, `M * eps_e + (1 - M) * eps_g` | [`combine`] |
//! | what the user's settings mean by regions | [`regions`] |

pub mod blur;
pub mod cfg;
pub mod combine;
pub mod quantile;
pub mod regions;
mod resample;
pub mod scfg;
pub mod sega;
pub mod snb;
mod tasks;

pub use tasks::{Tasks, sequential};
