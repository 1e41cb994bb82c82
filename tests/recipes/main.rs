//! Import of recipes from files of other programs: their texts, the blocks that hold them, and hostile files.

mod containers;
mod hostile;
mod ours;
mod sessions;
mod tools;
mod wild;

use std::path::Path;

use sextant::{
    recipe::{Convention, PromptSyntax, Sampler, Schedule},
    session::{Imported, Source, import_bytes},
};

pub fn read(bytes: &[u8]) -> Imported {
    import_bytes(bytes, Path::new("file")).expect("a recipe")
}

pub fn text(text: &str) -> Imported {
    read(text.as_bytes())
}

/// A PNG of one pixel with the texts that `add` inserts.
pub fn png(add: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    add(&mut encoder);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[1, 2, 3]).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A PNG with Unicode texts by keyword.
pub fn png_with(texts: &[(&str, &str)]) -> Vec<u8> {
    png(|encoder| {
        for (keyword, text) in texts {
            encoder.add_itxt_chunk((*keyword).to_owned(), (*text).to_owned()).unwrap();
        }
    })
}

/// An EXIF block whose user comment is `comment`.
pub fn exif(comment: &[u8], big_endian: bool) -> Vec<u8> {
    let short = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let long = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut block = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&short(tag)[..], &short(kind), &long(count), &long(value)].concat()
    };
    // The first directory at 8 has one entry and leads to the second at 26, whose one entry leads to the text at 44.
    block.extend([&long(8)[..], &short(1), &entry(0x8769, 4, 1, 26), &long(0)].concat());
    block.extend([&short(1)[..], &entry(0x9286, 7, comment.len() as u32, 44), &long(0)].concat());
    block.extend(comment);
    block
}

pub fn jpeg(exif: &[u8]) -> Vec<u8> {
    jpeg_with(0xe1, &[b"Exif\0\0", exif].concat())
}

/// A JPEG file with one more segment than its pixels need.
pub fn jpeg_with(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = |content: &[u8]| u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    let app0 = [0u8; 14];
    [
        b"\xff\xd8\xff\xe0",
        &length(&app0)[..],
        &app0,
        // A fill byte may precede a marker.
        &[0xff, 0xff, marker],
        &length(content),
        content,
        b"\xff\xda\0\x02\xff\xd9",
    ]
    .concat()
}

pub fn webp(exif: &[u8]) -> Vec<u8> {
    webp_with(b"EXIF", exif)
}

/// A WebP file with one more chunk than its pixels need.
pub fn webp_with(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], content: &[u8]| {
        let padding = if content.len() % 2 == 1 { &b"\0"[..] } else { b"" };
        [&kind[..], &(content.len() as u32).to_le_bytes(), content, padding].concat()
    };
    let chunks = [chunk(b"VP8X", &[0; 10]), chunk(b"VP8 ", &[7; 5]), chunk(kind, content)].concat();
    [&b"RIFF"[..], &(chunks.len() as u32 + 4).to_le_bytes(), b"WEBP", &chunks].concat()
}

pub fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|u| if big_endian { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

pub const A1111: &str = "portrait of a woman in a garden, (smiling:1.2)\nNegative prompt: blurry, low quality\nSteps: 30, \
                     Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x768, Model hash: \
                     6ce0161689, Model: v1-5-pruned-emaonly, Clip skip: 2, Version: v1.10.1";

pub fn assert_is_a1111(imported: &Imported) {
    let recipe = &imported.recipe;
    assert_eq!(imported.found, Source::Parameters);
    assert_eq!(recipe.prompt, "portrait of a woman in a garden, (smiling:1.2)");
    assert_eq!(recipe.negative, "blurry, low quality");
    assert_eq!((recipe.sampler, recipe.schedule), (Sampler::DpmPp2M, Schedule::Karras));
    assert_eq!((recipe.steps, recipe.seed, recipe.cfg), (30, 42, 7.0));
    assert_eq!((recipe.width, recipe.height), (512, 768));
    let left = ["Model hash: 6ce0161689", "Model: v1-5-pruned-emaonly", "Version: v1.10.1"];
    assert_eq!(imported.not_restored, left);
    assert_eq!((recipe.prompt_syntax, recipe.convention), (PromptSyntax::A1111, Convention::A1111));
    assert_eq!((recipe.clip_skip, imported.plain.as_ref()), (Some(2), None));
}
