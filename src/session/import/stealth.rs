//! Texts in the lowest bits of a picture's alpha or colours ("stealth PNG info").
//!
//! It stands apart because it decodes pixels, which no other reader does. Bits run down the columns, leftmost column
//! first, the highest bit of each byte first: a signature, the length of the text in bits as a 32-bit number, the text. The
//! signature ends in `comp` if the text is compressed by gzip.

use std::io::Cursor;

use flate2::read::GzDecoder;
use png::{BitDepth, ColorType, Decoder, Limits};

use crate::session::chunks::{MAX_TEXT, limited};

/// Larger pictures are not decoded.
const MAX_PIXELS: usize = 1 << 25;

/// The length of either signature.
const LETTERS: usize = 15;

/// The hidden text of a PNG file, if it has one.
pub(super) fn text(png: &[u8]) -> Option<String> {
    let limits = Limits { bytes: 8 * MAX_PIXELS };
    let mut reader = Decoder::new_with_limits(Cursor::new(png), limits).read_info().ok()?;
    let info = reader.info();
    let (width, height) = (info.width as usize, info.height as usize);
    let channels = match (info.color_type, info.bit_depth) {
        (ColorType::Rgb, BitDepth::Eight) => 3,
        (ColorType::Rgba, BitDepth::Eight) => 4,
        _ => return None,
    };
    if width.checked_mul(height)? > MAX_PIXELS {
        return None;
    }
    let mut pixels = vec![0; width * height * channels];
    reader.next_frame(&mut pixels).ok()?;
    let bits = |first, count| Bits { pixels: &pixels, width, height, channels, first, count, at: 0 };
    let in_alpha = (channels == 4).then(|| bits(3, 1).text(b"stealth_pnginfo", b"stealth_pngcomp")).flatten();
    in_alpha.or_else(|| bits(0, 3).text(b"stealth_rgbinfo", b"stealth_rgbcomp"))
}

/// The lowest bits of some of the channels.
struct Bits<'a> {
    pixels: &'a [u8],
    width: usize,
    height: usize,
    channels: usize,
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
        let (x, y) = (pixel / self.height, pixel % self.height);
        if x >= self.width {
            return None;
        }
        self.at += 1;
        Some(self.pixels[(y * self.width + x) * self.channels + channel] & 1)
    }

    fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut byte = || (0..8).try_fold(0, |byte, _| Some(byte << 1 | self.next()?));
        (0..count).map(|_| byte()).collect()
    }

    /// The text after a signature.
    fn text(mut self, plain: &[u8; LETTERS], packed: &[u8; LETTERS]) -> Option<String> {
        let signature = self.bytes(LETTERS)?;
        let is_packed = signature == packed;
        if !is_packed && signature != plain {
            return None;
        }
        let bits = u32::from_be_bytes(self.bytes(4)?.try_into().ok()?) as usize;
        let text = self.bytes(Some(bits / 8).filter(|&count| count <= MAX_TEXT)?)?;
        let text = if is_packed { limited(GzDecoder::new(&text[..]), MAX_TEXT)? } else { text };
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}
