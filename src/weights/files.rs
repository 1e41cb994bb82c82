//! The files of a model, wherever they are: a folder, a single-file checkpoint, or the program itself.
//!
//! Separate from what the files contain, so that every reader works with all three.

use std::{
    borrow::Cow,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{bundled, error::LoadError, single::SingleFile};
use crate::{
    files::{decode_text, open_regular, read, read_regular},
    recipe::ModelRef,
};

/// A file's content, on disk or in memory.
pub(super) type FileContent = Box<dyn ReadSeek>;

pub(super) trait ReadSeek: io::Read + io::Seek {}

impl<T: io::Read + io::Seek> ReadSeek for T {}

/// Names of weight files without extension. Safetensors files have one of the first two, pickles any.
const WEIGHT_STEMS: [&str; 3] = ["diffusion_pytorch_model", "model", "pytorch_model"];

/// The files of one model, by their path in its diffusers folder (`unet/config.json`).
#[derive(Clone, Debug)]
pub enum ModelFiles {
    /// A folder on disk.
    Folder(PathBuf),
    /// A single-file checkpoint, presented as the diffusers folder that it corresponds to.
    Single(Arc<SingleFile>),
    /// Files inside the program.
    Bundled { name: &'static str, files: &'static [(&'static str, &'static [u8])] },
}

impl ModelFiles {
    /// The files of `model`.
    ///
    /// # Errors
    /// [`LoadError`] unless there is such a folder or checkpoint; it says what another file is.
    pub fn open(model: &ModelRef) -> Result<Self, LoadError> {
        match model {
            ModelRef::Pocket => Ok(Self::Bundled { name: "Pocket", files: bundled::POCKET }),
            ModelRef::PocketToon => Ok(Self::Bundled { name: "Pocket Toon", files: bundled::POCKET_TOON }),
            ModelRef::Folder(path) if path.is_dir() => Ok(Self::Folder(path.clone())),
            ModelRef::Folder(path) if path.is_file() && ["safetensors", "sft"].contains(&extension(path).as_str()) => {
                SingleFile::open(path).map(Self::Single)
            }
            ModelRef::Folder(path) => Err(not_a_model(path)),
        }
    }

    /// The path of a file as shown in messages.
    pub fn describe(&self, path: &str) -> String {
        match self {
            Self::Folder(folder) => folder.join(path).display().to_string(),
            Self::Single(file) => file.path().display().to_string(),
            Self::Bundled { name, .. } => format!("{name}: {path}"),
        }
    }

    pub fn has(&self, path: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(path).is_file(),
            Self::Single(file) => file.has(path),
            Self::Bundled { files, .. } => files.iter().any(|(name, _)| *name == path),
        }
    }

    /// The whole content of a file.
    ///
    /// # Errors
    /// [`LoadError::MissingFile`] and [`LoadError::Read`].
    pub fn read(&self, path: &str) -> Result<Cow<'static, [u8]>, LoadError> {
        let missing = || LoadError::MissingFile { path: self.describe(path) };
        match self {
            Self::Folder(folder) => match read_regular(&folder.join(path), read::TEXT) {
                Ok(content) => Ok(Cow::Owned(content)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Err(missing()),
                Err(source) => Err(LoadError::Read { path: self.describe(path), source }),
            },
            Self::Single(file) => match file.read(path) {
                Some(content) => {
                    content.map(Cow::Owned).map_err(|source| LoadError::Read { path: self.describe(path), source })
                }
                None if path.starts_with("tokenizer") => Err(LoadError::NoTokenizer { path: self.describe(path) }),
                None => Err(missing()),
            },
            Self::Bundled { files, .. } => {
                let found = files.iter().find(|(name, _)| *name == path);
                found.map(|(_, content)| Cow::Borrowed(*content)).ok_or_else(missing)
            }
        }
    }

    /// Opens a file for reading in pieces.
    ///
    /// # Errors
    /// As [`ModelFiles::read`].
    pub(super) fn open_file(&self, path: &str) -> Result<FileContent, LoadError> {
        match self {
            Self::Folder(folder) => match open_regular(&folder.join(path)) {
                Ok(file) => Ok(Box::new(file)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    Err(LoadError::MissingFile { path: self.describe(path) })
                }
                Err(source) => Err(LoadError::Read { path: self.describe(path), source }),
            },
            Self::Single(file) => {
                let file = file.file().map_err(|source| LoadError::Read { path: self.describe(path), source })?;
                Ok(Box::new(file))
            }
            Self::Bundled { .. } => Ok(Box::new(io::Cursor::new(self.read(path)?))),
        }
    }

    /// The whole content of a text file, in any encoding that editors save.
    ///
    /// # Errors
    /// As [`ModelFiles::read`], and [`LoadError::NotText`].
    pub fn text(&self, path: &str) -> Result<String, LoadError> {
        let content = self.read(path)?;
        let text = decode_text(&content).map_err(|source| LoadError::NotText { path: self.describe(path), source })?;
        Ok(text.into_owned())
    }

    /// The content of a JSON file.
    ///
    /// # Errors
    /// As [`ModelFiles::text`], and [`LoadError::Json`].
    pub(super) fn json(&self, path: &str) -> Result<Value, LoadError> {
        serde_json::from_str(&self.text(path)?).map_err(|source| LoadError::Json { path: self.describe(path), source })
    }

    /// The safetensors files with the weights of the network in `folder`: one, or the shards that an index names. Full
    /// precision is preferred to half, and averaged weights (EMA), which other programs draw with, to those that were
    /// trained.
    ///
    /// # Errors
    /// [`LoadError::Pickle`] where there is only a pickle, [`LoadError::MissingFile`] where there are no weights.
    pub(super) fn weight_files(&self, folder: &str) -> Result<Vec<String>, LoadError> {
        if let Self::Single(_) = self {
            return Ok(vec![self.describe(folder)]);
        }
        for variant in ["", ".fp32", ".fp16", ".bf16", ".ema", ".non_ema"] {
            for stem in &WEIGHT_STEMS[..2] {
                if let Some(files) = self.safetensors(folder, stem, variant) {
                    return files;
                }
            }
        }
        if let Some(pickle) = self.pickle(folder) {
            return Err(LoadError::Pickle { path: self.describe(&pickle) });
        }
        let stem = if folder.starts_with("text_encoder") { "model" } else { WEIGHT_STEMS[0] };
        Err(LoadError::MissingFile { path: self.describe(&format!("{folder}/{stem}.safetensors")) })
    }

    /// One safetensors file, or the shards of an index; `None` where there is neither.
    fn safetensors(&self, folder: &str, stem: &str, variant: &str) -> Option<Result<Vec<String>, LoadError>> {
        let whole = format!("{folder}/{stem}{variant}.safetensors");
        if self.has(&whole) {
            return Some(Ok(vec![whole]));
        }
        let indices =
            [format!("{stem}.safetensors.index{variant}.json"), format!("{stem}{variant}.safetensors.index.json")];
        let index = indices.into_iter().map(|index| format!("{folder}/{index}")).find(|index| self.has(index))?;
        Some(self.shards(folder, &index))
    }

    /// A pickle file with weights, where there is one.
    fn pickle(&self, folder: &str) -> Option<String> {
        const EXTENSIONS: [&str; 5] = ["bin", "fp16.bin", "ckpt", "pt", "bin.index.json"];
        let mut names = WEIGHT_STEMS.iter().flat_map(|stem| EXTENSIONS.map(|end| format!("{folder}/{stem}.{end}")));
        names.find(|name| self.has(name))
    }

    /// The shards that an index names, in alphabetical order.
    fn shards(&self, folder: &str, index: &str) -> Result<Vec<String>, LoadError> {
        let json = self.json(index)?;
        let map = json.get("weight_map").and_then(Value::as_object);
        let mut shards: Vec<String> = map
            .into_iter()
            .flat_map(|m| m.values())
            .filter_map(Value::as_str)
            .map(|f| format!("{folder}/{f}"))
            .collect();
        shards.sort_unstable();
        shards.dedup();
        // A shard's name comes from a file, and must not point outside the model's folder.
        let inside = shards.iter().all(|s| !s.contains("..") && !s[folder.len() + 1..].contains(['/', '\\']));
        if shards.is_empty() || !inside {
            let what = "its weight_map does not name files beside it".to_owned();
            return Err(LoadError::Mismatch { path: self.describe(index), what });
        }
        Ok(shards)
    }
}

/// A file name's extension in lower case; empty without one.
fn extension(path: &Path) -> String {
    path.extension().and_then(|e| e.to_str()).unwrap_or("").to_lowercase()
}

/// The error for a path that is neither a folder nor a checkpoint.
fn not_a_model(path: &Path) -> LoadError {
    let shown = path.display().to_string();
    match extension(path).as_str() {
        "bin" | "ckpt" | "pt" | "pth" | "pkl" if path.is_file() => LoadError::Pickle { path: shown },
        _ => LoadError::NoModel { path: shown },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn texts_are_read_however_an_editor_has_saved_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ModelFiles::Folder(folder.path().to_owned());
        let text = "{\n  \"steps_offset\": 1\n}\n";
        let windows = text.replace('\n', "\r\n");
        let utf16: Vec<u8> = windows.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [text.into(), [b"\xef\xbb\xbf", windows.as_bytes()].concat(), [b"\xff\xfe", &utf16[..]].concat()] {
            fs::write(folder.path().join("config.json"), bytes).expect("written");
            assert_eq!(files.text("config.json").expect("text"), text);
            assert_eq!(files.json("config.json").expect("JSON")["steps_offset"], 1);
        }
        fs::write(folder.path().join("config.json"), b"{\n\xff}").expect("written");
        let error = files.json("config.json").expect_err("not text").to_string();
        assert!(error.contains("config.json") && error.contains("line 2, column 1"), "{error}");
    }
}
