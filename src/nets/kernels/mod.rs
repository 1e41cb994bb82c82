//! The arithmetic of the networks on the CPU, on raw f32 values, or on pairs of bf16 made of them on the way.
//!
//! Everything is channel-major: a map is `[channels, h * w]`, tokens are `[width, positions]`, so that a convolution, a
//! linear layer and both halves of attention are one kind of [`product`] and nothing is ever transposed. Vector
//! instructions are chosen at run time (`rten-simd`: AVX-512, AVX2, NEON, or plain code). Outputs do not depend on the
//! number of threads nor on how work is cut: the order of every sum is fixed by the shapes alone.
//!
//! Other devices take the same layers as compositions of burn's operations and the kernels of `card`; `layers` chooses.

mod attention;
mod conv;
mod element;
mod grid;
mod inner;
mod memory;
mod norm;
mod pointwise;
mod product;
mod spread;
#[cfg(test)]
mod tests;
mod tile;
mod values;
mod winograd;
mod worker_pool;

pub(super) use attention::attend;
pub(super) use conv::{Extras, Geometry, Weights, convolve, multiply};
pub(super) use memory::give_back;
pub(super) use norm::{GroupNorm, group_norm, layer_norm};
pub(super) use pointwise::{geglu, gelu, quick_gelu, silu};
pub(super) use spread::spread;
pub(super) use values::{Values, is_cpu};
pub(super) use worker_pool::{parallel_map, with_workers};
