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
    /// Whether the file has rows and columns exchanged; `shape` is that of the tensor, not of the file.
    pub is_transposed: bool,
}

impl TensorSlice {
    /// The tensor of `info` in a file whose data section starts at byte `data_start`.
    pub fn new(info: &TensorInfo, data_start: usize) -> Self {
        let (start, end) = info.data_offsets;
        Self {
            dtype: info.dtype,
            shape: info.shape.clone(),
            range: data_start + start..data_start + end,
            is_transposed: false,
        }
    }

    /// The matrix with rows and columns exchanged.
    pub fn transposed(mut self) -> Self {
        self.shape.reverse();
        self.is_transposed = !self.is_transposed;
        self
    }

    /// Part `index` of `count` equal ones along the first axis; `None` where the tensor cannot be divided so.
    pub fn part(&self, index: usize, count: usize) -> Option<Self> {
        let (rows, bytes) = (*self.shape.first()?, self.range.len());
        if self.is_transposed || !rows.is_multiple_of(count) || !bytes.is_multiple_of(count) {
            return None;
        }
        let mut shape = self.shape.clone();
        shape[0] = rows / count;
        let start = self.range.start + index * (bytes / count);
        Some(Self { dtype: self.dtype, shape, range: start..start + bytes / count, is_transposed: false })
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

/// The values of a tensor from its little-endian bytes; `None` for a type that is no float.
pub(super) fn to_f32(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
        Dtype::F8_E4M3 => bytes.iter().map(|&b| e4m3(b)).collect(),
        Dtype::F8_E5M2 => bytes.iter().map(|&b| e5m2(b)).collect(),
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        Dtype::BF16 => bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        _ => return None,
    })
}

/// The values of a matrix that a file has with rows and columns exchanged; `columns` are those of the result.
pub(super) fn transpose(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.len().checked_div(columns).unwrap_or(0);
    (0..values.len()).map(|i| values[(i % columns) * rows + i / columns]).collect()
}

/// The values of a tensor of whole numbers; `None` for another type. Only numbers such as an alpha are stored so.
pub(super) fn integers_to_f32(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::I64 => each(bytes, |b| i64::from_le_bytes(b) as f32),
        Dtype::U64 => each(bytes, |b| u64::from_le_bytes(b) as f32),
        Dtype::I32 => each(bytes, |b| i32::from_le_bytes(b) as f32),
        Dtype::U32 => each(bytes, |b| u32::from_le_bytes(b) as f32),
        Dtype::I16 => each(bytes, |b| f32::from(i16::from_le_bytes(b))),
        Dtype::U16 => each(bytes, |b| f32::from(u16::from_le_bytes(b))),
        Dtype::I8 => each(bytes, |b| f32::from(i8::from_le_bytes(b))),
        Dtype::U8 | Dtype::BOOL => bytes.iter().map(|&b| f32::from(b)).collect(),
        _ => return None,
    })
}

/// Each value of `N` bytes.
fn each<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| value(chunk)).collect()
}

/// Four bits of exponent (bias 7), three of mantissa, no infinities; all ones is no number (Micikevicius et al., 2022).
fn e4m3(byte: u8) -> f32 {
    let (exponent, mantissa) = (i32::from(byte >> 3 & 15), f32::from(byte & 7));
    let size = match (exponent, byte & 7) {
        (15, 7) => f32::NAN,
        (0, _) => mantissa / 8.0 * 2f32.powi(-6),
        _ => (1.0 + mantissa / 8.0) * 2f32.powi(exponent - 7),
    };
    if byte & 128 == 0 { size } else { -size }
}

/// The upper byte of an f16.
fn e5m2(byte: u8) -> f32 {
    f16::from_le_bytes([0, byte]).to_f32()
}

/// Whether a file starts like those that torch writes: a zip archive of pickles, or a bare pickle.
pub(super) fn is_pickle(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || matches!(head, [0x80, 2..=5, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_eight_bits_are_widened() {
        for (byte, e4, e5) in [
            (0x00, 0.0, 0.0),
            (0x01, 1.0 / 512.0, 1.0 / 65536.0),
            (0x38, 1.0, 0.5),
            (0x3c, 1.5, 1.0),
            (0x7e, 448.0, f32::NAN),
            (0x7b, 352.0, 57344.0),
            (0xc0, -2.0, -2.0),
            (0x7f, f32::NAN, f32::NAN),
            (0x7c, 384.0, f32::INFINITY),
        ] {
            let [found4, found5] = [Dtype::F8_E4M3, Dtype::F8_E5M2].map(|dtype| to_f32(dtype, &[byte]));
            assert_eq!(found4.map(|v| v[0].to_bits()), Some(f32::to_bits(e4)), "{byte:x}");
            assert_eq!(found5.map(|v| v[0].is_nan() && f32::is_nan(e5) || v[0] == e5), Some(true), "{byte:x}");
        }
        assert_eq!(to_f32(Dtype::F64, &2.5f64.to_le_bytes()), Some(vec![2.5]));
        assert_eq!(integers_to_f32(Dtype::I64, &(-3i64).to_le_bytes()), Some(vec![-3.0]));
    }
}
