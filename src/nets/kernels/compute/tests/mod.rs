//! The kernels on every instruction set that this machine has, plain code included, against sums in f64. The best set would
//! hide the others.

mod attention;
mod common;
mod pairs;
mod pointwise;
mod product;
mod spread;
mod winograd;
