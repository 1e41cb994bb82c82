//! The weights of one network on disk: the [`TensorSource`] that networks are built from.
//!
//! Separate from the model's other files: weights are hashed, read tensor by tensor, and the unused ones reported.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _, Seek as _, SeekFrom},
    sync::Arc,
};

use safetensors::{SafeTensorError, tensor::Metadata};
use sha2::{Digest, Sha256};

use super::{
    error::LoadError,
    files::{FileContent, ModelFiles},
    names,
    safetensors_format::{self as format, LENGTH_BYTES, MAX_HEADER, TensorSlice},
    single::{self, SingleFile},
};
use crate::nets::{ParamError, TensorSource};

/// The weights of one network: one safetensors file, several shards, or a part of a single-file checkpoint.
///
/// A tensor is read when a network asks for it, so that a file and the network made of it are never both in memory.
pub(super) struct Checkpoint {
    /// The first file, for messages.
    path: String,
    files: Vec<RefCell<FileContent>>,
    /// By canonical name: the tensor, and the index of its file.
    entries: BTreeMap<String, (TensorSlice, usize)>,
    used: RefCell<BTreeSet<String>>,
    /// The single file that the network is a part of, and the network's folder in it.
    single_file: Option<(Arc<SingleFile>, &'static str)>,
}

impl Checkpoint {
    /// Opens the weights of the network in `folder` (`unet`, `vae`, …), and adds every byte of their files to `hash`.
    ///
    /// # Errors
    /// [`LoadError`] for missing, unreadable, pickled or damaged files.
    pub(super) fn read(files: &ModelFiles, folder: &str, hash: &mut Sha256) -> Result<Self, LoadError> {
        if let ModelFiles::Single(file) = files {
            return Self::of_single_file(file, folder, hash);
        }
        let names = files.weight_files(folder)?;
        let mut entries = BTreeMap::new();
        let mut contents = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let mut content = files.open_file(name)?;
            hash.update(name.as_bytes());
            let (data_start, metadata) = match read_header(&mut content, hash) {
                Ok(parsed) => parsed,
                Err(SafeTensorError::IoError(source)) => {
                    return Err(LoadError::Read { path: files.describe(name), source });
                }
                Err(source) => return Err(LoadError::Safetensors { path: files.describe(name), source }),
            };
            for (tensor, info) in metadata.tensors() {
                entries.insert(names::canonical(&tensor), (TensorSlice::new(info, data_start), index));
            }
            contents.push(RefCell::new(content));
        }
        let path = names.first().map(|name| files.describe(name)).unwrap_or_default();
        Ok(Self { path, files: contents, entries, used: RefCell::default(), single_file: None })
    }

    /// A network of a single-file checkpoint. The file is hashed once, with the U-Net.
    fn of_single_file(single_file: &Arc<SingleFile>, folder: &str, hash: &mut Sha256) -> Result<Self, LoadError> {
        let path = single_file.path().display().to_string();
        let unreadable = |source| LoadError::Read { path: path.clone(), source };
        let known = [single::UNET, single::VAE, single::TEXT, single::TEXT_2].into_iter().find(|name| *name == folder);
        let found = known.and_then(|folder| Some((folder, single_file.weights(folder)?)));
        let (folder, weights) = found.ok_or_else(|| LoadError::MissingFile { path: path.clone() })?;
        // An autoencoder may have a file of its own.
        if folder == single::UNET || single_file.weights(single::UNET).is_none() {
            single_file.hash(hash).map_err(unreadable)?;
        }
        let file: FileContent = Box::new(single_file.file().map_err(unreadable)?);
        let entries = weights.slices.iter().map(|(name, slice)| (names::canonical(name), (slice.clone(), 0))).collect();
        let single_file = Some((single_file.clone(), folder));
        Ok(Self { path, files: vec![RefCell::new(file)], entries, used: RefCell::default(), single_file })
    }

    /// The canonical names of all weights.
    pub(super) fn names(&self) -> Vec<&str> {
        self.entries.keys().map(String::as_str).collect()
    }

    /// Tensors that no network asked for, without those that are known to be unused.
    pub(super) fn unused(&self) -> Vec<&str> {
        let used = self.used.borrow();
        let unused = self.entries.keys().filter(|name| !used.contains(*name) && !names::is_known_unused(name));
        unused.map(String::as_str).collect()
    }

    /// Logs a warning about unused tensors: the file may hold more than its config describes.
    pub(super) fn warn_of_unused(&self) {
        let unused = self.unused();
        if let Some(first) = unused.first() {
            log::warn!("{}: {} tensors were not used, the first is \"{first}\"", self.path, unused.len());
        }
    }

    /// The error for a weight that a network did not get: with the file's path, and the tensor's name in that file.
    pub(super) fn load_error(&self, source: ParamError) -> LoadError {
        let path = self.path.clone();
        let weights = self.single_file.as_ref().and_then(|(file, folder)| file.weights(folder));
        match (weights, source) {
            (Some(weights), ParamError::Missing { name }) => {
                LoadError::NoTensor { path, name: weights.name_in_file(&name) }
            }
            (Some(weights), ParamError::Shape { name, found, expected }) => {
                let name = weights.name_in_file(&name);
                let what = format!("tensor \"{name}\" has shape {found:?}, but the others ask for {expected:?}");
                LoadError::Mismatch { path, what }
            }
            (Some(weights), ParamError::NotFinite { name }) => {
                LoadError::Tensor { path, source: ParamError::NotFinite { name: weights.name_in_file(&name) } }
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
        let (slice, file) = entry;
        let bytes = read_slice(&mut self.files[*file].borrow_mut(), slice)
            .map_err(|e| ParamError::Unreadable { name: name.to_owned(), reason: e.to_string() })?;
        let unknown = || ParamError::Dtype { name: name.to_owned(), dtype: format!("{:?}", slice.dtype) };
        let mut values = format::to_f32(slice.dtype, &bytes).ok_or_else(unknown)?;
        if slice.is_transposed {
            values = format::transpose(&values, slice.shape.last().copied().unwrap_or(1));
        }
        self.used.borrow_mut().insert(name.to_owned());
        self.rescale(name, &mut values)?;
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(ParamError::NotFinite { name: name.to_owned() })
        }
    }
}

fn read_slice(file: &mut FileContent, slice: &TensorSlice) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; slice.range.len()];
    file.seek(SeekFrom::Start(slice.range.start as u64))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

impl Checkpoint {
    /// Multiplies a weight of 8 bits by the factor that is stored beside it, where there is one.
    fn rescale(&self, name: &str, values: &mut [f32]) -> Result<(), ParamError> {
        let Some(module) = name.strip_suffix(".weight") else { return Ok(()) };
        let factor = format!("{module}.scale_weight");
        if !self.entries.contains_key(&factor) {
            return Ok(());
        }
        if let [factor] = self.values(&factor)?[..] {
            values.iter_mut().for_each(|value| *value *= factor);
            return Ok(());
        }
        Err(ParamError::Shape {
            name: factor.clone(),
            found: self.shape_of(&factor).unwrap_or_default(),
            expected: vec![],
        })
    }
}

/// Bytes that are read at a time while a file is hashed.
const CHUNK: usize = 1 << 20;

/// Reads the whole file once: adds its bytes to `hash`, and gives the start of its data section and its parsed header.
fn read_header(file: &mut FileContent, hash: &mut Sha256) -> Result<(usize, Metadata), SafeTensorError> {
    let mut chunk = vec![0; CHUNK];
    let mut header = Vec::new();
    let mut length = 0;
    loop {
        let count = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        hash.update(&chunk[..count]);
        length += count;
        if header.len() < header_end(&header)? {
            header.extend_from_slice(&chunk[..count]);
        }
    }
    let end = header_end(&header)?;
    if header.len() < LENGTH_BYTES {
        return Err(SafeTensorError::HeaderTooSmall);
    }
    let text = header.get(LENGTH_BYTES..end).ok_or(SafeTensorError::InvalidHeaderLength)?;
    let text = std::str::from_utf8(text).map_err(SafeTensorError::InvalidHeader)?;
    let metadata: Metadata = serde_json::from_str(text).map_err(SafeTensorError::InvalidHeaderDeserialization)?;
    if end + format::data_length(&metadata)? != length {
        return Err(SafeTensorError::MetadataIncompleteBuffer);
    }
    Ok((end, metadata))
}

/// Where the header ends in a file that starts with `head`; with fewer than 8 bytes of it, 8.
fn header_end(head: &[u8]) -> Result<usize, SafeTensorError> {
    let Some(length) = head.first_chunk::<LENGTH_BYTES>() else { return Ok(LENGTH_BYTES) };
    match u64::from_le_bytes(*length) {
        length if length > MAX_HEADER => Err(SafeTensorError::HeaderTooLarge),
        length => Ok(LENGTH_BYTES + length as usize),
    }
}
