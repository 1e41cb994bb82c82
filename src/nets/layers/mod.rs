//! The layers that networks are made of: linear layers, convolutions, norms and activations.
//!
//! Separate from the networks: a layer decides by its device between the CPU's kernels and those of GPUs, and the
//! networks do not see which.

mod activation;
mod conv;
mod layer_weights;
mod linear;
mod norm;
mod reshape;
#[cfg(test)]
mod tests;

pub(super) use activation::{Activation, geglu};
pub(super) use conv::{Conv, ConvExtras};
pub(super) use linear::Linear;
pub(super) use norm::{GroupNorm, LayerNorm};
pub(super) use reshape::{from_tokens, join_channels, to_tokens};
