//! Where picture files keep texts: chunks of PNG, segments of JPEG, blocks of WebP and GIF, with EXIF or XMP in them.
//!
//! It stands apart from what the texts mean: a text reads the same wherever it was kept.

use std::path::Path;

use super::{exif, stealth, xmp};
use crate::{
    files::{mend_utf8_read_as_latin1, utf8_or_latin1},
    session::{
        SessionError,
        chunks::{self, SIGNATURE},
    },
};

/// The texts of a picture file.
#[derive(Default)]
pub(super) struct EmbeddedTexts {
    /// Keyword and content.
    texts: Vec<(String, String)>,
    /// EXIF user comments, XMP and other texts without a keyword.
    pub comments: Vec<String>,
}

impl EmbeddedTexts {
    /// The first text of a keyword that is not blank. The case of letters is ignored: tools differ in it.
    pub fn text(&self, keyword: &str) -> Option<&str> {
        let (_, text) =
            self.texts.iter().find(|(k, text)| k.eq_ignore_ascii_case(keyword) && !text.trim().is_empty())?;
        Some(text)
    }

    /// All keywords.
    pub fn keywords(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|(keyword, _)| keyword.as_str())
    }

    /// Adds the texts of an EXIF block.
    fn add_exif(&mut self, tiff: &[u8]) {
        let found = exif::texts(tiff);
        self.comments.extend(found.user_comment);
        // ComfyUI writes its graph into WebP files as "prompt:{…}", in the tags of the camera's name.
        let labelled = found.others.iter().filter_map(|text| text.split_once(':'));
        self.texts.extend(
            labelled.filter(|(_, json)| json.trim_start().starts_with('{')).map(|(k, v)| (k.to_owned(), v.to_owned())),
        );
    }

    /// Adds the texts of a block.
    fn add(&mut self, block: Block<'_>) {
        match block {
            Block::Exif(tiff) => self.add_exif(tiff),
            Block::Xmp(packet) => self.comments.extend(xmp::texts(&String::from_utf8_lossy(packet))),
            Block::Comment(comment) => self.comments.push(utf8_or_latin1(comment)),
        }
    }
}

/// A block of metadata in a file.
enum Block<'a> {
    /// A TIFF structure.
    Exif(&'a [u8]),
    Xmp(&'a [u8]),
    Comment(&'a [u8]),
}

/// The texts of a picture file, by whether their checksums are right.
#[derive(Default)]
pub(super) struct Picture<'a> {
    pub intact: EmbeddedTexts,
    /// Texts whose checksum is wrong.
    pub damaged: EmbeddedTexts,
    /// The whole file if it is a PNG: its pixels may hold a text too.
    png: Option<&'a [u8]>,
}

impl Picture<'_> {
    /// The text in the pixels, which must be decoded for it: the slowest reader, so the last.
    pub fn hidden(&self) -> EmbeddedTexts {
        let comments = self.png.and_then(stealth::text).into_iter().collect();
        EmbeddedTexts { comments, ..EmbeddedTexts::default() }
    }
}

/// The texts of a PNG, JPEG, WebP or GIF file; `None` for other bytes.
///
/// # Errors
/// [`SessionError::NotAPicture`] for a PNG file that is damaged before its texts.
pub(super) fn read<'a>(bytes: &'a [u8], path: &Path) -> Result<Option<Picture<'a>>, SessionError> {
    if bytes.starts_with(SIGNATURE) {
        return chunks::read(bytes, &path.display().to_string()).map(|texts| Some(png(bytes, texts)));
    }
    let mut intact = EmbeddedTexts::default();
    if bytes.starts_with(b"\xff\xd8\xff") {
        jpeg(bytes).for_each(|block| intact.add(block));
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        webp(bytes).for_each(|block| intact.add(block));
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        intact.comments = gif_comments(bytes);
    } else {
        return Ok(None);
    }
    Ok(Some(Picture { intact, ..Picture::default() }))
}

fn png(bytes: &[u8], found: chunks::Texts) -> Picture<'_> {
    let texts = |texts: Vec<(String, String)>| {
        let texts = texts.into_iter().map(|(keyword, content)| (keyword, mend_utf8_read_as_latin1(&content))).collect();
        EmbeddedTexts { texts, ..EmbeddedTexts::default() }
    };
    let (mut intact, damaged) = (texts(found.intact), texts(found.damaged));
    if let Some(packet) = intact.text("XML:com.adobe.xmp").map(str::to_owned) {
        intact.add(Block::Xmp(packet.as_bytes()));
    }
    found.exif.iter().for_each(|tiff| intact.add_exif(tiff));
    Picture { intact, damaged, png: Some(bytes) }
}

/// The label before the TIFF structure; some writers of WebP omit it.
const EXIF_LABEL: &[u8] = b"Exif\0\0";
const XMP_LABEL: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Blocks of a JPEG file: segments APP1 (marker 0xE1) and COM (0xFE) before the first scan (0xDA).
fn jpeg(bytes: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        // Any number of fill bytes 0xFF may precede a marker.
        let start = rest.iter().position(|&b| b != 0xff).filter(|&fill| fill > 0)?;
        let (marker, after) = rest.get(start..)?.split_first()?;
        if matches!(marker, 0xd9 | 0xda) {
            return None;
        }
        let length = usize::from(u16::from_be_bytes(after.get(..2)?.try_into().ok()?));
        let content = after.get(2..length)?;
        rest = after.get(length..)?;
        Some((*marker, content))
    })
    .filter_map(|(marker, content)| match marker {
        0xfe => Some(Block::Comment(content)),
        0xe1 => {
            let exif = content.strip_prefix(EXIF_LABEL).map(Block::Exif);
            exif.or_else(|| content.strip_prefix(XMP_LABEL).map(Block::Xmp))
        }
        _ => None,
    })
}

/// Blocks of a WebP file: RIFF chunks `EXIF` and `XMP `, each padded to an even length.
fn webp(bytes: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut rest = bytes.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, after) = (rest.get(..4)?, rest.get(4..)?);
        let length = u32::from_le_bytes(after.get(..4)?.try_into().ok()?) as usize;
        let after = after.get(4..)?;
        let content = after.get(..length)?;
        rest = after.get(length + length % 2..).unwrap_or_default();
        Some((kind, content))
    })
    .filter_map(|(kind, content)| match kind {
        b"EXIF" => Some(Block::Exif(content.strip_prefix(EXIF_LABEL).unwrap_or(content))),
        b"XMP " => Some(Block::Xmp(content)),
        _ => None,
    })
}

/// The comments of a GIF file (version 89a): extensions 0xFE, in pieces of up to 255 bytes.
fn gif_comments(bytes: &[u8]) -> Vec<String> {
    let mut comments = Vec::new();
    let mut rest = bytes.get(6..).unwrap_or_default();
    // The screen descriptor, and the colour table if its flags announce one.
    let Some(flags) = rest.get(4).copied() else { return comments };
    rest = rest.get(7 + colors(flags)..).unwrap_or_default();
    while let Some((kind, after)) = rest.split_first() {
        let data = match kind {
            0x21 => after.get(1..),
            // A picture: descriptor, its own colours, the size of a code.
            0x2c => after.get(8).and_then(|&flags| after.get(9 + colors(flags) + 1..)),
            _ => None,
        };
        let Some(data) = data else { break };
        let (content, next) = pieces(data, *kind == 0x21 && after.first() == Some(&0xfe));
        comments.extend((!content.is_empty()).then(|| utf8_or_latin1(&content)));
        rest = next;
    }
    comments
}

/// Bytes of the colour table that the flags announce.
fn colors(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The sub-blocks up to an empty one, joined if `keep` is set, and the bytes after them.
fn pieces(data: &[u8], keep: bool) -> (Vec<u8>, &[u8]) {
    let mut content = Vec::new();
    let mut rest = data;
    while let Some((&length, after)) = rest.split_first() {
        let Some((piece, after)) = after.split_at_checked(usize::from(length)) else { return (content, &[]) };
        rest = after;
        if length == 0 {
            break;
        }
        if keep {
            content.extend(piece);
        }
    }
    (content, rest)
}
