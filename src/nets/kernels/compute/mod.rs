//! The kernels: slices in, vectors out.
//!
//! Everything is channel-major: a map is `[channels, h * w]`, tokens are `[width, positions]`, so that a convolution, a
//! linear layer and both halves of attention are one kind of product and nothing is ever transposed. Vector instructions
//! are chosen at run time (AVX-512, AVX2, NEON, or plain code). Outputs do not depend on the number of threads nor on how
//! work is cut: the order of every sum is fixed by the shapes alone.
//!
//! No file here knows burn: `checks/kernels` builds them alone, for a sanitizer and for a model of the worker pool.
//!
//! What is unsafe is in few places. Outputs that several threads write are [`disjoint`] slices, whose parts the tasks
//! promise not to share; the instruction set is a type, whose value proves that the CPU has it; loads by pointer stand
//! behind a check of the whole range.

mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod conv;
mod disjoint;
#[cfg(target_arch = "x86_64")]
mod dotted;
mod element;
mod grid;
mod inner;
mod instruction_set;
mod matrix;
mod memory;
mod multiply;
mod norm;
mod parallel;
mod pointwise;
mod product;
mod spread;
mod sync;
#[cfg(test)]
mod tests;
mod tile;
mod tile_shape;
mod vectors;
mod weights;
mod winograd;
mod worker_pool;

pub(crate) use attention::attend;
pub(crate) use conv::{Extras, convolve, multiply};
pub(crate) use grid::Geometry;
pub(crate) use memory::{is_worth_keeping, recycle, release_scratch};
pub(crate) use norm::{GroupNormArgs, group_norm, layer_norm};
pub(crate) use parallel::{parallel_map, with_workers};
pub(crate) use pointwise::{geglu, gelu, quick_gelu, silu};
pub(crate) use spread::spread;
pub(crate) use weights::Weights;
