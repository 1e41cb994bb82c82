use burn::tensor::Tensor;

use crate::tensor::Token;

/// A prompt as a U-Net takes it.
#[derive(Clone, Debug)]
pub struct TextEncoding {
    /// `[1, L, width]`.
    pub hidden: Tensor<3>,
    /// `[1, width]`, where the model has one (SDXL).
    pub pooled: Option<Tensor<2>>,
    /// One per position, L in all.
    pub tokens: Vec<Token>,
}
