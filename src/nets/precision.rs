use std::{fmt, str::FromStr};

/// With how many bits the U-Net and the autoencoder multiply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Single precision throughout.
    #[default]
    F32,
    /// Weights are rounded to bf16 (8 bits of mantissa), which takes half the memory. So is what linear layers multiply
    /// them with, which is faster where the CPU multiplies bf16 well; 3x3 convolutions and attention multiply, and all
    /// sums are kept, in f32.
    ///
    /// On the CPU; other devices take it for [`Precision::F32`].
    Bf16,
    /// The U-Net's weights are rounded to f16 (10 bits of mantissa, up to 65504), and so is what linear layers and
    /// convolutions multiply them with, and their products' sums. So is self-attention, where nobody asks for its map.
    /// Norms, attention to the text, what is added up from block to block, and the autoencoder, whose values outgrow f16 in
    /// some models, stay in f32.
    ///
    /// On graphics cards; the CPU takes it for [`Precision::F32`].
    F16,
}

/// A name that is no [`Precision`].
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
