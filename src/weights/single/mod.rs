//! Single-file checkpoints of Stable Diffusion 1.x and 2.x: all networks in one `.safetensors`, under the names of the
//! LDM code that trained them.
//!
//! A file is shown to the loaders as the diffusers folder that it would make: its weights under diffusers names, and
//! the config files that its shapes, a `.yaml` beside it and the published models of its family imply.

mod configs;
mod header;
mod hints;
mod text;
mod unet;
mod vae;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use self::{
    header::{Header, Tensors},
    hints::Hints,
};
use super::LoadError;

pub(super) use header::{Slice, check};

/// The networks, by the folder that diffusers keeps each in.
pub(super) const UNET: &str = "unet";
pub(super) const VAE: &str = "vae";
pub(super) const TEXT: &str = "text_encoder";

/// A checkpoint whose header has been read.
#[derive(Debug)]
pub struct SingleFile {
    path: PathBuf,
    /// The networks that are in the file.
    parts: BTreeMap<&'static str, Weights>,
    /// Config files by their path in a diffusers folder.
    configs: BTreeMap<&'static str, Vec<u8>>,
    /// Where the tokenizer's files are, by their path in a diffusers folder.
    tokenizer: BTreeMap<&'static str, PathBuf>,
}

/// The weights of one network.
#[derive(Debug, Default)]
pub(super) struct Weights {
    /// By diffusers name.
    pub slices: BTreeMap<String, Slice>,
    /// What a diffusers name begins with, and what it begins with in the file.
    origins: BTreeMap<String, String>,
}

impl Weights {
    /// The name that a weight has in the file, or would have.
    pub fn origin(&self, name: &str) -> String {
        let mut prefix = name;
        while let Some((shorter, _)) = prefix.rsplit_once('.') {
            prefix = shorter;
            if let Some(origin) = self.origins.get(prefix) {
                return format!("{origin}{}", &name[prefix.len()..]);
            }
        }
        name.to_owned()
    }
}

/// Which encoder reads the text; it tells the generations apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Generation {
    /// 1.x: CLIP's text encoder, under its own names.
    One,
    /// 2.x: OpenCLIP's.
    Two,
}

impl SingleFile {
    /// Reads the header of a checkpoint, and what stands beside it.
    ///
    /// # Errors
    /// [`LoadError`] for a file that is damaged or a pickle, that is no Stable Diffusion 1.x or 2.x checkpoint, or that
    /// does not tell what has to be known.
    pub fn open(path: &Path) -> Result<Arc<Self>, LoadError> {
        let header = Header::read(path)?;
        refuse_others(&header, path)?;
        let hints = Hints::read(path, &header);
        let tensors = &header.tensors;
        let (unet, unet_shape) = unet::read(tensors, path)?;
        let mut parts = BTreeMap::from([(UNET, unet)]);
        let mut configs = BTreeMap::new();
        let generation = text::generation(tensors);
        let mut put = |name, json: serde_json::Value| configs.insert(name, json.to_string().into_bytes());
        put("unet/config.json", unet_shape.config(generation, &hints));
        if let Some(generation) = generation {
            let (weights, shape) = text::read(tensors, generation, path)?;
            put("text_encoder/config.json", shape.config(generation));
            parts.insert(TEXT, weights);
        }
        if let Some((weights, shape)) = vae::read(tensors, path)? {
            put("vae/config.json", shape.config(&hints));
            parts.insert(VAE, weights);
        }
        // A U-Net alone can still stand beside a complete model.
        match (generation, parts.contains_key(VAE)) {
            (Some(generation), true) => {
                put("model_index.json", configs::index());
                put("scheduler/scheduler_config.json", configs::scheduler(hints.prediction(generation, path)?, &hints));
                put("tokenizer/tokenizer_config.json", configs::tokenizer(generation));
            }
            (None, false) => {}
            (with_text, _) => {
                let what = if with_text.is_some() {
                    "autoencoder (first_stage_model)"
                } else {
                    "text encoder (cond_stage_model)"
                };
                return Err(LoadError::Incomplete { path: path.display().to_string(), what });
            }
        }
        let tokenizer = tokenizer_beside(path);
        Ok(Arc::new(Self { path: path.to_owned(), parts, configs, tokenizer }))
    }

    /// The weights of one network.
    pub(super) fn weights(&self, folder: &str) -> Option<&Weights> {
        self.parts.get(folder)
    }

    /// The file, to read weights from.
    pub(super) fn file(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.configs.contains_key(path) || self.tokenizer.contains_key(path)
    }

    /// The content of a config or tokenizer file; what stands beside the checkpoint is believed first.
    pub(super) fn read(&self, path: &str) -> Option<io::Result<Vec<u8>>> {
        let beside = self.tokenizer.get(path).map(fs::read);
        beside.or_else(|| self.configs.get(path).cloned().map(Ok))
    }

    /// Feeds every byte of the file to `hash`.
    pub(super) fn hash(&self, hash: &mut Sha256) -> io::Result<()> {
        let mut file = self.file()?;
        let mut piece = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut piece)?;
            if count == 0 {
                return Ok(());
            }
            hash.update(&piece[..count]);
        }
    }
}

/// Refuses files of other kinds, each with its name.
fn refuse_others(header: &Header, path: &Path) -> Result<(), LoadError> {
    let any = |part: &str| header.tensors.names().any(|name| name.contains(part));
    let begins = |part: &str| header.tensors.names().any(|name| name.starts_with(part));
    let kind = if begins("conditioner.embedders.") {
        "a Stable Diffusion XL checkpoint, which can be opened only as a diffusers folder"
    } else if begins(unet::PREFIX) {
        return Ok(());
    } else if any("lora_") || any(".lora") {
        "a LoRA, not a model"
    } else if begins("first_stage_model.") || begins("decoder.") {
        "an autoencoder, not a model"
    } else if begins("down_blocks.") {
        "a diffusers network without its folder"
    } else if any("double_blocks") || any("joint_blocks") || any("transformer_blocks") {
        "a checkpoint of another family than Stable Diffusion 1.x and 2.x"
    } else {
        "not a Stable Diffusion checkpoint: it has no model.diffusion_model weights"
    };
    Err(LoadError::OtherFile { path: path.display().to_string(), kind })
}

/// The tokenizer's files: in a folder `tokenizer` beside the checkpoint, or right beside it.
fn tokenizer_beside(path: &Path) -> BTreeMap<&'static str, PathBuf> {
    let here = path.parent().unwrap_or(Path::new(""));
    let names = [
        ("tokenizer/tokenizer.json", "tokenizer.json"),
        ("tokenizer/vocab.json", "vocab.json"),
        ("tokenizer/merges.txt", "merges.txt"),
        ("tokenizer/tokenizer_config.json", "tokenizer_config.json"),
    ];
    let found = names.into_iter().filter_map(|(name, file)| {
        let places = [here.join(name), here.join(file)];
        places.into_iter().find(|place| place.is_file()).map(|place| (name, place))
    });
    found.collect()
}

/// The tensors of one network, taken out by name one after another: what is left over stays behind.
struct Taker<'a> {
    tensors: &'a Tensors,
    prefix: &'static str,
    weights: Weights,
    path: &'a Path,
}

impl<'a> Taker<'a> {
    fn new(tensors: &'a Tensors, prefix: &'static str, path: &'a Path) -> Self {
        Self { tensors, prefix, weights: Weights::default(), path }
    }

    /// The shape of a tensor, if it is there.
    fn shape(&self, name: &str) -> Option<&'a [usize]> {
        self.tensors.get(&format!("{}{name}", self.prefix)).map(|slice| slice.shape.as_slice())
    }

    fn has(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// One side of a tensor that has to be there.
    fn side(&self, name: &str, axis: usize) -> Result<usize, LoadError> {
        let missing =
            || LoadError::NoTensor { path: self.path.display().to_string(), name: format!("{}{name}", self.prefix) };
        self.shape(name).and_then(|shape| shape.get(axis)).copied().filter(|&side| side > 0).ok_or_else(missing)
    }

    /// Takes every tensor below `from` to below `to`. What is missing is missed when the network is built.
    fn take(&mut self, from: &str, to: &str) {
        let from = format!("{}{from}.", self.prefix);
        for (name, slice) in self.tensors.below(&from) {
            self.weights.slices.insert(format!("{to}.{}", &name[from.len()..]), slice.clone());
        }
        let from = from.trim_end_matches('.').to_owned();
        self.weights.origins.entry(to.to_owned()).or_insert(from);
    }

    /// Takes the layers of a block, each to the name it has in diffusers.
    fn take_each(&mut self, from: &str, to: &str, layers: &[(&str, &str)]) {
        for (theirs, ours) in layers {
            self.take(&format!("{from}.{theirs}"), &format!("{to}.{ours}"));
        }
    }
}

/// Groups of the group norms: 32 in all published models; fewer where some count of channels cannot be split so.
fn norm_groups(channels: &[usize]) -> usize {
    let splits = |groups: &usize| channels.iter().all(|count| count % groups == 0);
    [32, 16, 8, 4, 2].into_iter().find(splits).unwrap_or(1)
}
