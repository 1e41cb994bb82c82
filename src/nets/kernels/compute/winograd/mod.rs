//! 3x3 convolutions by minimal filtering, F(2x2, 3x3): Winograd, Arithmetic Complexity of Computations (1980), and Lavin
//! and Gray, Fast Algorithms for Convolutional Neural Networks (2016).
//!
//! A tile of 2 x 2 outputs sees 4 x 4 inputs d. With the kernel g it is `A' [(G g G') . (B' d B)] A`: 16 multiplications
//! for each pair of channels where the plain sum takes 36. So a convolution becomes 16 products, one for each place of
//! the transformed tile, of depth = channels and one column per tile.
//!
//! Kernels are transformed on the way, from the panels that the plain product reads: for the columns that a task has,
//! that is a few hundredths of its work, and no transformed copy (16/9 of the size) has to be kept or read.

mod blocks;
mod fill;
mod filtering;
mod task;
mod transforms;

pub(super) use filtering::{Filtering, SLACK, layout};
#[cfg(test)]
pub(super) use task::Task;
