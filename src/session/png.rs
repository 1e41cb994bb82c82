//! Pictures as PNG files that carry the recipe they were made from.
//!
//! Apart from the reading of other tools' files: this is the format that this program writes. Text chunks: `sextant` holds
//! the recipe as RON and is read back; `parameters` holds the text that other tools read; `sextant-run` holds the run's
//! fingerprint for verification. The same picture and recipe always give the same bytes.

use std::{io::Cursor, path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use png::{BitDepth, ColorType, Compression, Encoder, Filter};

use super::{
    chunks,
    error::{SessionError, one_line},
    files::write_whole,
    parameters::parameters_text,
};
use crate::{
    files::{charge, check_room, read, read_regular, within_budget},
    fingerprint::Fingerprint,
    recipe::Recipe,
    tensor::{Picture, Plane},
};

pub(super) const RECIPE_KEYWORD: &str = "sextant";
const RUN_KEYWORD: &str = "sextant-run";
/// The longest side of a picture that is decoded, in pixels.
pub(super) const MOST_SIDE: u32 = 1 << 14;
/// The longest side of a take's small picture, in pixels. Those that the program writes have 512.
const MOST_THUMBNAIL: u32 = 1024;
const PARAMETERS_KEYWORD: &str = "parameters";

/// The metadata of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Metadata<'a> {
    pub recipe: &'a Recipe,
    /// SHA-256 of the model's weights in hex, if known.
    pub model_hash: Option<&'a str>,
    /// The fingerprint of the run, if it is to be stored.
    pub run: Option<&'a Fingerprint>,
}

/// The picture as the bytes of a PNG file, with metadata if there is any.
///
/// # Errors
/// [`SessionError::NotEncoded`] for a picture without pixels, or one whose count of bytes is not 3 x width x height.
pub fn encode_picture(picture: &Picture, metadata: Option<Metadata<'_>>) -> Result<Vec<u8>, SessionError> {
    check_size(picture)?;
    let failed = |what| not_encoded(picture, what);
    let side = |pixels: usize| u32::try_from(pixels).map_err(|e| failed(e.to_string()));
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, side(picture.width)?, side(picture.height)?);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    encoder.set_filter(Filter::Adaptive);
    let write = || -> Result<(), png::EncodingError> {
        if let Some(Metadata { recipe, model_hash, run }) = metadata {
            let text = parameters_text(recipe, model_hash);
            // Readers expect tEXt for Latin-1 text and iTXt for other text. Neither can hold a zero.
            let text = text.replace('\0', "");
            if text.chars().all(|c| u32::from(c) < 256) {
                encoder.add_text_chunk(PARAMETERS_KEYWORD.to_owned(), text)?;
            } else {
                encoder.add_itxt_chunk(PARAMETERS_KEYWORD.to_owned(), text)?;
            }
            let ron = ron::to_string(recipe).map_err(std::io::Error::other)?;
            encoder.add_itxt_chunk(RECIPE_KEYWORD.to_owned(), ron)?;
            if let Some(run) = run {
                let ron = ron::to_string(run).map_err(std::io::Error::other)?;
                encoder.add_itxt_chunk(RUN_KEYWORD.to_owned(), ron)?;
            }
        }
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&picture.rgb)?;
        writer.finish()
    };
    write().map_err(|error| failed(one_line(error)))?;
    Ok(bytes)
}

/// A map `[height, width]` as the bytes of a 16-bit grey PNG file, value by value.
///
/// # Errors
/// [`SessionError::NotEncoded`] for a map without values.
pub fn encode_grey16(map: &Plane<u16>) -> Result<Vec<u8>, SessionError> {
    let (width, height) = (map.width, map.height);
    let failed = |what: String| SessionError::NotEncoded { width, height, what };
    let side = |values: usize| u32::try_from(values).map_err(|e| failed(e.to_string()));
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, side(width)?, side(height)?);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Sixteen);
    encoder.set_compression(Compression::Balanced);
    let write = || -> Result<(), png::EncodingError> {
        let mut writer = encoder.write_header()?;
        let values: Vec<u8> = map.values.iter().flat_map(|value| value.to_be_bytes()).collect();
        writer.write_image_data(&values)?;
        writer.finish()
    };
    write().map_err(|error| failed(one_line(error)))?;
    Ok(bytes)
}

/// Writes the picture as a PNG file, atomically.
///
/// # Errors
/// As [`encode_picture`] and [`write_whole`].
pub fn save_picture(path: &Path, picture: &Picture, metadata: Option<Metadata<'_>>) -> Result<(), SessionError> {
    write_whole(path, &encode_picture(picture, metadata)?)
}

/// Pictures of one size, none of them empty, as the bytes of an animated PNG that repeats forever. Each is shown for `each`,
/// the last one for `last`; programs without support for animation show the last one.
///
/// # Errors
/// [`SessionError::NotEncoded`].
pub(super) fn encode_animation(
    frames: &[std::sync::Arc<Picture>],
    (first, end): (&Picture, &Picture),
    [each, last]: [Duration; 2],
) -> Result<Vec<u8>, SessionError> {
    let write = || -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, first.width as u32, first.height as u32);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Balanced);
        encoder.set_filter(Filter::Adaptive);
        encoder.set_animated(frames.len() as u32, 0)?;
        encoder.set_sep_def_img(true)?;
        let mut writer = encoder.write_header()?;
        // The still picture comes first and is not a frame.
        writer.write_image_data(&end.rgb)?;
        for (at, frame) in frames.iter().enumerate() {
            let shown = if at + 1 == frames.len() { last } else { each };
            writer.set_frame_delay(u16::try_from(shown.as_millis()).unwrap_or(u16::MAX), 1000)?;
            writer.write_image_data(&frame.rgb)?;
        }
        writer.finish()?;
        Ok(bytes)
    };
    write().map_err(|error| not_encoded(first, one_line(error)))
}

/// The recipe in a PNG file that this program wrote.
///
/// # Errors
/// One sentence: the file is not a readable PNG, has no recipe, or has one that cannot be read.
pub fn read_recipe(path: &Path) -> Result<Recipe, SessionError> {
    let bytes =
        read_regular(path, read::PICTURE).map_err(|source| SessionError::Read { path: path.to_owned(), source })?;
    let name = path.display().to_string();
    let texts = read_texts(&bytes, &name)?;
    let ours = texts.into_iter().find(|(keyword, _)| keyword == RECIPE_KEYWORD);
    let (_, text) = ours.ok_or_else(|| SessionError::NoRecipe { name: name.clone() })?;
    ron::from_str(&text).map_err(|error| SessionError::DamagedRecipe { name, what: one_line(error) })
}

/// All texts of a PNG file as keyword and content, from every kind of text chunk, also after the pixels. A truncated file
/// gives the texts before its end. Texts with a wrong checksum are left out. `name` is for error messages.
///
/// # Errors
/// [`SessionError::NotAPicture`].
pub fn read_texts(bytes: &[u8], name: &str) -> Result<Vec<(String, String)>, SessionError> {
    within_budget(bytes.len(), || chunks::read(bytes, name)).map(|texts| texts.intact)
}

/// The fingerprint of the run that made the picture, if the PNG file has a readable one.
pub fn read_fingerprint(bytes: &[u8], name: &str) -> Option<Fingerprint> {
    let texts = read_texts(bytes, name).ok()?;
    let (_, text) = texts.into_iter().find(|(keyword, _)| keyword == RUN_KEYWORD)?;
    ron::from_str(&text).ok()
}

/// The picture in the bytes of a PNG file, as 8-bit RGB.
///
/// # Errors
/// [`SessionError::NotAPicture`]; `name` is for its message.
pub fn decode_picture(bytes: &[u8], name: &str) -> Result<Picture, SessionError> {
    within_budget(bytes.len(), || decode_within(bytes, name, MOST_SIDE))
}

/// A picture whose sides are at most `side` pixels, and which the budget has room for.
fn decode_within(bytes: &[u8], name: &str, side: u32) -> Result<Picture, SessionError> {
    decode(bytes, side, 3)
        .map(|decoded| decoded.into_rgb8().into())
        .map_err(|what| SessionError::NotAPicture { name: name.to_owned(), what })
}

/// The pixels of a PNG file. Its sides are read before any pixel is: they may be at most `side`, and the budget is charged
/// with `kept` bytes a pixel.
///
/// # Errors
/// In a few words, what is wrong with it.
pub(super) fn decode(bytes: &[u8], side: u32, kept: usize) -> Result<DynamicImage, String> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(side), Some(side));
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(one_line)?;
    let (width, height) = decoder.dimensions();
    charge(kept * width as usize * height as usize).map_err(one_line)?;
    check_room(usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)).map_err(one_line)?;
    DynamicImage::from_decoder(decoder).map_err(one_line)
}

/// The picture shrunk to at most `side` pixels a side, as PNG in base64, for [`super::Take::thumbnail`].
///
/// # Errors
/// As [`encode_picture`].
pub fn thumbnail(picture: &Picture, side: usize) -> Result<String, SessionError> {
    check_size(picture)?;
    Ok(BASE64.encode(encode_picture(&picture.shrunk_to(side), None)?))
}

/// The picture of a [`super::Take::thumbnail`].
///
/// # Errors
/// [`SessionError::NotAPicture`].
pub fn thumbnail_picture(base64: &str) -> Result<Picture, SessionError> {
    let name = "the thumbnail";
    let bytes = BASE64
        .decode(base64)
        .map_err(|error| SessionError::NotAPicture { name: name.to_owned(), what: one_line(error) })?;
    decode_within(&bytes, name, MOST_THUMBNAIL)
}

pub(super) fn not_encoded(picture: &Picture, what: String) -> SessionError {
    SessionError::NotEncoded { width: picture.width, height: picture.height, what }
}

pub(super) fn check_size(picture: &Picture) -> Result<(), SessionError> {
    let bytes = picture.width.saturating_mul(picture.height).saturating_mul(3);
    if bytes > 0 && bytes == picture.rgb.len() {
        return Ok(());
    }
    Err(not_encoded(picture, format!("it has {} bytes of colour", picture.rgb.len())))
}
