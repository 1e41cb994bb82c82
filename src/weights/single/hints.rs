//! What the shapes of a single file do not show: settings from LDM's `.yaml` beside it, from notes in its header, and from
//! its name.
//!
//! Separate from the shapes, because each hint may be missing.

use std::{collections::HashMap, path::Path};

use super::{generation::Generation, header::Header};
use crate::{
    files::{decode_text, read_regular},
    sampling::PredictionType,
    weights::error::LoadError,
};

/// A longer `.yaml` is ignored; those of the published models have 2 KB.
const MAX_YAML: u64 = 1 << 20;

/// Settings that shapes do not show.
pub(super) struct Hints {
    /// `key: value` lines of the `.yaml` beside the file, at any depth; the first of a name counts.
    yaml: HashMap<String, String>,
    /// What the file declares to predict: by a tensor or a note that newer trainers write.
    declared: Option<PredictionType>,
    /// The file's name in lower case, without extension.
    name: String,
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
            Some("v") => Some(PredictionType::VPrediction),
            Some("epsilon") => Some(PredictionType::Epsilon),
            _ => None,
        };
        let name = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        Self { yaml, declared, name }
    }

    /// A positive number from the `.yaml`.
    pub fn number<T: std::str::FromStr + PartialOrd + Default>(&self, key: &str) -> Option<T> {
        self.yaml.get(key)?.parse().ok().filter(|number| *number > T::default())
    }

    /// What the network predicts: by the `.yaml`, else the file itself, else its name.
    ///
    /// # Errors
    /// [`LoadError::Prediction`] without any hint in the second generation, which has models of both kinds.
    pub fn prediction(&self, generation: Generation, path: &Path) -> Result<PredictionType, LoadError> {
        let named = |parts: &[&str]| parts.iter().any(|part| self.name.contains(part));
        let by_yaml = match self.yaml.get("parameterization").map(String::as_str) {
            Some("v") => Some(PredictionType::VPrediction),
            Some(_) => Some(PredictionType::Epsilon),
            // LDM's default, where the `.yaml` is LDM's.
            None if self.yaml.contains_key("linear_start") => Some(PredictionType::Epsilon),
            None => None,
        };
        let velocity_names = ["v-pred", "v_pred", "vpred"];
        let by_name = match generation {
            _ if named(&velocity_names) => Some(PredictionType::VPrediction),
            Generation::One => Some(PredictionType::Epsilon),
            // The names of the published files: v2-1_768-ema-pruned, 768-v-ema, v2-1_512-ema-pruned, 512-base-ema.
            Generation::Two if named(&["768"]) => Some(PredictionType::VPrediction),
            Generation::Two if named(&["512", "base"]) => Some(PredictionType::Epsilon),
            Generation::Two => None,
        };
        let found = by_yaml.or(self.declared).or(by_name);
        found.ok_or_else(|| LoadError::Prediction { path: path.display().to_string() })
    }
}

/// The key and value of a line, without quotes and comments; `None` without a value.
fn yaml_setting(line: &str) -> Option<(&str, &str)> {
    let line = line.split(" #").next()?.trim();
    let (key, value) = line.trim_start_matches("- ").split_once(':')?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty() && !key.starts_with('#')).then_some((key.trim(), value))
}
