//! TAESD, a small autoencoder that approximates Stable Diffusion's: convolutions and rectifiers, without norms.
//!
//! Separate from the blocks of the autoencoder that it stands for. Source: `taesd.py` of madebyollin/taesd, and diffusers'
//! `AutoencoderTiny`, whose names are used.

use burn::tensor::{Tensor, activation::relu};

use super::{
    Cancelled, ParamError, Params,
    layers::{Conv, ConvExtras},
};

/// Blocks at each resolution: of the decoder, coarsest first, and of the encoder, finest first.
const DECODER_BLOCKS: [usize; 4] = [3, 3, 3, 1];
const ENCODER_BLOCKS: [usize; 4] = [1, 3, 3, 3];

/// Three convolutions around which the input is added.
#[derive(Clone)]
struct Block([Conv; 3]);

impl Block {
    fn load(p: &Params, width: usize) -> Result<Self, ParamError> {
        let conv = |index| Conv::load(&p.nth("conv", index), width, width, 3);
        Ok(Self([conv(0)?, conv(2)?, conv(4)?]))
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [first, second, third] = &self.0;
        let inner = relu(second.forward(relu(first.forward(x.clone()))));
        relu(third.forward_with(inner, ConvExtras { residual: Some(x), ..Default::default() }))
    }
}

/// The blocks of one resolution, and the convolution that changes it.
#[derive(Clone)]
struct Stage {
    resize: Option<Conv>,
    blocks: Vec<Block>,
}

/// Reads the blocks from layer `index` on, and moves it behind them.
fn blocks(p: &Params, index: &mut usize, count: usize, width: usize) -> Result<Vec<Block>, ParamError> {
    let first = *index;
    *index += count;
    (first..first + count).map(|i| Block::load(&p.nth("layers", i), width)).collect()
}

/// From latents to a picture.
#[derive(Clone)]
pub(super) struct TinyDecoder {
    conv_in: Conv,
    /// Coarsest first; each but the first begins with an upsampling and a convolution.
    stages: Vec<Stage>,
    conv_out: Conv,
}

impl TinyDecoder {
    /// `p` is the root of the decoder.
    pub fn load(p: &Params, latent_channels: usize, width: usize) -> Result<Self, ParamError> {
        let conv_in = Conv::load(&p.nth("layers", 0), latent_channels, width, 3)?;
        // Layers without weights are counted too: the rectifier here, the upsampling below.
        let mut index = 2;
        let mut stages: Vec<Stage> = Vec::new();
        for count in DECODER_BLOCKS {
            let resize = (!stages.is_empty()).then(|| {
                index += 2;
                Conv::load_unbiased(&p.nth("layers", index - 1), width)
            });
            let resize = resize.transpose()?;
            stages.push(Stage { resize, blocks: blocks(p, &mut index, count, width)? });
        }
        Ok(Self { conv_in, stages, conv_out: Conv::load(&p.nth("layers", index), width, 3, 3)? })
    }

    /// `[batch, latent channels, h, w]` as the U-Net has them to `[batch, 3, 8 h, 8 w]` in about 0..1.
    pub fn forward(&self, latents: Tensor<4>, is_current: &dyn Fn() -> bool) -> Result<Tensor<4>, Cancelled> {
        let clamped = latents.div_scalar(3.0).tanh().mul_scalar(3.0);
        let mut x = relu(self.conv_in.forward(clamped));
        for stage in &self.stages {
            if let Some(conv) = &stage.resize {
                let [_, _, h, w] = x.dims();
                x = conv.forward_with(x, ConvExtras { size: Some([2 * h, 2 * w]), ..Default::default() });
            }
            for block in &stage.blocks {
                Cancelled::check(is_current)?;
                x = block.forward(x);
            }
        }
        Ok(self.conv_out.forward(x))
    }
}

/// From a picture to latents.
#[derive(Clone)]
pub(super) struct TinyEncoder {
    conv_in: Conv,
    /// Finest first; each but the first begins with a convolution of stride 2.
    stages: Vec<Stage>,
    conv_out: Conv,
}

impl TinyEncoder {
    /// `p` is the root of the encoder.
    pub fn load(p: &Params, latent_channels: usize, width: usize) -> Result<Self, ParamError> {
        let conv_in = Conv::load(&p.nth("layers", 0), 3, width, 3)?;
        let mut index = 1;
        let mut stages: Vec<Stage> = Vec::new();
        for count in ENCODER_BLOCKS {
            let resize = (!stages.is_empty()).then(|| {
                index += 1;
                Conv::load_downsampling_unbiased(&p.nth("layers", index - 1), width)
            });
            let resize = resize.transpose()?;
            stages.push(Stage { resize, blocks: blocks(p, &mut index, count, width)? });
        }
        Ok(Self { conv_in, stages, conv_out: Conv::load(&p.nth("layers", index), width, latent_channels, 3)? })
    }

    /// `[batch, 3, 8 h, 8 w]` in 0..1 to `[batch, latent channels, h, w]` as the U-Net has them.
    pub fn forward(&self, picture: Tensor<4>, is_current: &dyn Fn() -> bool) -> Result<Tensor<4>, Cancelled> {
        let mut x = self.conv_in.forward(picture);
        for stage in &self.stages {
            if let Some(conv) = &stage.resize {
                x = conv.forward(x);
            }
            for block in &stage.blocks {
                Cancelled::check(is_current)?;
                x = block.forward(x);
            }
        }
        Ok(self.conv_out.forward(x))
    }
}
