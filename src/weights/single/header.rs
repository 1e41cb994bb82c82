use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use safetensors::{
    Dtype, SafeTensorError,
    tensor::{Metadata, TensorInfo},
};

use crate::weights::{LoadError, checkpoint::is_pickle};

/// Where a tensor, or a part of one, stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::weights) struct Slice {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// Bytes of the file.
    pub range: std::ops::Range<usize>,
}

impl Slice {
    /// Part `index` of `count` equal ones along the first axis.
    pub fn part(&self, index: usize, count: usize) -> Option<Self> {
        let (rows, bytes) = (*self.shape.first()?, self.range.len());
        if !rows.is_multiple_of(count) || !bytes.is_multiple_of(count) {
            return None;
        }
        let mut shape = self.shape.clone();
        shape[0] = rows / count;
        let start = self.range.start + index * (bytes / count);
        Some(Self { dtype: self.dtype, shape, range: start..start + bytes / count })
    }
}

/// What a safetensors file says before its weights.
pub(super) struct Header {
    pub tensors: Tensors,
    pub metadata: BTreeMap<String, String>,
}

/// Tensors by the names in the file.
pub(super) struct Tensors(BTreeMap<String, Slice>);

impl Tensors {
    pub fn get(&self, name: &str) -> Option<&Slice> {
        self.0.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Those whose names begin with `prefix`.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Slice)> {
        let from = self.0.range(prefix.to_owned()..);
        from.map(|(name, slice)| (name.as_str(), slice)).take_while(move |(name, _)| name.starts_with(prefix))
    }
}

/// Bytes before the header: its length.
const LENGTH: usize = 8;

/// The longest header that the format allows.
const MAX_HEADER: u64 = 100_000_000;

impl Header {
    /// Reads a file's header and holds it against the file's length.
    ///
    /// # Errors
    /// [`LoadError::Read`], [`LoadError::Pickle`] for what is one under another name, [`LoadError::Safetensors`].
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let shown = || path.display().to_string();
        let unreadable = |source| LoadError::Read { path: shown(), source };
        let damaged = |source| LoadError::Safetensors { path: shown(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let mut head = Vec::new();
        file.by_ref().take(LENGTH as u64).read_to_end(&mut head).map_err(unreadable)?;
        if is_pickle(&head) {
            return Err(LoadError::Pickle { path: shown() });
        }
        let length = <[u8; LENGTH]>::try_from(head.as_slice()).map_err(|_| damaged(SafeTensorError::HeaderTooSmall))?;
        let length = u64::from_le_bytes(length);
        if length > MAX_HEADER {
            return Err(damaged(SafeTensorError::HeaderTooLarge));
        }
        if length > bytes.saturating_sub(LENGTH as u64) {
            return Err(damaged(SafeTensorError::InvalidHeaderLength));
        }
        file.take(length).read_to_end(&mut head).map_err(unreadable)?;
        let parsed: Metadata = serde_json::from_slice(&head[LENGTH..])
            .map_err(|source| damaged(SafeTensorError::InvalidHeaderDeserialization(source)))?;
        let start = head.len();
        let end = check(&parsed).map_err(damaged)?;
        if start.checked_add(end).is_none_or(|end| end as u64 != bytes) {
            return Err(damaged(SafeTensorError::MetadataIncompleteBuffer));
        }
        let slice = |info: &TensorInfo| Slice {
            dtype: info.dtype,
            shape: info.shape.clone(),
            range: start + info.data_offsets.0..start + info.data_offsets.1,
        };
        let tensors = parsed.tensors().into_iter().map(|(name, info)| (name, slice(info))).collect();
        let metadata = parsed.metadata().clone().unwrap_or_default().into_iter().collect();
        Ok(Self { tensors: Tensors(tensors), metadata })
    }
}

/// The bytes that the tensors take together, if they lie one behind the other and each is as long as its shape says.
///
/// # Errors
/// What the format's own reader says, which checks this only of a file that is in memory as a whole.
pub(in crate::weights) fn check(header: &Metadata) -> Result<usize, SafeTensorError> {
    let mut tensors: Vec<(String, &TensorInfo)> = header.tensors().into_iter().collect();
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    let mut end = 0;
    for (name, info) in tensors {
        let count = info.shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
        let bits = count.and_then(|count| count.checked_mul(info.dtype.bitsize()));
        let bytes = bits.ok_or(SafeTensorError::ValidationOverflow)?.div_ceil(8);
        if info.data_offsets.0 != end || info.data_offsets.0.checked_add(bytes) != Some(info.data_offsets.1) {
            return Err(SafeTensorError::InvalidOffset(name));
        }
        end = info.data_offsets.1;
    }
    Ok(end)
}
