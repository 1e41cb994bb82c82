//! The flags that choose where to compute, and with which precision.
//!
//! Separate from the commands, because the studio and `render` share them.

use clap::Args;

use crate::nets::Precision;

#[derive(Debug, Default, Args)]
pub struct DeviceArgs {
    /// Where to compute: auto, cpu, wgpu, or wgpu:NAME with a part of a graphics card's name.
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Of products: f32; on the CPU also bf16, for half the memory, and for speed where the CPU has AVX512_BF16; on a GPU
    /// also f16, for half the memory.
    #[arg(long, default_value_t, value_name = "PRECISION")]
    pub precision: Precision,
}
