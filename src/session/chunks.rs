//! The texts in the chunks of a PNG file (ISO/IEC 15948), read without decoding the pixels.
//!
//! It stands apart from the PNG writer because it must bear any file: lengths are checked against the file's, and
//! compressed texts, of which a few bytes can expand to gigabytes, are expanded up to a limit.

use std::io::Read as _;

use flate2::{Crc, read::ZlibDecoder};

use super::error::SessionError;
use crate::files::{charge, latin1};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The largest text that is decompressed, in bytes.
pub(super) const MAX_TEXT: usize = 1 << 24;

/// The limit for all compressed texts of a file together, in bytes.
const MAX_UNPACKED: usize = 1 << 26;

/// The number of texts after which reading stops; ordinary files have a handful.
const MAX_TEXTS: usize = 1024;

/// The texts of a PNG file.
#[derive(Default)]
pub(super) struct Texts {
    /// Keyword and content, from all kinds of text chunks.
    pub intact: Vec<(String, String)>,
    /// Those whose checksum is wrong: something in them was changed.
    pub damaged: Vec<(String, String)>,
    /// The EXIF block, a TIFF structure.
    pub exif: Option<Vec<u8>>,
}

struct Chunk<'a> {
    kind: [u8; 4],
    content: &'a [u8],
    is_intact: bool,
}

/// Reads every text of a PNG file, also those after the pixels. A truncated file gives the texts before its end. `name`
/// appears in error messages.
///
/// # Errors
/// [`SessionError::NotAPicture`] for a file without a PNG signature and header.
pub(super) fn read(bytes: &[u8], name: &str) -> Result<Texts, SessionError> {
    let what = |what: &str| SessionError::NotAPicture { name: name.to_owned(), what: what.to_owned() };
    let rest = bytes.strip_prefix(SIGNATURE).ok_or_else(|| what("it does not begin as PNG files do"))?;
    let mut chunks = Chunks(rest);
    let header = chunks.next().filter(|chunk| &chunk.kind == b"IHDR" && chunk.content.len() == 13);
    let header = header.ok_or_else(|| what("its header is missing or damaged"))?;
    if header.content[..8].as_chunks::<4>().0.contains(&[0; 4]) {
        return Err(what("it has no pixels"));
    }
    let mut texts = Texts::default();
    let mut room = MAX_UNPACKED;
    for chunk in chunks {
        if texts.intact.len() + texts.damaged.len() >= MAX_TEXTS {
            log::warn!("{name} has more than {MAX_TEXTS} texts; the rest is ignored");
            break;
        }
        let text = match &chunk.kind {
            b"tEXt" => plain(chunk.content),
            b"zTXt" => packed(chunk.content, &mut room),
            b"iTXt" => international(chunk.content, &mut room),
            b"eXIf" if texts.exif.is_none() => {
                texts.exif = Some(chunk.content.to_vec());
                None
            }
            _ => None,
        };
        if chunk.is_intact { &mut texts.intact } else { &mut texts.damaged }.extend(text);
    }
    Ok(texts)
}

/// The chunks of a file: length, kind, content, and a checksum of kind and content.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    /// Ends at a length that exceeds the rest of the file.
    fn next(&mut self) -> Option<Chunk<'a>> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (summed, rest) = rest.split_at_checked(length.checked_add(4)?)?;
        let (kind, content) = summed.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        self.0 = rest;
        // Pixels are not read, so their checksum does not matter.
        let is_intact = kind == b"IDAT" || checksum(summed) == u32::from_be_bytes(*sum);
        Some(Chunk { kind: *kind, content, is_intact })
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// `tEXt`: keyword, zero, Latin-1.
fn plain(content: &[u8]) -> Option<(String, String)> {
    let (keyword, text) = split(content)?;
    Some((keyword, latin1(text)))
}

/// `zTXt`: keyword, zero, method 0, Latin-1 compressed by zlib.
fn packed(content: &[u8], room: &mut usize) -> Option<(String, String)> {
    let (keyword, rest) = split(content)?;
    let packed = rest.strip_prefix(b"\0")?;
    Some((keyword, latin1(&unpacked(packed, room)?)))
}

/// `iTXt`: keyword, zero, compression flag, method 0, language, zero, translated keyword, zero, UTF-8.
fn international(content: &[u8], room: &mut usize) -> Option<(String, String)> {
    let (keyword, rest) = split(content)?;
    let ([is_packed, _method], rest) = rest.split_first_chunk::<2>()?;
    let (_language, rest) = split(rest)?;
    let (_translated, text) = split(rest)?;
    let text = match is_packed {
        0 => String::from_utf8_lossy(text).into_owned(),
        _ => String::from_utf8_lossy(&unpacked(text, room)?).into_owned(),
    };
    Some((keyword, text))
}

/// Splits at the first zero: the part before it as Latin-1, and the part after it.
fn split(content: &[u8]) -> Option<(String, &[u8])> {
    let end = content.iter().position(|&b| b == 0)?;
    Some((latin1(&content[..end]), &content[end + 1..]))
}

/// Decompresses a text; `None` if it is damaged or too large. `room` is the number of bytes that are left for all texts of
/// the file together.
fn unpacked(packed: &[u8], room: &mut usize) -> Option<Vec<u8>> {
    let limit = MAX_TEXT.min(*room);
    let text = limited(ZlibDecoder::new(packed), limit);
    *room -= text.as_ref().map_or(limit, Vec::len);
    // Latin-1 becomes up to two bytes a letter.
    text.filter(|text| charge(2 * text.len()).is_ok())
}

/// Everything that `packed` yields; `None` if it is damaged or exceeds `limit` bytes.
pub(super) fn limited(packed: impl std::io::Read, limit: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    packed.take(limit as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= limit).then_some(bytes)
}
