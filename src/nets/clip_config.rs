//! The sizes of a CLIP text encoder, read from its `config.json`.
//!
//! Separate from the network, so that a config can be checked without loading weights.

use serde::Deserialize;

use super::ConfigError;

/// The sizes of a CLIP text encoder.
#[derive(Clone, Debug)]
pub struct ClipConfig {
    /// Number of token ids.
    pub vocabulary: usize,
    pub width: usize,
    /// Width inside the feed-forward networks.
    pub inner_width: usize,
    pub layers: usize,
    pub heads: usize,
    /// The longest text, in tokens.
    pub positions: usize,
    pub activation: ClipActivation,
    pub norm_eps: f64,
    /// Width of the pooled embedding, for encoders with a text projection.
    pub projection: usize,
    /// The id of the end token.
    pub eos_id: u32,
}

/// The activation function of the feed-forward networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipActivation {
    /// `x * sigmoid(1.702 x)`: OpenAI's CLIP.
    QuickGelu,
    /// With the error function: OpenCLIP.
    Gelu,
}

impl ClipConfig {
    /// Parses a `config.json` of `CLIPTextModel` or `CLIPTextModelWithProjection`.
    ///
    /// # Errors
    /// [`ConfigError`] for invalid JSON, and for sizes or activations that CLIP does not have.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        let raw: Raw = serde_json::from_slice(json)?;
        let activation = match raw.hidden_act.as_str() {
            "quick_gelu" => ClipActivation::QuickGelu,
            "gelu" => ClipActivation::Gelu,
            other => {
                return Err(ConfigError::Unsupported {
                    field: "hidden_act",
                    given: other.to_owned(),
                    known: "quick_gelu or gelu".to_owned(),
                });
            }
        };
        if let Some(kind) = &raw.model_type {
            ConfigError::require(kind.starts_with("clip"), "model_type", kind, "clip_text_model")?;
        }
        let heads = raw.num_attention_heads;
        ConfigError::require(
            heads > 0 && raw.hidden_size > 0 && raw.hidden_size.is_multiple_of(heads),
            "num_attention_heads",
            heads,
            "a number that divides hidden_size",
        )?;
        ConfigError::require(raw.num_hidden_layers > 0, "num_hidden_layers", raw.num_hidden_layers, "positive")?;
        Ok(Self {
            vocabulary: raw.vocab_size,
            width: raw.hidden_size,
            inner_width: raw.intermediate_size,
            layers: raw.num_hidden_layers,
            heads,
            positions: raw.max_position_embeddings,
            activation,
            norm_eps: raw.layer_norm_eps,
            projection: raw.projection_dim,
            eos_id: raw.eos_token_id.unwrap_or(LEGACY_EOS),
        })
    }

    /// The position of the pooled embedding: the first end token.
    ///
    /// Old files give 2 as the end token, which no CLIP tokenizer has there. For them, the largest id is taken, as in
    /// transformers; added tokens, which come behind the vocabulary, are no end.
    pub(super) fn end_position(&self, ids: &[u32]) -> usize {
        let end = if self.eos_id == LEGACY_EOS {
            ids.iter().copied().filter(|&id| (id as usize) < self.vocabulary).max().unwrap_or(0)
        } else {
            self.eos_id
        };
        ids.iter().position(|&id| id == end).unwrap_or(0)
    }
}

/// The end token that old files give.
const LEGACY_EOS: u32 = 2;

/// The fields of the file, with transformers' defaults.
#[derive(Deserialize)]
#[serde(default)]
struct Raw {
    model_type: Option<String>,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    projection_dim: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    max_position_embeddings: usize,
    hidden_act: String,
    layer_norm_eps: f64,
    eos_token_id: Option<u32>,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            model_type: None,
            vocab_size: 49408,
            hidden_size: 512,
            intermediate_size: 2048,
            projection_dim: 512,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 77,
            hidden_act: "quick_gelu".to_owned(),
            layer_norm_eps: 1e-5,
            eos_token_id: None,
        }
    }
}
