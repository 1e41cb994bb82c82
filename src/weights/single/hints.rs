//! What the shapes of a single file do not show: settings from LDM's `.yaml` beside it, from notes in its header, and from
//! its name.
//!
//! Separate from the shapes, because each hint may be missing.

use std::{
    collections::HashMap,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use super::{generation::Generation, header::Header};
use crate::{
    files::{decode_text, open_regular, read_regular},
    sampling::PredictionType,
    weights::{error::LoadError, safetensors_format as format},
};

/// A longer `.yaml` is ignored; those of the published models have 2 KB.
const MAX_YAML: u64 = 1 << 20;

/// Settings that shapes do not show.
pub(super) struct Hints {
    /// `key: value` lines of the `.yaml` beside the file, at any depth; the first of a name counts.
    yaml: HashMap<String, String>,
    /// What the file declares to predict: by a tensor or a note that newer trainers write.
    declared: Option<PredictionType>,
    /// Whether the file declares that its schedule ends without any signal (Lin et al., 2024).
    pub zero_terminal_snr: bool,
    /// The file's name in lower case, without extension.
    name: String,
    /// What the weights of a published 2.x model show: see [`shown_by_weights`].
    shown: Option<PredictionType>,
}

impl Hints {
    /// Reads the hints of the file at `path`.
    pub fn read(path: &Path, header: &Header) -> Self {
        let beside = path.with_extension("yaml");
        let bytes = read_regular(&beside, MAX_YAML).unwrap_or_default();
        let text = decode_text(&bytes).unwrap_or_default();
        let mut yaml = HashMap::new();
        for (key, value) in text.lines().filter_map(yaml_setting) {
            yaml.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
        let note = header.metadata.get("modelspec.prediction_type").map(String::as_str);
        let declared = match note {
            _ if header.tensors.get("v_pred").is_some() => Some(PredictionType::VPrediction),
            Some("v" | "v_prediction" | "v-prediction") => Some(PredictionType::VPrediction),
            Some("epsilon") => Some(PredictionType::Epsilon),
            _ => None,
        };
        let name = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        let zero_terminal_snr = header.tensors.get("ztsnr").is_some();
        Self { yaml, declared, zero_terminal_snr, name, shown: shown_by_weights(path, header) }
    }

    /// A positive number from the `.yaml`.
    pub fn number<T: std::str::FromStr + PartialOrd + Default>(&self, key: &str) -> Option<T> {
        self.yaml.get(key)?.parse().ok().filter(|number| *number > T::default())
    }

    /// What the network predicts: by the `.yaml`, else what the file declares, else its name, else its weights.
    ///
    /// # Errors
    /// [`LoadError::Prediction`] without any hint in the second generation, which has models of both kinds.
    pub fn prediction(&self, generation: Generation, path: &Path) -> Result<PredictionType, LoadError> {
        let named = |parts: &[&str]| parts.iter().any(|part| self.name.contains(part));
        let by_yaml = match self.yaml.get("parameterization").map(String::as_str) {
            Some("v" | "v_prediction" | "v-prediction") => Some(PredictionType::VPrediction),
            Some(_) => Some(PredictionType::Epsilon),
            // LDM's default, where the `.yaml` is LDM's.
            None if self.yaml.contains_key("linear_start") => Some(PredictionType::Epsilon),
            None => None,
        };
        let velocity_names = ["v-pred", "v_pred", "vpred"];
        let by_name = match generation {
            _ if named(&velocity_names) => Some(PredictionType::VPrediction),
            Generation::One | Generation::Xl => Some(PredictionType::Epsilon),
            // The names of the published files: v2-1_768-ema-pruned, 768-v-ema, v2-1_512-ema-pruned, 512-base-ema.
            Generation::Two if named(&["768"]) => Some(PredictionType::VPrediction),
            Generation::Two if named(&["512", "base", "turbo"]) => Some(PredictionType::Epsilon),
            Generation::Two => None,
        };
        let found = by_yaml.or(self.declared).or(by_name).or(self.shown);
        found.ok_or_else(|| LoadError::Prediction { path: path.display().to_string() })
    }
}

/// What the weights of a 2.x model of the published sizes show. The biases of one norm spread further in the models that
/// predict velocity: 0.09 lies between the published ones, and is the bound that ComfyUI uses (`comfy/supported_models.py`).
fn shown_by_weights(path: &Path, header: &Header) -> Option<PredictionType> {
    const BIAS: &str = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias";
    const PUBLISHED_WIDTH: usize = 320;
    let slice = header.tensors.get(BIAS).filter(|slice| slice.shape == [PUBLISHED_WIDTH])?;
    let mut bytes = vec![0; slice.range.len()];
    let mut file = open_regular(path).ok()?;
    file.seek(SeekFrom::Start(slice.range.start as u64)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    let values = format::to_f32(slice.dtype, &bytes)?;
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let squares: f32 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let spread = (squares / (values.len() - 1) as f32).sqrt();
    Some(if spread > 0.09 { PredictionType::VPrediction } else { PredictionType::Epsilon })
}

/// The key and value of a line, without quotes and comments; `None` without a value.
fn yaml_setting(line: &str) -> Option<(&str, &str)> {
    let line = line.split(" #").next()?.trim();
    let (key, value) = line.trim_start_matches("- ").split_once(':')?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty() && !key.starts_with('#')).then_some((key.trim(), value))
}
