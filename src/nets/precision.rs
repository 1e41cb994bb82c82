//! The precision of a model's products.
//!
//! Separate from the layers, because the command line and the loaders name it too.

use std::{fmt, str::FromStr};

/// The number format of the weights of U-Net and autoencoder, and of their products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Single precision throughout.
    #[default]
    F32,
    /// Weights are rounded to bf16 (8 bits of mantissa), which halves their memory. The inputs of linear layers are rounded
    /// too, which is faster on CPUs with bf16 instructions. 3x3 convolutions and attention multiply in f32, and all sums are
    /// f32.
    ///
    /// On the CPU only; other devices treat it as [`Precision::F32`].
    Bf16,
    /// The U-Net's weights are rounded to f16 (10 bits of mantissa, up to 65504), which halves their memory. Values and sums are
    /// f32, and so is the autoencoder.
    ///
    /// On GPUs only; the CPU treats it as [`Precision::F32`].
    F16,
}

/// A name that is not that of a [`Precision`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no precision: choose f32, bf16 or f16")]
pub struct UnknownPrecision(String);

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(s: &str) -> Result<Self, UnknownPrecision> {
        match s {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            "f16" => Ok(Self::F16),
            _ => Err(UnknownPrecision(s.to_owned())),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        })
    }
}
