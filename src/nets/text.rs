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

impl TextEncoding {
    /// Memory of the embeddings and the tokens, in bytes.
    pub fn bytes(&self) -> usize {
        let pooled = self.pooled.as_ref().map_or(0, |pooled| pooled.shape().num_elements());
        (self.hidden.shape().num_elements() + pooled) * size_of::<f32>() + size_of_val(self.tokens.as_slice())
    }
}
