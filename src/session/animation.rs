//! Animations as files: animated PNG, GIF or WebP, by the name's ending.
//!
//! Apart from still pictures because each container of frames has a form of its own.

use std::{path::Path, sync::Arc, time::Duration};

use super::{
    error::{SessionError, one_line},
    files::write_whole,
    png::{check_size, encode_animation, not_encoded},
};
use crate::tensor::Picture;

/// Endings of the names of animations; the first is the usual one.
pub const ANIMATIONS: [&str; 3] = ["png", "gif", "webp"];

/// How carefully a GIF's 256 colours are chosen, 1 (best) to 30.
const GIF_SPEED: i32 = 10;

/// Writes pictures of one size as an animation that repeats forever, atomically. Each picture is shown for `each`, the last
/// one for `last`. A name that ends in `.gif` or `.webp` says the form, any other is an animated PNG. PNG and WebP keep every
/// colour, GIF 256 for each picture.
///
/// # Errors
/// [`SessionError::NotEncoded`] without pictures, or for one of another size than the first; else as [`write_whole`].
pub fn save_animation(
    path: &Path,
    frames: &[Arc<Picture>],
    each: Duration,
    last: Duration,
) -> Result<(), SessionError> {
    let Some((end, first)) = frames.last().zip(frames.first()) else {
        let none = Picture { width: 0, height: 0, rgb: Vec::new() };
        return Err(not_encoded(&none, "there are no pictures to animate".into()));
    };
    for frame in frames {
        check_size(frame)?;
        if (frame.width, frame.height) != (first.width, first.height) {
            return Err(not_encoded(frame, format!("the first one has {}x{}", first.width, first.height)));
        }
    }
    let ends_in = |ending: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    let bytes = match () {
        () if ends_in("gif") => gif(frames, [each, last]).map_err(|error| not_encoded(first, one_line(error)))?,
        () if ends_in("webp") => webp(frames, [each, last]).map_err(|error| not_encoded(first, one_line(error)))?,
        () => encode_animation(frames, (first, end), [each, last])?,
    };
    write_whole(path, &bytes)
}

/// Each frame with how long it is shown.
fn timed(frames: &[Arc<Picture>], [each, last]: [Duration; 2]) -> impl Iterator<Item = (&Picture, Duration)> {
    let count = frames.len();
    frames.iter().enumerate().map(move |(at, frame)| (frame.as_ref(), if at + 1 == count { last } else { each }))
}

fn gif(frames: &[Arc<Picture>], times: [Duration; 2]) -> Result<Vec<u8>, gif::EncodingError> {
    let side = |pixels: usize| u16::try_from(pixels).map_err(|e| gif::EncodingError::from(std::io::Error::other(e)));
    let Some(first) = frames.first() else { return Ok(Vec::new()) };
    let (width, height) = (side(first.width)?, side(first.height)?);
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &[])?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    for (frame, shown) in timed(frames, times) {
        let mut coded = gif::Frame::from_rgb_speed(width, height, &frame.rgb, GIF_SPEED);
        coded.delay = u16::try_from(shown.as_millis() / 10).unwrap_or(u16::MAX);
        encoder.write_frame(&coded)?;
    }
    drop(encoder);
    Ok(bytes)
}

/// The extended file format of WebP: `VP8X`, `ANIM`, and an `ANMF` for each frame, which holds its lossless `VP8L`.
fn webp(frames: &[Arc<Picture>], times: [Duration; 2]) -> Result<Vec<u8>, image_webp::EncodingError> {
    const ANIMATED: u8 = 0b10;
    const NO_BLENDING: u8 = 0b10;
    let Some(first) = frames.first() else { return Ok(Vec::new()) };
    // Sides are written less 1, in 24 bits.
    let side = |pixels: usize| u24(pixels.saturating_sub(1));
    let (width, height) = (side(first.width), side(first.height));
    let mut body = b"WEBP".to_vec();
    chunk(&mut body, b"VP8X", &[&[ANIMATED, 0, 0, 0][..], &width, &height].concat());
    // The ground is black and the animation repeats forever.
    chunk(&mut body, b"ANIM", &[0, 0, 0, 0xff, 0, 0]);
    for (frame, shown) in timed(frames, times) {
        let mut still = Vec::new();
        let encoder = image_webp::WebPEncoder::new(&mut still);
        encoder.encode(&frame.rgb, frame.width as u32, frame.height as u32, image_webp::ColorType::Rgb8)?;
        // After "RIFF", a size and "WEBP" the still file is the chunk that a frame holds.
        let coded = still.get(12..).unwrap_or_default();
        let place = [0; 6];
        let head = [&place[..], &width, &height, &u24(shown.as_millis() as usize), &[NO_BLENDING]].concat();
        chunk(&mut body, b"ANMF", &[&head[..], coded].concat());
    }
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    Ok(bytes)
}

fn u24(value: usize) -> [u8; 3] {
    let [a, b, c, _] = (value as u32).to_le_bytes();
    [a, b, c]
}

/// A chunk of a RIFF file: its name, its size, and its contents in an even number of bytes.
fn chunk(bytes: &mut Vec<u8>, name: &[u8; 4], contents: &[u8]) {
    bytes.extend(name);
    bytes.extend((contents.len() as u32).to_le_bytes());
    bytes.extend(contents);
    bytes.extend((contents.len() % 2 == 1).then_some(0));
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Three pictures of 6 by 4 pixels, each of one colour.
    fn frames() -> Vec<Arc<Picture>> {
        let colors: [[u8; 3]; 3] = [[250, 10, 20], [10, 240, 30], [5, 15, 245]];
        let picture = |color: [u8; 3]| Picture { width: 6, height: 4, rgb: color.repeat(24) };
        colors.into_iter().map(|color| Arc::new(picture(color))).collect()
    }

    fn written(name: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        let [each, last] = [140, 1500].map(Duration::from_millis);
        save_animation(&path, &frames(), each, last).expect("written");
        std::fs::read(path).expect("a file")
    }

    #[test]
    fn a_gif_has_every_picture_with_its_time() {
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let bytes = written("a.GIF");
        let mut decoder = options.read_info(&bytes[..]).expect("a GIF");
        assert_eq!((decoder.width(), decoder.height()), (6, 4));
        let mut read = Vec::new();
        while let Some(frame) = decoder.read_next_frame().expect("a frame") {
            read.push((frame.delay, frame.buffer[..3].to_vec()));
        }
        assert_eq!(read.iter().map(|(delay, _)| *delay).collect::<Vec<_>>(), [14, 14, 150]);
        for ((_, color), frame) in read.iter().zip(frames()) {
            let near = color.iter().zip(&frame.rgb).all(|(a, b)| a.abs_diff(*b) < 6);
            assert!(near, "{color:?} {:?}", &frame.rgb[..3]);
        }
    }

    #[test]
    fn a_webp_has_every_picture_unchanged() {
        let bytes = written("a.webp");
        let mut decoder = image_webp::WebPDecoder::new(Cursor::new(&bytes)).expect("a WebP");
        assert!(decoder.is_animated() && decoder.dimensions() == (6, 4));
        assert_eq!((decoder.num_frames(), decoder.loop_count()), (3, image_webp::LoopCount::Forever));
        let mut pixels = vec![0; decoder.output_buffer_size().expect("a size")];
        for (frame, time) in frames().into_iter().zip([140, 140, 1500]) {
            assert_eq!(decoder.read_frame(&mut pixels).expect("a frame"), time);
            let channels = pixels.len() / 24;
            assert!(pixels.chunks(channels).all(|pixel| pixel[..3] == frame.rgb[..3]), "{:?}", &pixels[..8]);
        }
    }

    #[test]
    fn another_name_is_an_animated_png_and_other_sizes_are_refused() {
        assert!(written("a.png").starts_with(b"\x89PNG"));
        let mut odd = frames();
        odd[1] = Arc::new(Picture { width: 5, height: 4, rgb: vec![0; 60] });
        let failed = save_animation(Path::new("never/a.gif"), &odd, Duration::ZERO, Duration::ZERO);
        assert!(failed.is_err_and(|error| error.to_string().contains("6x4")));
        assert!(save_animation(Path::new("never/a.webp"), &[], Duration::ZERO, Duration::ZERO).is_err());
    }
}
