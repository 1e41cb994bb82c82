//! Fused kernels for GPUs, where burn would take a dozen passes over a tensor: every pass reads and writes it.
//!
//! They are written in CubeCL, which compiles them to SPIR-V, WGSL or MSL. Apart from the CPU's kernels because they share
//! nothing with them but their results, which `tests` compares. Each function returns the tensor as its error if it is on no
//! GPU or not in f32; `layers` then composes the same of burn's operations.

mod check;
mod element;
mod layers;
mod norm;
mod product;
mod product_kernel;
mod softmax;
mod tensors;
#[cfg(test)]
mod tests;

pub use check::{KernelCheck, KernelCheckError, kernel_checks, relative};
pub(super) use element::{geglu, join_channels, silu};
pub(super) use layers::{Added, attend, convolve, linear, matrix_product};
pub(super) use norm::{Affine, group_norm, layer_norm};
