//! An encoded text on the device, as a U-Net takes it.
//!
//! Separate because text encoders make it and U-Nets read it.

use burn::tensor::Tensor;

use crate::tensor::Token;

/// An encoded text.
#[derive(Clone, Debug)]
pub struct TextEncoding {
    /// `[1, L, width]`.
    pub hidden: Tensor<3>,
    /// `[1, width]`, where the model has one (SDXL).
    pub pooled: Option<Tensor<2>>,
    /// What stands at each of the L positions.
    pub tokens: Vec<Token>,
}
