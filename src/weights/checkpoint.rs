use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _, Seek as _, SeekFrom},
    sync::Arc,
};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensorError, tensor::Metadata};
use sha2::{Digest, Sha256};

use super::{
    LoadError, ModelFiles,
    files::Content,
    names,
    single::{self, SingleFile, Slice},
};
use crate::nets::{ParamError, TensorSource};

/// The weights of one network: one safetensors file, several shards, or a part of a larger file. Tensors are read when they are asked for, so
/// that a file and the network made of it are never in memory both.
pub(super) struct Checkpoint {
    /// For messages: the first file.
    path: String,
    files: Vec<RefCell<Content>>,
    /// By canonical name: the weight, and the file it is in.
    entries: BTreeMap<String, (Slice, usize)>,
    used: RefCell<BTreeSet<String>>,
    /// The checkpoint that the network is a part of, and the network's folder.
    whole: Option<(Arc<SingleFile>, &'static str)>,
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
        let mut contents = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let mut content = files.open_file(name)?;
            hash.update(name.as_bytes());
            let (base, metadata) = match read_header(&mut content, hash) {
                Ok(parsed) => parsed,
                Err(SafeTensorError::IoError(source)) => {
                    return Err(LoadError::Read { path: files.describe(name), source });
                }
                Err(source) => return Err(LoadError::Safetensors { path: files.describe(name), source }),
            };
            for (tensor, info) in metadata.tensors() {
                let (start, end) = info.data_offsets;
                let range = base + start..base + end;
                let slice = Slice { dtype: info.dtype, shape: info.shape.clone(), range };
                entries.insert(names::canonical(&tensor), (slice, index));
            }
            contents.push(RefCell::new(content));
        }
        let path = names.first().map(|name| files.describe(name)).unwrap_or_default();
        Ok(Self { path, files: contents, entries, used: RefCell::default(), whole: None })
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
        let file: Content = Box::new(whole.file().map_err(unreadable)?);
        let entries = weights.slices.iter().map(|(name, slice)| (names::canonical(name), (slice.clone(), 0))).collect();
        let whole = Some((whole.clone(), folder));
        Ok(Self { path, files: vec![RefCell::new(file)], entries, used: RefCell::default(), whole })
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
        let (slice, file) = entry;
        let unreadable = |e: io::Error| ParamError::Unreadable { name: name.to_owned(), reason: e.to_string() };
        let mut bytes = vec![0; slice.range.len()];
        let mut file = self.files[*file].borrow_mut();
        file.seek(SeekFrom::Start(slice.range.start as u64)).map_err(unreadable)?;
        file.read_exact(&mut bytes).map_err(unreadable)?;
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

/// Bytes of a file that are in memory at a time while it is hashed.
const PORTION: usize = 1 << 20;
/// As the safetensors crate has it.
const MAX_HEADER: u64 = 100_000_000;

/// Where the data of a safetensors file begins, and what is in it; `hash` is fed the whole file.
fn read_header(file: &mut Content, hash: &mut Sha256) -> Result<(usize, Metadata), SafeTensorError> {
    let mut portion = vec![0; PORTION];
    let mut header = Vec::new();
    let mut length = 0;
    loop {
        let count = match file.read(&mut portion) {
            Ok(0) => break,
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        hash.update(&portion[..count]);
        length += count;
        if header.len() < header_end(&header)? {
            header.extend_from_slice(&portion[..count]);
        }
    }
    let end = header_end(&header)?;
    if header.len() < 8 {
        return Err(SafeTensorError::HeaderTooSmall);
    }
    let text = header.get(8..end).ok_or(SafeTensorError::InvalidHeaderLength)?;
    let text = std::str::from_utf8(text).map_err(SafeTensorError::InvalidHeader)?;
    let metadata: Metadata = serde_json::from_str(text).map_err(SafeTensorError::InvalidHeaderDeserialization)?;
    if end + single::check(&metadata)? != length {
        return Err(SafeTensorError::MetadataIncompleteBuffer);
    }
    Ok((end, metadata))
}

/// Where the header ends that begins with these bytes; where there are too few to tell, the end of its length.
fn header_end(begin: &[u8]) -> Result<usize, SafeTensorError> {
    let Some(length) = begin.first_chunk::<8>() else { return Ok(8) };
    match u64::from_le_bytes(*length) {
        length if length > MAX_HEADER => Err(SafeTensorError::HeaderTooLarge),
        length => Ok(8 + length as usize),
    }
}
