//! The header of a single file: its tensors by name, and its notes.
//!
//! Separate from the names of particular networks.

use std::{collections::BTreeMap, io::Read as _, path::Path};

use safetensors::{SafeTensorError, tensor::Metadata};

use crate::{
    files::open_regular,
    weights::{
        error::LoadError,
        safetensors_format::{self as format, LENGTH_BYTES, MAX_HEADER, TensorSlice},
    },
};

/// The parsed header of a safetensors file.
pub(super) struct Header {
    pub tensors: Tensors,
    /// Notes of the program that wrote the file.
    pub metadata: BTreeMap<String, String>,
}

/// Tensors by their names in the file.
pub(super) struct Tensors(BTreeMap<String, TensorSlice>);

impl Tensors {
    pub fn get(&self, name: &str) -> Option<&TensorSlice> {
        self.0.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The tensors whose names start with `prefix`.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a TensorSlice)> {
        let from = self.0.range(prefix.to_owned()..);
        from.map(|(name, slice)| (name.as_str(), slice)).take_while(move |(name, _)| name.starts_with(prefix))
    }
}

impl Header {
    /// Reads a file's header, and checks it against the file's length.
    ///
    /// # Errors
    /// [`LoadError::Read`], [`LoadError::Pickle`] for a pickle under another name, [`LoadError::Safetensors`].
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let shown = || path.display().to_string();
        let unreadable = |source| LoadError::Read { path: shown(), source };
        let damaged = |source| LoadError::Safetensors { path: shown(), source };
        let mut file = open_regular(path).map_err(unreadable)?;
        let file_length = file.metadata().map_err(unreadable)?.len();
        let mut head = Vec::new();
        file.by_ref().take(LENGTH_BYTES as u64).read_to_end(&mut head).map_err(unreadable)?;
        if format::is_pickle(&head) {
            return Err(LoadError::Pickle { path: shown() });
        }
        let length = header_length(&head, file_length).map_err(damaged)?;
        file.take(length).read_to_end(&mut head).map_err(unreadable)?;
        Self::parse(&head, file_length).map_err(damaged)
    }

    /// Parses the bytes before the data section.
    fn parse(head: &[u8], file_length: u64) -> Result<Self, SafeTensorError> {
        let header: Metadata =
            serde_json::from_slice(&head[LENGTH_BYTES..]).map_err(SafeTensorError::InvalidHeaderDeserialization)?;
        let end = head.len().checked_add(format::data_length(&header)?);
        if end.is_none_or(|end| end as u64 != file_length) {
            return Err(SafeTensorError::MetadataIncompleteBuffer);
        }
        let tensors = header.tensors().into_iter().map(|(name, info)| (name, TensorSlice::new(info, head.len())));
        let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
        Ok(Self { tensors: Tensors(tensors.collect()), metadata })
    }
}

/// The header's length, from the file's first bytes.
fn header_length(head: &[u8], file_length: u64) -> Result<u64, SafeTensorError> {
    let length = <[u8; LENGTH_BYTES]>::try_from(head).map_err(|_| SafeTensorError::HeaderTooSmall)?;
    match u64::from_le_bytes(length) {
        length if length > MAX_HEADER => Err(SafeTensorError::HeaderTooLarge),
        length if length > file_length.saturating_sub(LENGTH_BYTES as u64) => Err(SafeTensorError::InvalidHeaderLength),
        length => Ok(length),
    }
}
