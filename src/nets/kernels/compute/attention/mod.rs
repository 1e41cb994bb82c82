//! softmax(k^T q / sqrt(d)) and its product with v, a few queries at a time.
//!
//! Keys are taken some at a time, whose scores a first-level cache holds, and what they bring is added to running sums: as
//! in Milakov and Gimelshein, Online normalizer calculation for softmax (2018), and Dao et al., FlashAttention (2022).

mod attend;
mod block;
mod mean;
mod packed;
mod softmax;

pub(crate) use attend::attend;
#[cfg(test)]
pub(super) use {
    block::Block,
    mean::Mean,
    packed::{Packed, Sizes},
};
