//! Texts in the lowest bits of a picture's alpha or colours ("stealth PNG info").
//!
//! It stands apart because it decodes pixels, which no other reader does. Bits run down the columns, leftmost column
//! first, the highest bit of each byte first: a signature, the length of the text in bits as a 32-bit number, the text. The
//! signature ends in `comp` if the text is compressed by gzip.

use std::io::Cursor;

use flate2::read::GzDecoder;
use png::{BitDepth, ColorType, Decoder, Limits};

use crate::{
    files::check_room,
    session::chunks::{MAX_TEXT, limited},
};

/// Larger pictures are not decoded.
const MAX_PIXELS: usize = 1 << 25;

/// The length of either signature.
const LETTERS: usize = 15;

/// Bits before the text: the signature, and the length.
const HEAD: usize = 8 * LETTERS + 32;

/// The hidden text of a PNG file, if it has one. Few pixels are kept at a time: those that may hold the signature, and then
/// those of the text.
pub(super) fn text(png: &[u8]) -> Option<String> {
    let head = Columns::decode(png, HEAD)?;
    let (bits, in_alpha) = match head.channels {
        4 => head.bits(3, 1).length(b"stealth_pnginfo", b"stealth_pngcomp").map(|found| (found, true)),
        _ => None,
    }
    .or_else(|| head.bits(0, 3).length(b"stealth_rgbinfo", b"stealth_rgbcomp").map(|found| (found, false)))?;
    let (first, count) = if in_alpha { (3, 1) } else { (0, 3) };
    Columns::decode(png, (HEAD + bits.length).div_ceil(count))?.bits(first, count).text(&bits)
}

/// The first columns of a picture, 8 bits a channel, row by row.
struct Columns {
    pixels: Vec<u8>,
    width: usize,
    height: usize,
    channels: usize,
}

impl Columns {
    /// As many columns as have `needed` pixels.
    fn decode(png: &[u8], needed: usize) -> Option<Self> {
        let limits = Limits { bytes: 8 * MAX_PIXELS };
        let mut reader = Decoder::new_with_limits(Cursor::new(png), limits).read_info().ok()?;
        let info = reader.info();
        let (width, height, interlaced) = (info.width as usize, info.height as usize, info.interlaced);
        let channels = match (info.color_type, info.bit_depth) {
            (ColorType::Rgb, BitDepth::Eight) => 3,
            (ColorType::Rgba, BitDepth::Eight) => 4,
            _ => return None,
        };
        if width.checked_mul(height)? > MAX_PIXELS {
            return None;
        }
        let kept = needed.div_ceil(height).min(width);
        check_room((if interlaced { width + kept } else { kept }) * height * channels).ok()?;
        let mut pixels = Vec::with_capacity(kept * height * channels);
        if interlaced {
            let mut all = vec![0; width * height * channels];
            reader.next_frame(&mut all).ok()?;
            all.chunks_exact(width * channels).for_each(|row| pixels.extend_from_slice(&row[..kept * channels]));
        } else {
            for _ in 0..height {
                pixels.extend_from_slice(reader.next_row().ok()??.data().get(..kept * channels)?);
            }
        }
        Some(Self { pixels, width: kept, height, channels })
    }

    /// The lowest bits of `count` channels from the `first` on.
    fn bits(&self, first: usize, count: usize) -> Bits<'_> {
        Bits { columns: self, first, count, at: 0 }
    }
}

/// What stands before a text.
struct Head {
    is_packed: bool,
    /// In bits.
    length: usize,
}

/// The lowest bits of some of the channels.
struct Bits<'a> {
    columns: &'a Columns,
    /// The first channel that is read.
    first: usize,
    /// The number of channels that are read.
    count: usize,
    /// The number of bits read so far.
    at: usize,
}

impl Bits<'_> {
    fn next(&mut self) -> Option<u8> {
        let (pixel, channel) = (self.at / self.count, self.first + self.at % self.count);
        let Columns { pixels, width, height, channels } = self.columns;
        let (x, y) = (pixel / height, pixel % height);
        if x >= *width {
            return None;
        }
        self.at += 1;
        Some(pixels[(y * width + x) * channels + channel] & 1)
    }

    fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut byte = || (0..8).try_fold(0, |byte, _| Some(byte << 1 | self.next()?));
        (0..count).map(|_| byte()).collect()
    }

    /// What stands after one of the two signatures.
    fn length(mut self, plain: &[u8; LETTERS], packed: &[u8; LETTERS]) -> Option<Head> {
        let signature = self.bytes(LETTERS)?;
        let is_packed = signature == packed;
        if !is_packed && signature != plain {
            return None;
        }
        let length = u32::from_be_bytes(self.bytes(4)?.try_into().ok()?) as usize;
        Some(Head { is_packed, length }).filter(|head| head.length / 8 <= MAX_TEXT)
    }

    /// The text after the signature.
    fn text(mut self, head: &Head) -> Option<String> {
        self.at = HEAD;
        let text = self.bytes(head.length / 8)?;
        let text = if head.is_packed { limited(GzDecoder::new(&text[..]), MAX_TEXT)? } else { text };
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::within_budget;

    #[test]
    fn a_few_bytes_of_a_vast_picture_are_not_unpacked() {
        let (width, height) = (4200, 4000);
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(ColorType::Rgba);
        encoder.set_compression(png::Compression::Fastest);
        let flat = vec![0; 4 * (width * height) as usize];
        encoder.write_header().and_then(|mut writer| writer.write_image_data(&flat)).expect("memory");
        let columns = |needed| within_budget(bytes.len(), || Columns::decode(&bytes, needed)).map(|c| c.width);
        assert_eq!(columns(HEAD), Some(1), "the signature costs one column");
        assert_eq!(columns(MAX_PIXELS), None, "all of them are 67 MB");
    }
}
