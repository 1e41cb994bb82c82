//! Where takes are written without being asked for each.
//!
//! Apart from the other settings as a group of its own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which takes are written into the output folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputRule {
    #[default]
    Off,
    Starred,
    All,
}

/// The output folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputSettings {
    pub rule: OutputRule,
    /// Without one nothing is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Names of files: words in braces stand for a take's own, slashes make folders.
    pub pattern: String,
}

impl Default for OutputSettings {
    fn default() -> Self {
        Self { rule: OutputRule::Off, folder: None, pattern: "{date}/{time} {name}".into() }
    }
}
