//! The sizes of an autoencoder, read from its `config.json`.
//!
//! Separate from the network, so that a config can be checked without loading weights.

use serde::Deserialize;
use serde_json::Value;

use super::ConfigError;

/// The sizes of an `AutoencoderKL`.
#[derive(Clone, Debug)]
pub struct VaeConfig {
    pub picture_channels: usize,
    pub latent_channels: usize,
    /// Channels per resolution level, finest first.
    pub channels: Vec<usize>,
    /// Resnet blocks per level of the encoder; the decoder has one more.
    pub layers: usize,
    pub norm_groups: usize,
    /// Scaled latents are `(mean - shift_factor) * scaling_factor`.
    pub scaling_factor: f32,
    pub shift_factor: f32,
    /// Whether the encoder ends with a 1x1 convolution.
    pub quant_conv: bool,
    /// Whether the decoder begins with a 1x1 convolution.
    pub post_quant_conv: bool,
    /// Whether the middle blocks have self-attention.
    pub middle_attention: bool,
}

impl VaeConfig {
    /// The values of the largest map that decoding latents of `[height, width]` needs. The first block of a level takes the
    /// channels of the level before at its own size.
    pub fn largest_decoded(&self, [height, width]: [usize; 2]) -> usize {
        let last = self.channels.len() - 1;
        let level = |i: usize| {
            let widest = self.channels[i].max(self.channels[(i + 1).min(last)]);
            widest * ((height * width) << (2 * (last - i)))
        };
        (0..=last).map(level).max().unwrap_or(0)
    }

    /// Parses a `config.json`.
    ///
    /// # Errors
    /// [`ConfigError`] for invalid JSON, and for every setting of a network that is not implemented.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        let raw: Raw = serde_json::from_slice(json)?;
        raw.check()?;
        Ok(Self {
            picture_channels: raw.in_channels,
            latent_channels: raw.latent_channels,
            channels: raw.block_out_channels,
            layers: raw.layers_per_block,
            norm_groups: raw.norm_num_groups,
            scaling_factor: raw.scaling_factor,
            shift_factor: raw.shift_factor.unwrap_or(0.0),
            quant_conv: raw.use_quant_conv,
            post_quant_conv: raw.use_post_quant_conv,
            middle_attention: raw.mid_block_add_attention,
        })
    }

    /// The sizes of a TAESD with `width` channels at every level. Its latents are the U-Net's own.
    pub fn tiny(width: usize, latent_channels: usize) -> Self {
        Self {
            picture_channels: 3,
            latent_channels,
            channels: vec![width; 4],
            layers: 3,
            norm_groups: 1,
            scaling_factor: 1.0,
            shift_factor: 0.0,
            quant_conv: false,
            post_quant_conv: false,
            middle_attention: false,
        }
    }

    /// Picture side / latent side.
    pub fn factor(&self) -> usize {
        1 << (self.channels.len() - 1)
    }
}

/// The fields of the file, with diffusers' defaults.
#[derive(Deserialize)]
#[serde(default)]
struct Raw {
    in_channels: usize,
    out_channels: usize,
    latent_channels: usize,
    block_out_channels: Vec<usize>,
    down_block_types: Vec<String>,
    up_block_types: Vec<String>,
    layers_per_block: usize,
    norm_num_groups: usize,
    act_fn: String,
    scaling_factor: f32,
    shift_factor: Option<f32>,
    latents_mean: Option<Value>,
    latents_std: Option<Value>,
    use_quant_conv: bool,
    use_post_quant_conv: bool,
    mid_block_add_attention: bool,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            latent_channels: 4,
            block_out_channels: vec![64],
            down_block_types: vec![DOWN.to_owned()],
            up_block_types: vec![UP.to_owned()],
            layers_per_block: 1,
            norm_num_groups: 32,
            act_fn: "silu".to_owned(),
            scaling_factor: 0.18215,
            shift_factor: None,
            latents_mean: None,
            latents_std: None,
            use_quant_conv: true,
            use_post_quant_conv: true,
            mid_block_add_attention: true,
        }
    }
}

const DOWN: &str = "DownEncoderBlock2D";
const UP: &str = "UpDecoderBlock2D";

impl Raw {
    fn check(&self) -> Result<(), ConfigError> {
        let levels = self.block_out_channels.len();
        ConfigError::require(
            (1..=8).contains(&levels),
            "block_out_channels",
            &self.block_out_channels,
            "a list of 1 to 8 numbers",
        )?;
        for (field, types, known) in
            [("down_block_types", &self.down_block_types, DOWN), ("up_block_types", &self.up_block_types, UP)]
        {
            let fit = types.len() == levels && types.iter().all(|t| t == known);
            ConfigError::require(fit, field, types, &format!("{known} for each entry of block_out_channels"))?;
        }
        let groups = self.norm_num_groups;
        ConfigError::require(groups > 0, "norm_num_groups", groups, "positive")?;
        let fit = self.block_out_channels.iter().all(|&c| c > 0 && c % groups == 0);
        ConfigError::require(fit, "block_out_channels", &self.block_out_channels, "multiples of norm_num_groups")?;
        for (field, given) in [("in_channels", self.in_channels), ("out_channels", self.out_channels)] {
            ConfigError::require(given == 3, field, given, "3")?;
        }
        for (field, given) in [("latent_channels", self.latent_channels), ("layers_per_block", self.layers_per_block)] {
            ConfigError::require((1..=64).contains(&given), field, given, "between 1 and 64")?;
        }
        ConfigError::require(self.act_fn == "silu", "act_fn", &self.act_fn, "silu")?;
        let scaling = self.scaling_factor;
        ConfigError::require(scaling.is_finite() && scaling > 0.0, "scaling_factor", scaling, "a positive number")?;
        for (field, given) in [("latents_mean", &self.latents_mean), ("latents_std", &self.latents_std)] {
            ConfigError::require(given.is_none(), field, given, "null")?;
        }
        Ok(())
    }
}
