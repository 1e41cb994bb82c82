//! Textual inversions (Gal et al., 2022): vectors that stand for a word in a prompt.
//!
//! Separate from the text encoders, which get the vectors as rows behind their vocabulary.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use sha2::{Digest as _, Sha256};

use super::{LoadError, TextStack, safetensors_format as format};
use crate::{
    files::read_regular,
    nets::{ClipText, Tokenizer},
};

/// No embedding is larger, in bytes: 75 vectors for two encoders have less than a megabyte.
const MAX_BYTES: u64 = 64 << 20;

/// Most vectors of an embedding: the places of a prompt between start and end.
const MOST_VECTORS: usize = 75;

/// The embeddings of a model, in the order in which their vectors follow the vocabulary.
#[derive(Default)]
pub(super) struct Embeddings(Vec<Embedding>);

struct Embedding {
    path: String,
    /// The words that stand for it: its file's name and, in diffusers' files, its token.
    triggers: Vec<String>,
    vectors: Vectors,
}

enum Vectors {
    /// For a model with one text encoder.
    One(Rows),
    /// For SDXL's two.
    Two(Rows, Rows),
}

/// `[count, width]`.
struct Rows {
    count: usize,
    width: usize,
    values: Vec<f32>,
}

impl Embeddings {
    /// Reads the files, and adds them and their names to `hash`.
    ///
    /// # Errors
    /// [`LoadError`] for a file that cannot be read, is a pickle, or is no embedding, and for two with the same word.
    pub fn read(paths: &[PathBuf], hash: &mut Sha256) -> Result<Self, LoadError> {
        let mut all: Vec<Embedding> = Vec::new();
        for path in paths {
            for embedding in read_file(path, hash)? {
                let taken = |trigger: &&String| all.iter().any(|other| other.triggers.contains(trigger));
                if let Some(trigger) = embedding.triggers.iter().find(taken) {
                    let what = format!("another embedding has its word \"{trigger}\" already");
                    return Err(LoadError::Embedding { path: embedding.path, what });
                }
                all.push(embedding);
            }
        }
        Ok(Self(all))
    }

    /// Adds the vectors to the text encoders, and the words to their tokenizers.
    ///
    /// # Errors
    /// [`LoadError::Embedding`] for one that does not fit the model.
    pub fn add_to(&self, text: &mut TextStack) -> Result<(), LoadError> {
        for embedding in &self.0 {
            let refused = |what: String| LoadError::Embedding { path: embedding.path.clone(), what };
            match (&embedding.vectors, &mut text.second) {
                (Vectors::One(rows), None) => embedding.add(rows, &mut text.first).map_err(refused)?,
                (Vectors::Two(first, second), Some(pair)) => {
                    embedding.add(first, &mut text.first).map_err(refused)?;
                    embedding.add(second, pair).map_err(refused)?;
                }
                (Vectors::One(_), Some(_)) => {
                    return Err(refused("it is for models with one text encoder, this one has two".to_owned()));
                }
                (Vectors::Two(..), None) => {
                    return Err(refused(
                        "it is for Stable Diffusion XL's two text encoders, this model has one".to_owned(),
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Embedding {
    /// # Errors
    /// What does not fit, in words that complete "the embedding cannot be used: …".
    fn add(&self, rows: &Rows, (tokenizer, encoder): &mut (Tokenizer, ClipText)) -> Result<(), String> {
        let width = encoder.config().width;
        if rows.width != width {
            return Err(format!(
                "its vectors are {} wide, the text encoder's {width}: it is for another model",
                rows.width
            ));
        }
        let ids = encoder.add_rows(&rows.values);
        for trigger in &self.triggers {
            let added = tokenizer.add_trigger(trigger, ids.clone()).map_err(|error| error.to_string())?;
            if !added {
                return Err(format!("its word \"{trigger}\" has no letter that the tokenizer knows: rename the file"));
            }
        }
        Ok(())
    }
}

fn read_file(path: &Path, hash: &mut Sha256) -> Result<Vec<Embedding>, LoadError> {
    let shown = || path.display().to_string();
    let bytes = read_regular(path, MAX_BYTES).map_err(|source| LoadError::Read { path: shown(), source })?;
    if format::is_pickle(&bytes) {
        return Err(LoadError::Pickle { path: shown() });
    }
    let parsed = SafeTensors::deserialize(&bytes);
    let parsed = parsed.map_err(|source| LoadError::Safetensors { path: shown(), source })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    hash.update(&bytes);
    hash.update(stem.as_bytes());
    let found = embeddings(&parsed, &stem).map_err(|what| LoadError::Embedding { path: shown(), what })?;
    Ok(found.into_iter().map(|(triggers, vectors)| Embedding { path: shown(), triggers, vectors }).collect())
}

/// The embeddings of a file whose name is `stem`: A1111's `emb_params`, SDXL's `clip_l` and `clip_g`, or diffusers' tokens.
///
/// # Errors
/// As [`Embedding::add`].
fn embeddings(file: &SafeTensors<'_>, stem: &str) -> Result<Vec<(Vec<String>, Vectors)>, String> {
    let mut names = file.names();
    names.sort_unstable();
    let named = || vec![stem.to_owned()];
    match names[..] {
        [] => Err("it holds no vectors".to_owned()),
        ["clip_g", "clip_l"] => {
            let (first, second) = (rows(file, "clip_l")?, rows(file, "clip_g")?);
            if first.count != second.count {
                return Err(format!(
                    "it has {} vectors for one encoder and {} for the other",
                    first.count, second.count
                ));
            }
            Ok(vec![(named(), Vectors::Two(first, second))])
        }
        [name @ ("emb_params" | "clip_l" | "clip_g")] => Ok(vec![(named(), Vectors::One(rows(file, name)?))]),
        _ => {
            let several = names.len() > 1;
            let token = |name: &&str| {
                let mut triggers = if several { vec![] } else { named() };
                if !triggers.contains(&(*name).to_owned()) {
                    triggers.push((*name).to_owned());
                }
                Ok((triggers, Vectors::One(rows(file, name)?)))
            };
            names.iter().map(token).collect()
        }
    }
}

fn rows(file: &SafeTensors<'_>, name: &str) -> Result<Rows, String> {
    let tensor = file.tensor(name).map_err(|error| error.to_string())?;
    let (count, width) = match tensor.shape() {
        [width] => (1, *width),
        [count, width] => (*count, *width),
        shape => {
            return Err(format!("\"{name}\" has shape {shape:?}, which no list of vectors has: it is no embedding"));
        }
    };
    if !(1..=MOST_VECTORS).contains(&count) || width == 0 {
        return Err(format!("\"{name}\" has {count} vectors, but a prompt has places for 1 to {MOST_VECTORS}"));
    }
    let values = format::to_f32(tensor.dtype(), tensor.data());
    let values = values.ok_or_else(|| format!("\"{name}\" has element type {:?}", tensor.dtype()))?;
    if values.iter().all(|value| value.is_finite()) {
        Ok(Rows { count, width, values })
    } else {
        Err(format!("\"{name}\" has values that are no finite numbers: it is damaged"))
    }
}
