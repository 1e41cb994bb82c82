use serde::Deserialize;
use serde_json::Value;

use super::ConfigError;

/// The shape of a UNet2DConditionModel, from its `config.json`.
#[derive(Clone, Debug)]
pub struct UNetConfig {
    /// Channels of the latents, in and out.
    pub channels: usize,
    /// Finest first.
    pub levels: Vec<Level>,
    pub norm_groups: usize,
    pub norm_eps: f64,
    /// Whether there is a middle block between down and up.
    pub middle: bool,
    /// Side of the latents it was trained on.
    pub sample_size: Option<usize>,
    pub(super) flip_sin_to_cos: bool,
    pub(super) freq_shift: f32,
    pub(super) text_time: Option<TextTime>,
}

/// One resolution of a U-Net.
#[derive(Clone, Debug)]
pub struct Level {
    /// Latent side / side at this level.
    pub factor: usize,
    pub channels: usize,
    /// Resnet blocks on the way down; one more on the way up.
    pub layers: usize,
    pub heads: usize,
    pub transformer_layers: usize,
    /// Width of the text embedding.
    pub context: usize,
    /// Whether blocks on the way down, and on the way up, have transformers.
    pub down_attention: bool,
    pub up_attention: bool,
}

/// SDXL's added conditions.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextTime {
    /// Sines and cosines per number.
    pub(super) wave_width: usize,
    /// Pooled text and all waves side by side.
    pub(super) input_width: usize,
}

impl UNetConfig {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// [`ConfigError`] for broken JSON, and for every setting that would need a network this program does not have.
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

    /// Width of the text embedding it attends to, the same at every level in all known models.
    pub fn context_width(&self) -> usize {
        self.levels[0].context
    }

    /// Width of the pooled text embedding it wants, if it wants one (SDXL).
    pub fn pooled_width(&self) -> Option<usize> {
        self.text_time.map(|t| t.input_width - 6 * t.wave_width)
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
    fn spread(&self, field: &'static str, count: usize) -> Result<Vec<usize>, ConfigError> {
        let each = match self {
            Self::One(n) => vec![*n; count],
            Self::Each(list) => list.clone(),
        };
        let fits = each.len() == count && each.iter().all(|&n| n > 0);
        ConfigError::require(fits, field, self, "one positive number, or one per entry of block_out_channels")?;
        Ok(each)
    }
}

/// The file as it is, with diffusers' defaults.
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
    /// Everything else: looked at only to refuse what would change the arithmetic.
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

/// Settings that must be as diffusers has them by default, where a file names them at all.
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
        // Others take a mask or a picture besides the latents (inpainting, depth, editing models).
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
                let waves = self.addition_time_embed_dim.unwrap_or(0);
                let inputs = self.projection_class_embeddings_input_dim.unwrap_or(0);
                ConfigError::require(
                    waves > 0 && waves.is_multiple_of(2) && inputs > waves.saturating_mul(6),
                    "addition_time_embed_dim",
                    waves,
                    "even, and six times it less than projection_class_embeddings_input_dim",
                )?;
                Ok(Some(TextTime { wave_width: waves, input_width: inputs }))
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
        let layers = self.layers_per_block.spread("layers_per_block", count)?;
        let transformers = self.transformer_layers_per_block.spread("transformer_layers_per_block", count)?;
        // diffusers' own naming slip: without num_attention_heads, attention_head_dim is the number of heads.
        let heads = self.num_attention_heads.as_ref().unwrap_or(&self.attention_head_dim);
        let heads = heads.spread("attention_head_dim", count)?;
        let context = self.cross_attention_dim.spread("cross_attention_dim", count)?;
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
                down_attention: kind(&self.down_block_types[i], "down_block_types", [ATTN_DOWN, PLAIN_DOWN])?,
                up_attention: kind(&self.up_block_types[count - 1 - i], "up_block_types", [ATTN_UP, PLAIN_UP])?,
            });
        }
        Ok(levels)
    }
}

/// Whether the block type `given` is the one with attention.
fn kind(given: &str, field: &'static str, [with, without]: [&str; 2]) -> Result<bool, ConfigError> {
    ConfigError::require(given == with || given == without, field, given, &format!("{with} or {without}"))?;
    Ok(given == with)
}
