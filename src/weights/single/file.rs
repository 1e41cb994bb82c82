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
    generation::{Generation, encoders},
    header::{Header, Tensors},
    hints::Hints,
    kind,
    mapping::Weights,
    taesd, text, unet, vae,
};
use crate::{
    files::{open_regular, read, read_regular},
    weights::{clip_vocabulary, error::LoadError},
};

/// The networks, by their folders in diffusers.
pub(in crate::weights) const UNET: &str = "unet";
pub(in crate::weights) const VAE: &str = "vae";
pub(in crate::weights) const TEXT: &str = "text_encoder";
pub(in crate::weights) const TEXT_2: &str = "text_encoder_2";

const VAE_CONFIG: &str = "vae/config.json";

/// The text encoders' folders, with the files of each: its config, and those of its tokenizer.
const FOLDERS: [(&str, [&str; 4]); 2] = [
    (
        TEXT,
        ["text_encoder/config.json", "tokenizer/tokenizer_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt"],
    ),
    (
        TEXT_2,
        [
            "text_encoder_2/config.json",
            "tokenizer_2/tokenizer_config.json",
            "tokenizer_2/vocab.json",
            "tokenizer_2/merges.txt",
        ],
    ),
];

/// A checkpoint whose header has been read. Weights are read when networks ask for them.
#[derive(Debug)]
pub struct SingleFile {
    path: PathBuf,
    /// By folder: the networks that are in the file.
    networks: BTreeMap<&'static str, Weights>,
    /// By path in a diffusers folder: the content of config files.
    configs: BTreeMap<&'static str, Vec<u8>>,
    /// The factor on latents of its autoencoder, or of the one that it lacks.
    scaling_factor: f64,
    /// By path in a diffusers folder: where the tokenizer's files are.
    tokenizer: BTreeMap<String, PathBuf>,
}

impl SingleFile {
    /// Reads the header of a checkpoint, and the files beside it that belong to it.
    ///
    /// # Errors
    /// [`LoadError`] for a file that is damaged or a pickle, that is no Stable Diffusion checkpoint, or from which the
    /// model's architecture cannot be told.
    pub fn open(path: &Path) -> Result<Arc<Self>, LoadError> {
        let header = Header::read(path)?;
        kind::check(&header, path)?;
        let hints = Hints::read(path, &header);
        let mut file = Self::empty(path);
        file.tokenizer = tokenizer_beside(path);
        let (weights, unet) = unet::read(&header.tensors, path)?;
        let generation = Generation::of(&header.tensors, unet.linear);
        file.check_signs(generation, &unet)?;
        file.networks.insert(UNET, weights);
        let pooled = match generation {
            Some(generation) => file.add_text(&header.tensors, generation)?,
            None => None,
        };
        let prediction = generation.map(|generation| hints.prediction(generation, path)).transpose()?;
        let side = configs::latent_side(unet.is_xl(), unet.context(), prediction);
        file.add_config("unet/config.json", &unet.config(generation, &hints, pooled, side));
        file.scaling_factor = configs::scaling_factor(unet.is_xl(), &hints);
        if let Some((weights, vae)) = vae::read(&header.tensors, path)? {
            file.networks.insert(VAE, weights);
            file.add_config(VAE_CONFIG, &vae.config(file.scaling_factor));
        }
        match (generation, prediction, file.networks.contains_key(VAE)) {
            (Some(generation), Some(prediction), _) => {
                file.add_config("model_index.json", &configs::index(generation));
                file.add_config("scheduler/scheduler_config.json", &configs::scheduler(prediction, &hints));
            }
            (_, _, true) => return Err(file.incomplete("text encoder (cond_stage_model)")),
            // A U-Net alone can be used beside a complete model.
            _ => {}
        }
        Ok(Arc::new(file))
    }

    /// Reads the header of an autoencoder in a file of its own, or of the one in a checkpoint, for use with a model whose
    /// latents have `scaling_factor`.
    ///
    /// # Errors
    /// [`LoadError`] for a file that is damaged or a pickle, or without an autoencoder.
    pub(in crate::weights) fn open_vae(path: &Path, scaling_factor: f64) -> Result<Arc<Self>, LoadError> {
        let header = Header::read(path)?;
        let mut file = Self::empty(path);
        file.scaling_factor = scaling_factor;
        if let Some((weights, config)) = taesd::read(&header.tensors, path)? {
            file.networks.insert(VAE, weights);
            file.add_config(taesd::CONFIG, &config);
            return Ok(Arc::new(file));
        }
        let Some((weights, vae)) = vae::read(&header.tensors, path)? else {
            return Err(LoadError::NotAutoencoder { path: path.display().to_string() });
        };
        file.networks.insert(VAE, weights);
        file.add_config(VAE_CONFIG, &vae.config(scaling_factor));
        Ok(Arc::new(file))
    }

    /// The factor on the latents of the autoencoder that belongs to the model.
    pub(in crate::weights) fn scaling_factor(&self) -> f64 {
        self.scaling_factor
    }

    fn empty(path: &Path) -> Self {
        let (networks, configs) = (BTreeMap::new(), BTreeMap::new());
        Self { path: path.to_owned(), networks, configs, scaling_factor: 0.18215, tokenizer: BTreeMap::new() }
    }

    /// Checks that text encoders and U-Net are of the same kind of model.
    fn check_signs(&self, generation: Option<Generation>, unet: &unet::Architecture) -> Result<(), LoadError> {
        let what = match generation {
            Some(Generation::Xl) if !unet.is_xl() => "its text encoders are Stable Diffusion XL's, its U-Net is not",
            Some(Generation::One | Generation::Two) if unet.is_xl() => {
                "its U-Net is Stable Diffusion XL's (label_emb), its text encoder is not"
            }
            _ => return Ok(()),
        };
        Err(LoadError::Mismatch { path: self.path.display().to_string(), what: what.to_owned() })
    }

    /// Adds the text encoders; gives the width of XL's pooled embedding.
    fn add_text(&mut self, tensors: &Tensors, generation: Generation) -> Result<Option<usize>, LoadError> {
        let path = self.path.clone();
        let encoders = encoders(tensors);
        if generation == Generation::Xl && encoders.len() < 2 {
            return Err(self.incomplete("second text encoder, as Stable Diffusion XL has it (conditioner.embedders)"));
        }
        if !self.has_tokenizer_beside() {
            self.tokenizer.retain(|file, _| file.ends_with("tokenizer_config.json"));
        }
        let mut pooled = None;
        for (index, encoder) in encoders.into_iter().enumerate() {
            let (weights, text) = text::read(tensors, encoder, (generation, index == 0), &path)?;
            let (folder, names) = FOLDERS[index.min(1)];
            let open_clip = index == 1 || generation == Generation::Two;
            self.networks.insert(folder, weights);
            self.add_config(names[0], &text.config());
            self.add_config(names[1], &configs::tokenizer(open_clip));
            if text.vocabulary == clip_vocabulary::SIZE && !self.has_tokenizer_beside() {
                self.add_config(names[2], &clip_vocabulary::vocabulary());
                self.configs.insert(names[3], clip_vocabulary::merges().into_bytes());
            }
            pooled = (index == 1).then_some(text.projection);
        }
        Ok(pooled)
    }

    /// Whether a whole tokenizer lies beside the file, not only its settings.
    fn has_tokenizer_beside(&self) -> bool {
        let has = |file: &str| self.tokenizer.contains_key(&format!("tokenizer/{file}"));
        has("tokenizer.json") || has("vocab.json") && has("merges.txt")
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
        self.configs.contains_key(path) || self.tokenizer.contains_key(&self.beside(path))
    }

    /// XL's two tokenizers share their vocabulary, but not their settings.
    fn beside(&self, path: &str) -> String {
        let shared = path.ends_with("tokenizer_config.json") || self.tokenizer.contains_key(path);
        if shared { path.to_owned() } else { path.replace("tokenizer_2/", "tokenizer/") }
    }

    /// The content of a config or tokenizer file. A file beside the checkpoint takes precedence.
    pub(in crate::weights) fn read(&self, path: &str) -> Option<io::Result<Vec<u8>>> {
        let beside = self.tokenizer.get(&self.beside(path)).map(|path| read_regular(path, read::TEXT));
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

/// The tokenizer's files: in a folder `tokenizer` (and `tokenizer_2`) beside the checkpoint, or directly beside it.
fn tokenizer_beside(path: &Path) -> BTreeMap<String, PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut found = BTreeMap::new();
    for file in ["tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json"] {
        for (tokenizer, places) in [
            ("tokenizer", vec![folder.join("tokenizer").join(file), folder.join(file)]),
            ("tokenizer_2", vec![folder.join("tokenizer_2").join(file)]),
        ] {
            let place = places.into_iter().find(|place| place.is_file());
            found.extend(place.map(|place| (format!("{tokenizer}/{file}"), place)));
        }
    }
    found
}
