//! The name of a model, as files and the command line have it.
//!
//! Apart because both slots for models, the general and the expert, use it.

use std::{
    convert::Infallible,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// A model: one of the two bundled ones, or one on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ModelRef {
    /// The bundled general model.
    #[default]
    Pocket,
    /// The bundled expert: another denoiser with Pocket's text encoder and codec.
    PocketToon,
    /// A diffusers folder, or a single-file checkpoint.
    Folder(PathBuf),
}

impl ModelRef {
    const POCKET: &str = "pocket";
    const TOON: &str = "pocket-toon";

    /// Where it is on disk; none for a bundled one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Pocket | Self::PocketToon => None,
            Self::Folder(path) => Some(path),
        }
    }

    /// A short name for display.
    pub fn title(&self) -> String {
        match self {
            Self::Pocket => "Pocket".into(),
            Self::PocketToon => "Pocket Toon".into(),
            Self::Folder(path) => {
                path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
            }
        }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pocket => f.write_str(Self::POCKET),
            Self::PocketToon => f.write_str(Self::TOON),
            Self::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}

impl FromStr for ModelRef {
    type Err = Infallible;

    fn from_str(s: &str) -> Result<Self, Infallible> {
        Ok(match s {
            Self::POCKET => Self::Pocket,
            Self::TOON => Self::PocketToon,
            path => Self::Folder(PathBuf::from(path)),
        })
    }
}

impl From<String> for ModelRef {
    fn from(s: String) -> Self {
        match s.as_str() {
            Self::POCKET => Self::Pocket,
            Self::TOON => Self::PocketToon,
            _ => Self::Folder(PathBuf::from(s)),
        }
    }
}

impl From<ModelRef> for String {
    fn from(m: ModelRef) -> Self {
        m.to_string()
    }
}
