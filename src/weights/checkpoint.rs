use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _, Seek as _, SeekFrom},
};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensorError, tensor::Metadata};
use sha2::{Digest, Sha256};

use super::{LoadError, ModelFiles, files::Content, names};
use crate::nets::{ParamError, TensorSource};

/// The weights of one network: one safetensors file, or several shards. Tensors are read when they are asked for, so
/// that a file and the network made of it are never in memory both.
pub(super) struct Checkpoint {
    /// For messages: the first file.
    path: String,
    files: Vec<RefCell<Content>>,
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
                let entry = Entry { dtype: info.dtype, shape: info.shape.clone(), file: index, range };
                entries.insert(names::canonical(&tensor), entry);
            }
            contents.push(RefCell::new(content));
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
        let unreadable = |e: io::Error| ParamError::Unreadable { name: name.to_owned(), reason: e.to_string() };
        let mut bytes = vec![0; entry.range.len()];
        let mut file = self.files[entry.file].borrow_mut();
        file.seek(SeekFrom::Start(entry.range.start as u64)).map_err(unreadable)?;
        file.read_exact(&mut bytes).map_err(unreadable)?;
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
    if end + metadata.data_len() != length {
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
