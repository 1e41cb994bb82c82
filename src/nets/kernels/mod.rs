//! The arithmetic of the networks on the CPU, on raw f32 values, or on pairs of bf16 made of them on the way.
//!
//! [`compute`] has the kernels, which work on slices; `tensors` makes functions of burn's tensors of them. Apart from the
//! layers because other devices take these as compositions of burn's operations and the kernels of `gpu`; `layers` chooses.

mod compute;
mod tensors;
mod values;

pub(super) use compute::{Extras, Geometry, GroupNormArgs, Weights, parallel_map, release_scratch, spread};
pub(super) use tensors::{
    attend, convolve, geglu, gelu, group_norm, layer_norm, multiply, quick_gelu, silu, with_workers,
};
pub(super) use values::{Values, is_cpu};
