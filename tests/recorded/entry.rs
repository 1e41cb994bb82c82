//! The list of cases in a folder.
//!
//! Apart from the cases themselves: a list tells what there is before anything is opened.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::common::Case;

/// One case as `cases.json` lists it.
pub struct Entry {
    pub name: String,
    pub kind: String,
    /// The folder of cases.
    pub folder: PathBuf,
    /// The file of the case, relative to the folder.
    pub file: String,
    /// Arguments of `sextant render`, relative to the folder; none for kinds that are no whole run.
    pub render_args: Vec<String>,
    pub params: Value,
    /// The model's folder, where the case has one.
    pub model: Option<PathBuf>,
}

impl Entry {
    pub fn open(&self) -> Case {
        Case::read(&self.folder.join(&self.file))
    }

    /// The folder of the model.
    ///
    /// # Errors
    /// A sentence where the case names none.
    pub fn model(&self) -> Result<&Path, String> {
        self.model.as_deref().ok_or_else(|| "the case names no model".to_owned())
    }

    /// The class of the model's pipeline, as its `model_index.json` names it.
    pub fn pipeline(&self) -> Option<String> {
        let text = fs::read(self.model.as_ref()?.join("model_index.json")).ok()?;
        let index: Value = serde_json::from_slice(&text).ok()?;
        Some(index["_class_name"].as_str()?.to_owned())
    }
}

/// The last part of a folder's path; of the travelling cases, the name of the folder that they are stored in.
pub fn folder_name(folder: &Path) -> String {
    if folder == crate::common::travelling() {
        return "tests/fixtures".into();
    }
    folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The cases of `folder`.
///
/// # Errors
/// A sentence where `cases.json` is missing or not such a list.
pub fn list(folder: &Path) -> Result<Vec<Entry>, String> {
    let path = folder.join("cases.json");
    let text = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let cases: Vec<Value> = serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    if cases.is_empty() {
        return Err(format!("{} lists no case", path.display()));
    }
    cases
        .iter()
        .map(|case| read(folder, case).ok_or_else(|| format!("{}: {case} is no case", path.display())))
        .collect()
}

fn read(folder: &Path, case: &Value) -> Option<Entry> {
    let file = case["file"].as_str()?.to_owned();
    let params = case["params"].clone();
    // Sets that use another set's models name the path; the first set names the model alone.
    let model = match case["model_path"].as_str() {
        Some(path) => Some(folder.join(path)),
        None => params["model"].as_str().map(|name| folder.join("models").join(name)),
    };
    let words = case["render_args"].as_array().into_iter().flatten();
    Some(Entry {
        name: Path::new(&file).file_stem()?.to_string_lossy().into_owned(),
        kind: case["kind"].as_str()?.to_owned(),
        folder: folder.to_owned(),
        render_args: words.filter_map(Value::as_str).map(str::to_owned).collect(),
        file,
        params,
        model,
    })
}
