//! The safetensors format, as far as the `safetensors` crate reads it only from memory: header checks, byte ranges of
//! tensors, and their values.
//!
//! Separate from checkpoints, single files and LoRAs, because all three read it. Model files can be larger than memory, so
//! only their headers are parsed, and each tensor is read when a network asks for it.

use std::ops::Range;

use half::{bf16, f16};
use safetensors::{
    Dtype, SafeTensorError,
    tensor::{Metadata, TensorInfo},
};

/// Length of the number before the header, in bytes: the header's own length.
pub(super) const LENGTH_BYTES: usize = 8;

/// The longest header that the format allows, in bytes.
pub(super) const MAX_HEADER: u64 = 100_000_000;

/// A tensor, or a part of one, as a byte range of its file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TensorSlice {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// Bytes of the file.
    pub range: Range<usize>,
}

impl TensorSlice {
    /// The tensor of `info` in a file whose data section starts at byte `data_start`.
    pub fn new(info: &TensorInfo, data_start: usize) -> Self {
        let (start, end) = info.data_offsets;
        Self { dtype: info.dtype, shape: info.shape.clone(), range: data_start + start..data_start + end }
    }

    /// Part `index` of `count` equal ones along the first axis; `None` where the tensor cannot be divided so.
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

/// Length of the data section in bytes, if the tensors lie one behind the other and each is as long as its shape says.
///
/// # Errors
/// Those of the `safetensors` crate, which checks this only for a file that is in memory as a whole.
pub(super) fn data_length(header: &Metadata) -> Result<usize, SafeTensorError> {
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

/// The values of a tensor from its little-endian bytes; `None` for a type that is no float of 16 or 32 bits.
pub(super) fn to_f32(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        Dtype::BF16 => bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        _ => return None,
    })
}

/// Whether a file starts like those that torch writes: a zip archive of pickles, or a bare pickle.
pub(super) fn is_pickle(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || matches!(head, [0x80, 2..=5, ..])
}
