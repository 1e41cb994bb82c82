//! Where pictures keep their texts: PNG text chunks, and EXIF in PNG, JPEG and WebP.

use std::path::Path;

use super::{exif, text};
use crate::session::{SessionError, png};

/// The texts of a picture.
#[derive(Default)]
pub(super) struct Carried {
    /// Keyword and content.
    texts: Vec<(String, String)>,
    /// EXIF user comments.
    pub comments: Vec<String>,
}

impl Carried {
    /// The first text under a keyword that is not blank. Tools differ in capitals.
    pub fn text(&self, keyword: &str) -> Option<&str> {
        let (_, text) =
            self.texts.iter().find(|(k, text)| k.eq_ignore_ascii_case(keyword) && !text.trim().is_empty())?;
        Some(text)
    }

    /// Adds what an EXIF block says.
    fn add_exif(&mut self, tiff: &[u8]) {
        let found = exif::texts(tiff);
        self.comments.extend(found.user_comment);
        // ComfyUI puts its graph into a WebP picture as "prompt:{…}" under tags meant for the camera's name.
        let labelled = found.others.iter().filter_map(|text| text.split_once(':'));
        self.texts.extend(
            labelled.filter(|(_, json)| json.trim_start().starts_with('{')).map(|(k, v)| (k.to_owned(), v.to_owned())),
        );
    }
}

/// The texts of a PNG, JPEG or WebP picture; `None` if the bytes are none.
///
/// # Errors
/// [`SessionError::NotAPicture`] for a PNG file that is damaged before its texts.
pub(super) fn picture(bytes: &[u8], path: &Path) -> Result<Option<Carried>, SessionError> {
    let mut carried = Carried::default();
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        let (texts, exif) = png::read_metadata(bytes, &path.display().to_string())?;
        carried.texts = texts.into_iter().map(|(keyword, text)| (keyword, text::mended(&text))).collect();
        exif.iter().for_each(|tiff| carried.add_exif(tiff));
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        jpeg_exif(bytes).for_each(|tiff| carried.add_exif(tiff));
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        webp_exif(bytes).for_each(|tiff| carried.add_exif(tiff));
    } else {
        return Ok(None);
    }
    Ok(Some(carried))
}

/// The label before the TIFF structure; in WebP some writers leave it out.
const EXIF_LABEL: &[u8] = b"Exif\0\0";

/// EXIF blocks of a JPEG file: segments APP1 (marker 0xE1) before the first scan (0xDA).
fn jpeg_exif(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        // Any number of fill bytes 0xFF may stand before a marker.
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
    .filter_map(|(marker, content)| (marker == 0xe1).then(|| content.strip_prefix(EXIF_LABEL)).flatten())
}

/// EXIF blocks of a WebP file: RIFF chunks `EXIF`, each padded to an even length.
fn webp_exif(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, after) = (rest.get(..4)?, rest.get(4..)?);
        let length = u32::from_le_bytes(after.get(..4)?.try_into().ok()?) as usize;
        let after = after.get(4..)?;
        let content = after.get(..length)?;
        rest = after.get(length + length % 2..).unwrap_or_default();
        Some((kind, content))
    })
    .filter(|(kind, _)| *kind == b"EXIF")
    .map(|(_, content)| content.strip_prefix(EXIF_LABEL).unwrap_or(content))
}
