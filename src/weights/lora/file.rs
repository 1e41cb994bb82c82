//! A LoRA file: every tensor of it is used, told of, or a reason to refuse it.
//!
//! Separate from names and arithmetic, which it puts together.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    build::{Parts, Updates, updates},
    factor::Part,
    names::{self, Place},
    settings::Settings,
};
use crate::{
    files::{decode_text, read, read_regular},
    weights::{LoadError, safetensors_format as format},
};

/// No LoRA is larger, in bytes: whole models are.
const MAX_BYTES: u64 = 8 << 30;

/// A LoRA file, read.
pub(super) struct LoraFile {
    pub path: String,
    pub weight: f32,
    /// By the module's name in the file.
    pub modules: BTreeMap<String, (Place, Updates)>,
}

impl LoraFile {
    /// Reads a file, or the one in a folder as PEFT and diffusers save them. Adds all that was read to `hash`.
    ///
    /// # Errors
    /// [`LoadError`] for files that cannot be read, are damaged or pickles, or hold something that cannot be applied.
    pub fn read(path: &Path, weight: f32, hash: &mut Sha256) -> Result<Self, LoadError> {
        let path = &file_in(path);
        let shown = || path.display().to_string();
        let refused = |what| LoadError::Lora { path: shown(), what };
        let bytes = read_regular(path, MAX_BYTES).map_err(|source| LoadError::Read { path: shown(), source })?;
        if format::is_pickle(&bytes) {
            return Err(LoadError::Pickle { path: shown() });
        }
        hash.update(&bytes);
        hash.update(weight.to_le_bytes());
        let parsed = SafeTensors::deserialize(&bytes);
        let parsed = parsed.map_err(|source| LoadError::Safetensors { path: shown(), source })?;
        let sorted = Sorted::of(&parsed).map_err(refused)?;
        sorted.tell(&shown());
        let settings = settings(path, &bytes, &sorted, hash)?;
        let mut modules = BTreeMap::new();
        for (module, parts) in sorted.modules {
            let updates = updates(&module, parts, &settings).map_err(refused)?;
            modules.insert(module.clone(), (names::place_of(&module), updates));
        }
        Ok(Self { path: shown(), weight, modules })
    }
}

/// The file itself, or the one in a folder that PEFT and diffusers give such a name.
fn file_in(path: &Path) -> PathBuf {
    let names = ["adapter_model.safetensors", "pytorch_lora_weights.safetensors"];
    let found = names.iter().map(|name| path.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| path.to_owned())
}

/// The tensors of a file, sorted by what they are.
#[derive(Default)]
struct Sorted {
    modules: BTreeMap<String, Parts>,
    /// Of embeddings that travel with the file.
    embeddings: usize,
    /// Tensors that are no part of a module.
    unknown: Vec<String>,
    /// Modules whose alpha is 0.
    silent: usize,
}

impl Sorted {
    /// # Errors
    /// What is wrong with the file, in words that complete "the LoRA cannot be used: …".
    fn of(file: &SafeTensors<'_>) -> Result<Self, String> {
        let names = file.names();
        let rescaled: BTreeSet<&str> = names.iter().filter_map(|name| name.strip_suffix(".on_input")).collect();
        let mut sorted = Self::default();
        for (name, tensor) in file.iter() {
            if let Some(kind) = names::unsupported(name) {
                return Err(format!("it is {kind} (\"{name}\"), which cannot be added to the weights here"));
            }
            let rescaling = name.strip_suffix(".weight").filter(|module| rescaled.contains(module));
            let found = match rescaling {
                Some(module) => Some(names::PartName { module: module.to_owned(), part: "rescaling" }),
                None => names::part_of(name),
            };
            match found {
                Some(found) => {
                    let values = values(name, tensor.dtype(), tensor.data())?;
                    let part = Part { shape: tensor.shape().to_vec(), values };
                    sorted.silent += usize::from(found.part == "alpha" && part.values == [0.0]);
                    if sorted.modules.entry(found.module).or_default().insert(found.part, part).is_some() {
                        return Err(format!("it has two updates of one module, the second with \"{name}\""));
                    }
                }
                None if names::is_embedding(name) => sorted.embeddings += 1,
                None => sorted.unknown.push(name.to_owned()),
            }
        }
        sorted.check()
    }

    /// Refuses a file without an update, and one whose modules have parts of an unknown kind: they would not be applied as
    /// they were trained.
    fn check(self) -> Result<Self, String> {
        if self.modules.is_empty() {
            return Err("it holds no LoRA that is known here".to_owned());
        }
        let owner = |name: &String| {
            let mut heads = name.match_indices('.').map(|(dot, _)| &name[..dot]);
            heads.find(|head| self.modules.contains_key(*head)).map(str::to_owned)
        };
        match self.unknown.iter().find_map(|name| Some((name, owner(name)?))) {
            Some((name, module)) => Err(format!(
                "\"{name}\" is of a kind that is not known here, so \"{module}\" cannot be applied as it was trained"
            )),
            None => Ok(self),
        }
    }

    /// Logs a line about each kind of tensors that are not used.
    fn tell(&self, path: &str) {
        if let Some(first) = self.unknown.first() {
            log::warn!(
                "{path}: {} tensors are no part of a LoRA and were not used, the first is \"{first}\"",
                self.unknown.len()
            );
        }
        if self.embeddings > 0 {
            log::warn!("{path}: it carries embeddings ({} tensors), which were not used", self.embeddings);
        }
        if self.silent > 0 {
            log::warn!("{path}: the alpha of {} modules is 0, so they change nothing", self.silent);
        }
    }

    /// A module and its rank, of a file without alphas among its tensors.
    fn rank_without_alpha(&self) -> Option<(&str, usize)> {
        let (module, parts) = self.modules.iter().find(|(_, parts)| !parts.contains_key("alpha"))?;
        Some((module, parts.get("down").or_else(|| parts.get("w1_b"))?.rows()))
    }
}

/// The values of a tensor, which must all be finite. Alphas may be whole numbers.
fn values(name: &str, dtype: Dtype, data: &[u8]) -> Result<Vec<f32>, String> {
    let values = format::to_f32(dtype, data).or_else(|| format::integers_to_f32(dtype, data));
    let values = values.ok_or_else(|| format!("tensor \"{name}\" has element type {dtype:?}"))?;
    if values.iter().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        Err(format!("tensor \"{name}\" has values that are no finite numbers: it is damaged"))
    }
}

/// The settings of a file: in its header, in a configuration of its own beside it, or in that of its folder.
fn settings(path: &Path, bytes: &[u8], sorted: &Sorted, hash: &mut Sha256) -> Result<Settings, LoadError> {
    let refused = |what| LoadError::Lora { path: path.display().to_string(), what };
    let metadata = SafeTensors::read_metadata(bytes).ok().and_then(|(_, header)| header.metadata().clone());
    if let Some(note) = metadata.as_ref().and_then(|metadata| metadata.get("lora_adapter_metadata")) {
        let json = serde_json::from_str(note);
        let json: Value =
            json.map_err(|e| refused(format!("the note lora_adapter_metadata in its header is no JSON: {e}")))?;
        return Settings::of_note(&json).map_err(refused);
    }
    let own = path.with_extension("adapter_config.json");
    let shared = path.with_file_name("adapter_config.json");
    let of_peft = sorted.modules.iter().any(|(module, parts)| {
        !parts.contains_key("alpha") && !["lora_", "lycoris_"].iter().any(|prefix| module.starts_with(prefix))
    });
    let Some(config) = [own.clone(), shared].into_iter().find(|file| file.is_file()).filter(|_| of_peft) else {
        return Ok(Settings::default());
    };
    let shown = || config.display().to_string();
    let text = read_regular(&config, read::TEXT).map_err(|source| LoadError::Read { path: shown(), source })?;
    let decoded = decode_text(&text).map_err(|source| LoadError::NotText { path: shown(), source })?;
    let json = serde_json::from_str(&decoded).map_err(|source| LoadError::Json { path: shown(), source })?;
    let settings = Settings::of_config(&json).map_err(refused)?;
    // A folder may hold the configuration of another file.
    if config != own && !sorted.rank_without_alpha().is_none_or(|found| settings.agrees(found)) {
        log::warn!("{}: it is for a LoRA of another rank than {}, and was not used", shown(), path.display());
        return Ok(Settings::default());
    }
    hash.update(&text);
    Ok(settings)
}
