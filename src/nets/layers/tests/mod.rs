//! The CPU's kernels against the compositions of burn's operations that other devices use, on sizes that are no multiples
//! of the kernels' tiles.
//!
//! Separate from the layers, one file per kind.

mod activations;
mod attention;
mod common;
mod layers;
mod precision;
mod threads;
