use std::{fmt, str::FromStr};

use super::kernels;

/// With how many bits the U-Net and the autoencoder multiply on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Single precision throughout.
    #[default]
    F32,
    /// Weights and what they are multiplied with are rounded to bf16 (8 bits of mantissa), sums are kept in f32. Takes
    /// half the memory; faster where the CPU multiplies bf16, see [`Precision::is_fast_here`].
    Bf16,
}

impl Precision {
    /// Whether this CPU computes at this precision at least as fast as at any other.
    pub fn is_fast_here(self) -> bool {
        self == Self::F32 || kernels::multiplies_pairs()
    }
}

/// A name that is no [`Precision`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no precision: choose f32 or bf16")]
pub struct UnknownPrecision(String);

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(s: &str) -> Result<Self, UnknownPrecision> {
        match s {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(UnknownPrecision(s.to_owned())),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}
