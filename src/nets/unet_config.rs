//! The sizes of a U-Net, read from its `config.json`.
//!
//! Separate from the network, so that a config can be checked without loading weights.

use serde::Deserialize;
use serde_json::Value;

use super::ConfigError;

/// The sizes of a `UNet2DConditionModel`.
#[derive(Clone, Debug)]
pub struct UNetConfig {
    /// Channels of the latents, in and out.
    pub channels: usize,
    /// Resolution levels, finest first.
    pub levels: Vec<Level>,
    /// Groups and epsilon of the group norms.
    pub norm_groups: usize,
    pub norm_eps: f64,
    /// Whether there is a middle block between down and up.
    pub middle: bool,
    /// Side of the latents in training.
    pub sample_size: Option<usize>,
    pub(super) flip_sin_to_cos: bool,
    pub(super) freq_shift: f32,
    pub(super) text_time: Option<TextTime>,
}

/// One resolution level of a U-Net.
#[derive(Clone, Debug)]
pub struct Level {
    /// Latent side / side at this level.
    pub factor: usize,
    pub channels: usize,
    /// Resnet blocks of the down block; the up block has one more.
    pub layers: usize,
    pub heads: usize,
    /// Transformer blocks per spatial transformer.
    pub transformer_layers: usize,
    /// Width of the text embedding.
    pub context: usize,
    /// Whether the down block has spatial transformers.
    pub down_attention: bool,
    /// Whether the up block has spatial transformers.
    pub up_attention: bool,
}

/// Sizes of the embedding of SDXL's added conditions (`addition_embed_type` "text_time").
#[derive(Clone, Copy, Debug)]
pub(super) struct TextTime {
    /// Width of the sinusoidal embedding of each of the six numbers.
    pub(super) number_width: usize,
    /// Width of the pooled text and all six embeddings together.
    pub(super) input_width: usize,
}

impl UNetConfig {
    /// Parses a `config.json`.
    ///
    /// # Errors
    /// [`ConfigError`] for invalid JSON, and for every setting of a network that is not implemented.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        let raw: Raw = serde_json::from_slice(json)?;
        raw.check_fixed()?;
        raw.check_sizes()?;
        let middle = raw.middle()?;
        let text_time = raw.text_time()?;
        let levels = raw.levels()?;
        Ok(Self {
            channels: raw.in_channels,
            levels,
            norm_groups: raw.norm_num_groups,
            norm_eps: raw.norm_eps,
            middle,
            sample_size: raw.sample_size.as_ref().and_then(Value::as_u64).map(|s| s as usize),
            flip_sin_to_cos: raw.flip_sin_to_cos,
            freq_shift: raw.freq_shift,
            text_time,
        })
    }

    /// Width of the time embedding inside the network.
    pub(super) fn time_width(&self) -> usize {
        4 * self.levels[0].channels
    }

    /// Width of the text embedding, the same at every level.
    pub fn context_width(&self) -> usize {
        self.levels[0].context
    }

    /// Width of the pooled text embedding; `None` for models that take none (all but SDXL).
    pub fn pooled_width(&self) -> Option<usize> {
        self.text_time.map(|t| t.input_width - 6 * t.number_width)
    }
}

/// One number for all levels, or one for each.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum PerLevel {
    One(usize),
    Each(Vec<usize>),
}

impl PerLevel {
    /// One number for each of `count` levels.
    fn expand(&self, field: &'static str, count: usize) -> Result<Vec<usize>, ConfigError> {
        let each = match self {
            Self::One(n) => vec![*n; count],
            Self::Each(list) => list.clone(),
        };
        let fits = each.len() == count && each.iter().all(|&n| n > 0);
        ConfigError::require(fits, field, self, "one positive number, or one per entry of block_out_channels")?;
        Ok(each)
    }
}

/// The fields of the file, with diffusers' defaults.
#[derive(Deserialize)]
#[serde(default)]
struct Raw {
    in_channels: usize,
    out_channels: usize,
    sample_size: Option<Value>,
    block_out_channels: Vec<usize>,
    down_block_types: Vec<String>,
    up_block_types: Vec<String>,
    mid_block_type: Option<String>,
    layers_per_block: PerLevel,
    transformer_layers_per_block: PerLevel,
    attention_head_dim: PerLevel,
    num_attention_heads: Option<PerLevel>,
    cross_attention_dim: PerLevel,
    norm_num_groups: usize,
    norm_eps: f64,
    flip_sin_to_cos: bool,
    freq_shift: f32,
    addition_embed_type: Option<String>,
    addition_time_embed_dim: Option<usize>,
    projection_class_embeddings_input_dim: Option<usize>,
    /// All other fields, to reject those that would change the arithmetic.
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

impl Default for Raw {
    fn default() -> Self {
        let names = |names: [&str; 4]| names.map(str::to_owned).to_vec();
        Self {
            in_channels: 4,
            out_channels: 4,
            sample_size: None,
            block_out_channels: vec![320, 640, 1280, 1280],
            down_block_types: names([ATTN_DOWN, ATTN_DOWN, ATTN_DOWN, PLAIN_DOWN]),
            up_block_types: names([PLAIN_UP, ATTN_UP, ATTN_UP, ATTN_UP]),
            mid_block_type: Some(MIDDLE.to_owned()),
            layers_per_block: PerLevel::One(2),
            transformer_layers_per_block: PerLevel::One(1),
            attention_head_dim: PerLevel::One(8),
            num_attention_heads: None,
            cross_attention_dim: PerLevel::One(1280),
            norm_num_groups: 32,
            norm_eps: 1e-5,
            flip_sin_to_cos: true,
            freq_shift: 0.0,
            addition_embed_type: None,
            addition_time_embed_dim: None,
            projection_class_embeddings_input_dim: None,
            rest: serde_json::Map::new(),
        }
    }
}

const ATTN_DOWN: &str = "CrossAttnDownBlock2D";
const PLAIN_DOWN: &str = "DownBlock2D";
const ATTN_UP: &str = "CrossAttnUpBlock2D";
const PLAIN_UP: &str = "UpBlock2D";
const MIDDLE: &str = "UNetMidBlock2DCrossAttn";

/// Settings that must have diffusers' default, where a file has them at all.
const FIXED: &[(&str, &str)] = &[
    ("act_fn", "\"silu\""),
    ("attention_type", "\"default\""),
    ("center_input_sample", "false"),
    ("class_embed_type", "null"),
    ("conv_in_kernel", "3"),
    ("conv_out_kernel", "3"),
    ("cross_attention_norm", "null"),
    ("downsample_padding", "1"),
    ("dual_cross_attention", "false"),
    ("encoder_hid_dim_type", "null"),
    ("mid_block_scale_factor", "1"),
    ("num_class_embeds", "null"),
    ("only_cross_attention", "false"),
    ("resnet_out_scale_factor", "1.0"),
    ("resnet_skip_time_act", "false"),
    ("resnet_time_scale_shift", "\"default\""),
    ("reverse_transformer_layers_per_block", "null"),
    ("time_cond_proj_dim", "null"),
    ("time_embedding_act_fn", "null"),
    ("time_embedding_dim", "null"),
    ("time_embedding_type", "\"positional\""),
    ("timestep_post_act", "null"),
];

impl Raw {
    fn check_fixed(&self) -> Result<(), ConfigError> {
        for &(field, known) in FIXED {
            if let Some(given) = self.rest.get(field) {
                let text = given.to_string();
                // 1 and 1.0 are the same setting.
                let same = text == known || (given.as_f64().is_some() && given.as_f64() == known.parse().ok());
                if !same {
                    return Err(ConfigError::Unsupported { field, given: text, known: known.to_owned() });
                }
            }
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), ConfigError> {
        let levels = self.block_out_channels.len();
        ConfigError::require(
            (1..=8).contains(&levels),
            "block_out_channels",
            &self.block_out_channels,
            "a list of 1 to 8 channel counts",
        )?;
        for (field, types) in [("down_block_types", &self.down_block_types), ("up_block_types", &self.up_block_types)] {
            ConfigError::require(types.len() == levels, field, types, "one name per entry of block_out_channels")?;
        }
        let groups = self.norm_num_groups;
        ConfigError::require(groups > 0, "norm_num_groups", groups, "positive")?;
        let fit = self.block_out_channels.iter().all(|&c| c > 0 && c % groups == 0 && c % 2 == 0);
        ConfigError::require(fit, "block_out_channels", &self.block_out_channels, "even multiples of norm_num_groups")?;
        // Inpainting, depth and editing models take a mask or a picture in addition to the latents.
        ConfigError::require(
            self.in_channels == self.out_channels && self.in_channels > 0,
            "in_channels",
            self.in_channels,
            "equal to out_channels: models that take more than latents",
        )
    }

    fn middle(&self) -> Result<bool, ConfigError> {
        match self.mid_block_type.as_deref() {
            None => Ok(false),
            Some(MIDDLE) => Ok(true),
            Some(_) => Err(ConfigError::Unsupported {
                field: "mid_block_type",
                given: format!("{:?}", self.mid_block_type),
                known: MIDDLE.to_owned(),
            }),
        }
    }

    fn text_time(&self) -> Result<Option<TextTime>, ConfigError> {
        match self.addition_embed_type.as_deref() {
            None => Ok(None),
            Some("text_time") => {
                let number_width = self.addition_time_embed_dim.unwrap_or(0);
                let input_width = self.projection_class_embeddings_input_dim.unwrap_or(0);
                ConfigError::require(
                    number_width > 0 && number_width.is_multiple_of(2) && input_width > number_width.saturating_mul(6),
                    "addition_time_embed_dim",
                    number_width,
                    "even, and six times it less than projection_class_embeddings_input_dim",
                )?;
                Ok(Some(TextTime { number_width, input_width }))
            }
            Some(other) => Err(ConfigError::Unsupported {
                field: "addition_embed_type",
                given: other.to_owned(),
                known: "null or text_time".to_owned(),
            }),
        }
    }

    fn levels(&self) -> Result<Vec<Level>, ConfigError> {
        let count = self.block_out_channels.len();
        let layers = self.layers_per_block.expand("layers_per_block", count)?;
        let transformers = self.transformer_layers_per_block.expand("transformer_layers_per_block", count)?;
        // A misnomer in diffusers: without num_attention_heads, attention_head_dim is the number of heads.
        let heads = self.num_attention_heads.as_ref().unwrap_or(&self.attention_head_dim);
        let heads = heads.expand("attention_head_dim", count)?;
        let context = self.cross_attention_dim.expand("cross_attention_dim", count)?;
        ConfigError::require(
            context.iter().all(|&c| c == context[0]),
            "cross_attention_dim",
            &context,
            "the same at every level",
        )?;
        let mut levels = Vec::with_capacity(count);
        for (i, &channels) in self.block_out_channels.iter().enumerate() {
            ConfigError::require(
                channels % heads[i] == 0,
                "attention_head_dim",
                &heads,
                "a number of heads that divides block_out_channels",
            )?;
            levels.push(Level {
                factor: 1 << i,
                channels,
                layers: layers[i],
                heads: heads[i],
                transformer_layers: transformers[i],
                context: context[i],
                down_attention: has_attention(&self.down_block_types[i], "down_block_types", [ATTN_DOWN, PLAIN_DOWN])?,
                up_attention: has_attention(
                    &self.up_block_types[count - 1 - i],
                    "up_block_types",
                    [ATTN_UP, PLAIN_UP],
                )?,
            });
        }
        Ok(levels)
    }
}

/// Whether the block type `given` is the one with attention.
///
/// # Errors
/// [`ConfigError`] for any other type than these two.
fn has_attention(given: &str, field: &'static str, [with, without]: [&str; 2]) -> Result<bool, ConfigError> {
    ConfigError::require(given == with || given == without, field, given, &format!("{with} or {without}"))?;
    Ok(given == with)
}
