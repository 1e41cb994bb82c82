//! Fused kernels for GPUs, where burn would take a dozen passes over a tensor: every pass reads and writes it.
//!
//! They are written in CubeCL, which compiles them to SPIR-V, WGSL or MSL. Apart from the CPU's kernels because they share
//! nothing with them but their results, which `tests` compares. Each function returns the tensor as its error if it is on no
//! GPU or not in f32; `layers` then composes the same of burn's operations.

mod element;
mod norm;
mod tensors;
#[cfg(test)]
mod tests;

pub(super) use element::{geglu, silu};
pub(super) use norm::{Affine, group_norm, layer_norm};
pub(super) use tensors::row_major;
