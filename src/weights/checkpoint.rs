use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::Range,
    sync::Arc,
};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use super::{
    LoadError, ModelFiles, names,
    single::{self, SingleFile, Slice},
};
use crate::nets::{ParamError, TensorSource};

/// The weights of one network: one safetensors file, several shards, or a part of a larger file, kept as they are until
/// asked for.
pub(super) struct Checkpoint {
    /// For messages: the first file.
    path: String,
    stores: Vec<Store>,
    /// By canonical name: the weight, and the store it is in.
    entries: BTreeMap<String, (Slice, usize)>,
    used: RefCell<BTreeSet<String>>,
    /// The checkpoint that the network is a part of, and the network's folder.
    whole: Option<(Arc<SingleFile>, &'static str)>,
}

/// Where bytes are.
enum Store {
    Held(Cow<'static, [u8]>),
    /// A checkpoint of one file has several networks: each weight is read when it is wanted.
    OnDisk(RefCell<File>),
}

impl Store {
    fn read(&self, range: &Range<usize>) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Self::Held(bytes) => Ok(Cow::Borrowed(&bytes[range.clone()])),
            Self::OnDisk(file) => {
                let mut file = file.borrow_mut();
                let mut bytes = vec![0; range.len()];
                file.seek(SeekFrom::Start(range.start as u64))?;
                file.read_exact(&mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

impl Checkpoint {
    /// Reads the weights of the part in `folder` (`unet`, `vae`, …); `hash` is fed every byte of them.
    ///
    /// # Errors
    /// [`LoadError`] for missing, unreadable, pickled or damaged files.
    pub(super) fn read(files: &ModelFiles, folder: &str, hash: &mut Sha256) -> Result<Self, LoadError> {
        if let ModelFiles::Single(file) = files {
            return Self::part(file, folder, hash);
        }
        let names = files.weight_files(folder)?;
        let mut entries = BTreeMap::new();
        let mut stores = Vec::with_capacity(names.len());
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
                let slice = Slice { dtype: view.dtype(), shape: view.shape().to_vec(), range };
                entries.insert(names::canonical(tensor), (slice, index));
            }
            stores.push(Store::Held(content));
        }
        let path = names.first().map(|name| files.describe(name)).unwrap_or_default();
        Ok(Self { path, stores, entries, used: RefCell::default(), whole: None })
    }

    /// A network of a checkpoint of one file. The file's hash is taken once, with the U-Net.
    fn part(whole: &Arc<SingleFile>, folder: &str, hash: &mut Sha256) -> Result<Self, LoadError> {
        let path = whole.path().display().to_string();
        let unreadable = |source| LoadError::Read { path: path.clone(), source };
        let known = [single::UNET, single::VAE, single::TEXT].into_iter().find(|name| *name == folder);
        let found = known.and_then(|folder| Some((folder, whole.weights(folder)?)));
        let (folder, weights) = found.ok_or_else(|| LoadError::MissingFile { path: path.clone() })?;
        if folder == single::UNET {
            whole.hash(hash).map_err(unreadable)?;
        }
        let stores = vec![Store::OnDisk(RefCell::new(whole.file().map_err(unreadable)?))];
        let entries = weights.slices.iter().map(|(name, slice)| (names::canonical(name), (slice.clone(), 0))).collect();
        let whole = Some((whole.clone(), folder));
        Ok(Self { path, stores, entries, used: RefCell::default(), whole })
    }

    /// Every weight, by canonical name.
    pub(super) fn names(&self) -> Vec<&str> {
        self.entries.keys().map(String::as_str).collect()
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

    /// A weight that could not be had, with the file's name, and under the name that it has there.
    pub(super) fn error(&self, source: ParamError) -> LoadError {
        let path = self.path.clone();
        let weights = self.whole.as_ref().and_then(|(file, folder)| file.weights(folder));
        match (weights, source) {
            (Some(weights), ParamError::Missing { name }) => LoadError::NoTensor { path, name: weights.origin(&name) },
            (Some(weights), ParamError::Shape { name, found, expected }) => {
                let name = weights.origin(&name);
                let what = format!("tensor \"{name}\" has shape {found:?}, but the others ask for {expected:?}");
                LoadError::Mismatch { path, what }
            }
            (_, source) => LoadError::Tensor { path, source },
        }
    }
}

impl TensorSource for Checkpoint {
    fn shape_of(&self, name: &str) -> Option<Vec<usize>> {
        self.entries.get(name).map(|(slice, _)| slice.shape.clone())
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ParamError> {
        let entry = self.entries.get(name).ok_or_else(|| ParamError::Missing { name: name.to_owned() })?;
        let (slice, store) = entry;
        let unreadable = |error: io::Error| ParamError::Unreadable { name: name.to_owned(), what: error.to_string() };
        let bytes = self.stores[*store].read(&slice.range).map_err(unreadable)?;
        let unknown = || ParamError::Dtype { name: name.to_owned(), dtype: format!("{:?}", slice.dtype) };
        let values = floats(slice.dtype, &bytes).ok_or_else(unknown)?;
        self.used.borrow_mut().insert(name.to_owned());
        Ok(values)
    }
}

/// The numbers of a tensor; `None` for a type that is no float of 16 or 32 bits.
pub(super) fn floats(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        Dtype::BF16 => bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        _ => return None,
    })
}

/// Whether a file begins as those do that torch writes: zip files of pickles, and bare ones.
pub(super) fn is_pickle(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || matches!(head, [0x80, 2..=5, ..])
}
