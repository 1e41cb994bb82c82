use burn::tensor::{Device, Tensor, TensorData};

use super::{
    NetError, ParamError, Params, Pixels, Stopped, VaeConfig, kernels,
    predict::upload,
    vae_blocks::{Decoder, Encoder},
};
use crate::tensor::Latents;

/// AutoencoderKL (Rombach et al. 2022): pictures to latents and back.
#[derive(Clone)]
pub struct Vae {
    config: VaeConfig,
    device: Device,
    encoder: Encoder,
    decoder: Decoder,
}

impl Vae {
    /// Builds the network that `config` describes, with weights from `p`.
    ///
    /// # Errors
    /// [`ParamError`] for the first weight that is missing or has another shape.
    pub fn load(p: &Params, config: VaeConfig) -> Result<Self, ParamError> {
        Ok(Self {
            device: p.device().clone(),
            encoder: Encoder::load(p, &config)?,
            decoder: Decoder::load(p, &config)?,
            config,
        })
    }

    pub fn config(&self) -> &VaeConfig {
        &self.config
    }

    /// Scaled latents `[batch, latent channels, h, w]` to a picture `[batch, 3, H, W]` around -1..1, not clamped.
    ///
    /// # Errors
    /// [`Stopped`] as soon as `wanted`, asked before every resnet block, says no.
    pub fn decode_tensor(&self, latents: Tensor<4>, wanted: &dyn Fn() -> bool) -> Result<Tensor<4>, Stopped> {
        let unscaled = latents.div_scalar(self.config.scaling_factor);
        let unscaled = self.shifted(unscaled, self.config.shift_factor);
        self.compute(|| self.decoder.forward(unscaled, wanted))
    }

    /// A picture `[batch, 3, H, W]` in -1..1 to (mean, log variance), `[batch, latent channels, h, w]` each, unscaled.
    /// The log variance is clamped to -30..20 as in the original.
    ///
    /// # Errors
    /// [`Stopped`] as [`Vae::decode_tensor`].
    pub fn encode_tensor(
        &self,
        picture: Tensor<4>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<(Tensor<4>, Tensor<4>), Stopped> {
        let moments = self.compute(|| self.encoder.forward(picture, wanted))?;
        let channels = self.config.latent_channels;
        let mean = moments.clone().narrow(1, 0, channels);
        Ok((mean, moments.narrow(1, channels, channels).clamp(-30.0, 20.0)))
    }

    /// Decodes one sample of scaled latents on the host.
    ///
    /// # Errors
    /// [`NetError::Input`] for a wrong channel count, [`NetError::Stopped`] when `wanted` says no.
    pub fn decode(&self, latents: &Latents, wanted: &dyn Fn() -> bool) -> Result<Pixels, NetError> {
        if latents.channels != self.config.latent_channels {
            return Err(NetError::Input {
                network: "VAE",
                expected: format!("latents of {} channels", self.config.latent_channels),
                given: format!("{} channels", latents.channels),
            });
        }
        let picture = self.decode_tensor(upload(latents, &self.device), wanted)?;
        let [_, _, height, width] = picture.dims();
        Ok(Pixels { height, width, values: picture.try_into_vec_as::<f32>()? })
    }

    /// Encodes one picture on the host: the mean, scaled as the U-Net wants it.
    ///
    /// # Errors
    /// [`NetError::Input`] unless both sides are multiples of the VAE's factor, [`NetError::Stopped`] when `wanted`
    /// says no.
    pub fn encode(&self, pixels: &Pixels, wanted: &dyn Fn() -> bool) -> Result<Latents, NetError> {
        let (height, width, factor) = (pixels.height, pixels.width, self.config.factor());
        if height % factor != 0 || width % factor != 0 || height == 0 || width == 0 {
            return Err(NetError::Input {
                network: "VAE",
                expected: format!("pictures with sides that are multiples of {factor}"),
                given: format!("{width}x{height}"),
            });
        }
        let data = TensorData::new(pixels.values.clone(), [1, 3, height, width]);
        let (mean, _) = self.encode_tensor(Tensor::from_data(data, &self.device), wanted)?;
        let scaled = self.shifted(mean, -self.config.shift_factor).mul_scalar(self.config.scaling_factor);
        let [_, channels, h, w] = scaled.dims();
        Ok(Latents::new(channels, h, w, scaled.try_into_vec_as::<f32>()?))
    }

    fn compute<T>(&self, work: impl FnOnce() -> T) -> T {
        kernels::with_workers(&self.device, || {
            let result = work();
            kernels::release_scratch();
            result
        })
    }

    fn shifted(&self, x: Tensor<4>, by: f32) -> Tensor<4> {
        if by == 0.0 { x } else { x.add_scalar(by) }
    }
}
