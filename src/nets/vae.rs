//! The autoencoder: pictures to latents and back.
//!
//! Separate from its blocks: scaling, sizes and the host's arrays are here, layers there.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    Cancelled, NetError, ParamError, Params, VaeConfig, kernels,
    predict::upload,
    tiny_vae::{TinyDecoder, TinyEncoder},
    vae_blocks::{Decoder, Encoder},
};
use crate::tensor::{Latents, Pixels};

/// AutoencoderKL (Rombach et al. 2022): pictures to latents and back.
#[derive(Clone)]
pub struct Vae {
    config: VaeConfig,
    device: Device,
    parts: Parts,
}

#[derive(Clone)]
enum Parts {
    Whole {
        encoder: Box<Encoder>,
        decoder: Box<Decoder>,
    },
    /// TAESD, often without its encoder.
    Tiny {
        encoder: Option<Box<TinyEncoder>>,
        decoder: Box<TinyDecoder>,
    },
}

impl Vae {
    /// Builds the network that `config` describes, with weights from `p`.
    ///
    /// # Errors
    /// [`ParamError`] for the first weight that is missing or has another shape.
    pub fn load(p: &Params, config: VaeConfig) -> Result<Self, ParamError> {
        let (encoder, decoder) = (Box::new(Encoder::load(p, &config)?), Box::new(Decoder::load(p, &config)?));
        Ok(Self { device: p.device().clone(), parts: Parts::Whole { encoder, decoder }, config })
    }

    /// Builds a TAESD from the roots of its decoder and, where there is one, of its encoder.
    ///
    /// # Errors
    /// As [`Vae::load`].
    pub fn load_tiny(
        decoder: &Params,
        encoder: Option<&Params>,
        width: usize,
        latent_channels: usize,
    ) -> Result<Self, ParamError> {
        let encoder = encoder.map(|p| TinyEncoder::load(p, latent_channels, width)).transpose()?.map(Box::new);
        let parts = Parts::Tiny { encoder, decoder: Box::new(TinyDecoder::load(decoder, latent_channels, width)?) };
        let config = VaeConfig::tiny(width, latent_channels);
        Ok(Self { device: decoder.device().clone(), parts, config })
    }

    /// Whether it only approximates the autoencoder that the model was trained with.
    pub fn is_approximate(&self) -> bool {
        matches!(self.parts, Parts::Tiny { .. })
    }

    pub fn config(&self) -> &VaeConfig {
        &self.config
    }

    /// Decodes scaled latents `[batch, latent channels, h, w]` to a picture `[batch, 3, H, W]` in about -1..1, not clamped.
    ///
    /// # Errors
    /// [`Cancelled`] when `is_current` answers no; it is called before every resnet block.
    pub fn decode_tensor(&self, latents: Tensor<4>, is_current: &dyn Fn() -> bool) -> Result<Tensor<4>, Cancelled> {
        let unscaled = latents.div_scalar(self.config.scaling_factor);
        let unscaled = self.shifted(unscaled, self.config.shift_factor);
        self.compute(|| match &self.parts {
            Parts::Whole { decoder, .. } => decoder.forward(unscaled, is_current),
            Parts::Tiny { decoder, .. } => Ok(decoder.forward(unscaled, is_current)?.mul_scalar(2.0).sub_scalar(1.0)),
        })
    }

    /// Encodes a picture `[batch, 3, H, W]` in -1..1 to (mean, log variance), each `[batch, latent channels, h, w]`,
    /// unscaled. The log variance is clamped to -30..20, as in diffusers.
    ///
    /// TAESD has no variance: its log variance is -30.
    ///
    /// # Errors
    /// [`NetError::Cancelled`] as for [`Vae::decode_tensor`], [`NetError::Input`] for a TAESD without encoder.
    pub fn encode_tensor(
        &self,
        picture: Tensor<4>,
        is_current: &dyn Fn() -> bool,
    ) -> Result<(Tensor<4>, Tensor<4>), NetError> {
        let encoder = match &self.parts {
            Parts::Whole { encoder, .. } => encoder,
            Parts::Tiny { encoder, .. } => {
                let encoder = encoder.as_ref().ok_or_else(|| NetError::Input {
                    network: "VAE",
                    expected: "latents: it is a TAESD without its encoder".to_owned(),
                    given: "a picture".to_owned(),
                })?;
                let shown = picture.add_scalar(1.0).div_scalar(2.0);
                let mean = self.compute(|| encoder.forward(shown, is_current))?;
                return Ok((mean.clone(), mean.full_like(-30.0)));
            }
        };
        let moments = self.compute(|| encoder.forward(picture, is_current))?;
        let channels = self.config.latent_channels;
        let mean = moments.clone().narrow(1, 0, channels);
        Ok((mean, moments.narrow(1, channels, channels).clamp(-30.0, 20.0)))
    }

    /// Decodes the scaled latents of one sample, from and to arrays of the host.
    ///
    /// # Errors
    /// [`NetError::Input`] for another number of channels, [`NetError::Cancelled`] when `is_current` answers no.
    pub fn decode(&self, latents: &Latents, is_current: &dyn Fn() -> bool) -> Result<Pixels, NetError> {
        if latents.channels != self.config.latent_channels {
            return Err(NetError::Input {
                network: "VAE",
                expected: format!("latents of {} channels", self.config.latent_channels),
                given: format!("{} channels", latents.channels),
            });
        }
        let picture = self.decode_tensor(upload(latents, &self.device), is_current)?;
        let [_, _, height, width] = picture.dims();
        Ok(Pixels { height, width, values: picture.try_into_vec_as::<f32>()? })
    }

    /// Encodes one picture to the mean of its latents, scaled for the U-Net; from and to arrays of the host.
    ///
    /// # Errors
    /// [`NetError::Input`] unless both sides are multiples of [`VaeConfig::factor`], [`NetError::Cancelled`] when `is_current`
    /// answers no.
    pub fn encode(&self, pixels: &Pixels, is_current: &dyn Fn() -> bool) -> Result<Latents, NetError> {
        let (height, width, factor) = (pixels.height, pixels.width, self.config.factor());
        if height % factor != 0 || width % factor != 0 || height == 0 || width == 0 {
            return Err(NetError::Input {
                network: "VAE",
                expected: format!("pictures with sides that are multiples of {factor}"),
                given: format!("{width}x{height}"),
            });
        }
        let data = TensorData::new(pixels.values.clone(), [1, 3, height, width]);
        let (mean, _) = self.encode_tensor(Tensor::from_data(data, &self.device), is_current)?;
        let scaled = self.shifted(mean, -self.config.shift_factor).mul_scalar(self.config.scaling_factor);
        let [_, channels, h, w] = scaled.dims();
        Ok(Latents::new(channels, h, w, scaled.try_into_vec_as::<f32>()?))
    }

    /// Runs `work` with the CPU's workers, then releases the memory it has reserved.
    fn compute<T>(&self, work: impl FnOnce() -> T) -> T {
        kernels::with_workers(&self.device, || {
            let result = work();
            kernels::release_scratch();
            result
        })
    }

    /// Adds `by`, without a pass over the tensor where it is 0.
    fn shifted(&self, x: Tensor<4>, by: f32) -> Tensor<4> {
        if by == 0.0 { x } else { x.add_scalar(by) }
    }
}
