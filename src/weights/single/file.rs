//! A single-file checkpoint, opened: its networks, the config files that it implies, and the tokenizer beside it.
//!
//! Separate from the names and shapes of the networks, which have a file each.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    configs,
    generation::Generation,
    header::{Header, Tensors},
    hints::Hints,
    kind,
    mapping::Weights,
    text, unet, vae,
};
use crate::{
    files::{open_regular, read, read_regular},
    weights::error::LoadError,
};

/// The networks, by their folders in diffusers.
pub(in crate::weights) const UNET: &str = "unet";
pub(in crate::weights) const VAE: &str = "vae";
pub(in crate::weights) const TEXT: &str = "text_encoder";

/// A checkpoint whose header has been read. Weights are read when networks ask for them.
#[derive(Debug)]
pub struct SingleFile {
    path: PathBuf,
    /// By folder: the networks that are in the file.
    networks: BTreeMap<&'static str, Weights>,
    /// By path in a diffusers folder: the content of config files.
    configs: BTreeMap<&'static str, Vec<u8>>,
    /// By path in a diffusers folder: where the tokenizer's files are.
    tokenizer: BTreeMap<&'static str, PathBuf>,
}

impl SingleFile {
    /// Reads the header of a checkpoint, and the files beside it that belong to it.
    ///
    /// # Errors
    /// [`LoadError`] for a file that is damaged or a pickle, that is no Stable Diffusion 1.x or 2.x checkpoint, or from
    /// which the model's architecture cannot be told.
    pub fn open(path: &Path) -> Result<Arc<Self>, LoadError> {
        let header = Header::read(path)?;
        kind::check(&header, path)?;
        let hints = Hints::read(path, &header);
        let mut file = Self {
            path: path.to_owned(),
            networks: BTreeMap::new(),
            configs: BTreeMap::new(),
            tokenizer: tokenizer_beside(path),
        };
        let generation = Generation::of(&header.tensors);
        file.add_networks(&header.tensors, generation, &hints)?;
        match (generation, file.networks.contains_key(VAE)) {
            (Some(generation), true) => file.add_pipeline(generation, &hints)?,
            // A U-Net alone can be used beside a complete model.
            (None, false) => {}
            (Some(_), false) => return Err(file.incomplete("autoencoder (first_stage_model)")),
            (None, true) => return Err(file.incomplete("text encoder (cond_stage_model)")),
        }
        Ok(Arc::new(file))
    }

    fn add_networks(
        &mut self,
        tensors: &Tensors,
        generation: Option<Generation>,
        hints: &Hints,
    ) -> Result<(), LoadError> {
        let path = self.path.clone();
        let (weights, unet) = unet::read(tensors, &path)?;
        self.networks.insert(UNET, weights);
        self.add_config("unet/config.json", &unet.config(generation, hints));
        if let Some(generation) = generation {
            let (weights, text) = text::read(tensors, generation, &path)?;
            self.networks.insert(TEXT, weights);
            self.add_config("text_encoder/config.json", &text.config(generation));
        }
        if let Some((weights, vae)) = vae::read(tensors, &path)? {
            self.networks.insert(VAE, weights);
            self.add_config("vae/config.json", &vae.config(hints));
        }
        Ok(())
    }

    /// Adds the config files of a complete model.
    fn add_pipeline(&mut self, generation: Generation, hints: &Hints) -> Result<(), LoadError> {
        let prediction = hints.prediction(generation, &self.path)?;
        self.add_config("model_index.json", &configs::index());
        self.add_config("scheduler/scheduler_config.json", &configs::scheduler(prediction, hints));
        self.add_config("tokenizer/tokenizer_config.json", &configs::tokenizer(generation));
        Ok(())
    }

    fn add_config(&mut self, name: &'static str, json: &Value) {
        self.configs.insert(name, json.to_string().into_bytes());
    }

    fn incomplete(&self, what: &'static str) -> LoadError {
        LoadError::Incomplete { path: self.path.display().to_string(), what }
    }

    /// The weights of the network in `folder`.
    pub(in crate::weights) fn weights(&self, folder: &str) -> Option<&Weights> {
        self.networks.get(folder)
    }

    /// Opens the file, to read weights from.
    pub(in crate::weights) fn file(&self) -> io::Result<File> {
        open_regular(&self.path)
    }

    pub(in crate::weights) fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::weights) fn has(&self, path: &str) -> bool {
        self.configs.contains_key(path) || self.tokenizer.contains_key(path)
    }

    /// The content of a config or tokenizer file. A file beside the checkpoint takes precedence.
    pub(in crate::weights) fn read(&self, path: &str) -> Option<io::Result<Vec<u8>>> {
        let beside = self.tokenizer.get(path).map(|path| read_regular(path, read::TEXT));
        beside.or_else(|| self.configs.get(path).cloned().map(Ok))
    }

    /// Adds every byte of the file to `hash`.
    pub(in crate::weights) fn hash(&self, hash: &mut Sha256) -> io::Result<()> {
        let mut file = self.file()?;
        let mut chunk = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut chunk)?;
            if count == 0 {
                return Ok(());
            }
            hash.update(&chunk[..count]);
        }
    }
}

/// The tokenizer's files: in a folder `tokenizer` beside the checkpoint, or directly beside it.
fn tokenizer_beside(path: &Path) -> BTreeMap<&'static str, PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let names = [
        ("tokenizer/tokenizer.json", "tokenizer.json"),
        ("tokenizer/vocab.json", "vocab.json"),
        ("tokenizer/merges.txt", "merges.txt"),
        ("tokenizer/tokenizer_config.json", "tokenizer_config.json"),
    ];
    let found = names.into_iter().filter_map(|(name, file)| {
        let places = [folder.join(name), folder.join(file)];
        places.into_iter().find(|place| place.is_file()).map(|place| (name, place))
    });
    found.collect()
}
