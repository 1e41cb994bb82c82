use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use super::{LoadError, ModelFiles, names};
use crate::nets::{ParamError, TensorSource};

/// The weights of one network: one safetensors file, or several shards, kept as they are until asked for.
pub(super) struct Checkpoint {
    /// For messages: the first file.
    path: String,
    files: Vec<Cow<'static, [u8]>>,
    /// By canonical name.
    entries: BTreeMap<String, Entry>,
    used: RefCell<BTreeSet<String>>,
}

struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    file: usize,
    /// Bytes of that file.
    range: std::ops::Range<usize>,
}

impl Checkpoint {
    /// Reads the weights of the part in `folder` (`unet`, `vae`, …); `hash` is fed every byte of them.
    ///
    /// # Errors
    /// [`LoadError`] for missing, unreadable, pickled or damaged files.
    pub(super) fn read(files: &ModelFiles, folder: &str, hash: &mut Sha256) -> Result<Self, LoadError> {
        let names = files.weight_files(folder)?;
        let mut entries = BTreeMap::new();
        let mut contents = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let content = files.read(name)?;
            hash.update(name.as_bytes());
            hash.update(&content);
            let damaged = |source| LoadError::Safetensors { path: files.describe(name), source };
            let parsed = SafeTensors::deserialize(&content).map_err(damaged)?;
            let base = content.as_ptr() as usize;
            for (tensor, view) in parsed.iter() {
                let start = view.data().as_ptr() as usize - base;
                let range = start..start + view.data().len();
                let entry = Entry { dtype: view.dtype(), shape: view.shape().to_vec(), file: index, range };
                entries.insert(names::canonical(tensor), entry);
            }
            contents.push(content);
        }
        let path = names.first().map(|name| files.describe(name)).unwrap_or_default();
        Ok(Self { path, files: contents, entries, used: RefCell::default() })
    }

    /// Tensors that nobody asked for and that are not known to be harmless.
    pub(super) fn unused(&self) -> Vec<&str> {
        let used = self.used.borrow();
        let left = self.entries.keys().filter(|name| !used.contains(*name) && !names::harmless(name));
        left.map(String::as_str).collect()
    }

    /// Tells the log about tensors that were left over: the file may hold more than its config says.
    pub(super) fn warn_of_unused(&self) {
        let unused = self.unused();
        if let Some(first) = unused.first() {
            log::warn!("{}: {} tensors were not used, the first is \"{first}\"", self.path, unused.len());
        }
    }

    /// A weight that could not be had, with the file's name.
    pub(super) fn error(&self, source: ParamError) -> LoadError {
        LoadError::Tensor { path: self.path.clone(), source }
    }
}

impl TensorSource for Checkpoint {
    fn shape_of(&self, name: &str) -> Option<Vec<usize>> {
        self.entries.get(name).map(|entry| entry.shape.clone())
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ParamError> {
        let entry = self.entries.get(name).ok_or_else(|| ParamError::Missing { name: name.to_owned() })?;
        let bytes = &self.files[entry.file][entry.range.clone()];
        let values = match entry.dtype {
            Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Dtype::F16 => bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            Dtype::BF16 => bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            other => return Err(ParamError::Dtype { name: name.to_owned(), dtype: format!("{other:?}") }),
        };
        self.used.borrow_mut().insert(name.to_owned());
        Ok(values)
    }
}
