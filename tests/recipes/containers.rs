//! The blocks of picture files that hold settings texts, and their encodings.

use std::{fs, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use sextant::session::{self, import_bytes};

use crate::{A1111, assert_is_a1111, exif, jpeg, jpeg_with, png, png_with, read, utf16, webp, webp_with};

const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// An XMP packet with a text under `name`.
fn xmp(name: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\n', "&#10;");
    format!(
        "<?xpacket begin=\"\" id=\"W5M0\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF><rdf:Description \
         xmlns:exif=\"http://ns.adobe.com/exif/1.0/\"><dc:creator>Somebody</dc:creator><{name}><rdf:Alt><rdf:li \
         xml:lang=\"x-default\">{text}</rdf:li></rdf:Alt></{name}></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
}

/// A GIF of one pixel with colours of its own, and a comment after another extension.
pub fn gif(comment: &[u8]) -> Vec<u8> {
    let mut bytes = b"GIF89a\x01\0\x01\0\x80\0\0\x01\x02\x03\x04\x05\x06".to_vec();
    bytes.extend(b"\x21\xf9\x04\0\0\0\0\0");
    bytes.extend(b"\x2c\0\0\0\0\x01\0\x01\0\x80\x01\x02\x03\x04\x05\x06\x02\x02\x44\x01\0");
    bytes.extend(b"\x21\xfe");
    for piece in comment.chunks(255) {
        bytes.push(piece.len() as u8);
        bytes.extend(piece);
    }
    bytes.extend(b"\0\x3b");
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A PNG with `content` in the lowest bits of its alpha, or of its colours, after a signature.
pub fn stealth(signature: &[u8; 15], content: &[u8], channels: usize) -> Vec<u8> {
    hidden(
        &[&signature[..], &(8 * content.len() as u32).to_be_bytes(), content].concat(),
        signature[8] == b'r',
        channels,
    )
}

/// A PNG of 64 columns with bytes in the lowest bits, highest bit first, column by column.
pub fn hidden(bytes: &[u8], in_colours: bool, channels: usize) -> Vec<u8> {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let (each, first) = if in_colours { (3, 0) } else { (1, 3) };
    let width = 64;
    let height = bits.len().div_ceil(each).div_ceil(width);
    let mut pixels = vec![0x80; width * height * channels];
    for (at, bit) in bits.iter().enumerate() {
        let (x, y) = (at / each / height, at / each % height);
        pixels[(y * width + x) * channels + first + at % each] |= bit;
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(if channels == 4 { png::ColorType::Rgba } else { png::ColorType::Rgb });
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn a1111_text_is_read_wherever_it_is_kept() {
    let keyword = "parameters".to_owned();
    let exif_be = exif(&[b"UNICODE\0", &utf16(A1111, true)[..]].concat(), true);
    for (place, bytes) in [
        ("text", A1111.as_bytes().to_vec()),
        ("text with a byte order mark", [b"\xff\xfe", &utf16(A1111, false)[..]].concat()),
        ("tEXt", png(|e| e.add_text_chunk(keyword.clone(), A1111.to_owned()).unwrap())),
        ("zTXt", png(|e| e.add_ztxt_chunk(keyword.clone(), A1111.to_owned()).unwrap())),
        ("iTXt", png_with(&[("parameters", A1111)])),
        ("JPEG, UTF-16 big-endian", jpeg(&exif_be)),
        ("WebP", webp(&exif_be)),
        ("WebP, labelled", webp(&[b"Exif\0\0", &exif_be[..]].concat())),
        ("little-endian", jpeg(&exif(&[b"UNICODE\0", &utf16(A1111, false)[..]].concat(), false))),
        ("orders mixed", jpeg(&exif(&[b"UNICODE\0", &utf16(A1111, true)[..]].concat(), false))),
        ("JPEG comment", jpeg_with(0xfe, A1111.as_bytes())),
        ("GIF comment", gif(A1111.as_bytes())),
        ("XMP in WebP", webp_with(b"XMP ", xmp("sdcpp:parameters", A1111).as_bytes())),
        ("XMP in JPEG", jpeg_with(0xe1, &[XMP, xmp("exif:UserComment", A1111).as_bytes()].concat())),
        ("XMP in PNG", png_with(&[("XML:com.adobe.xmp", &xmp("exif:UserComment", A1111))])),
        ("hidden in alpha", stealth(b"stealth_pnginfo", A1111.as_bytes(), 4)),
        ("hidden in alpha, packed", stealth(b"stealth_pngcomp", &gzip(A1111.as_bytes()), 4)),
        ("hidden in colours", stealth(b"stealth_rgbinfo", A1111.as_bytes(), 3)),
        ("hidden in colours, packed", stealth(b"stealth_rgbcomp", &gzip(A1111.as_bytes()), 3)),
        ("hidden in colours beside alpha", stealth(b"stealth_rgbinfo", A1111.as_bytes(), 4)),
        ("ASCII", webp(&exif(&[b"ASCII\0\0\0", A1111.as_bytes()].concat(), true))),
        ("no encoding", jpeg(&exif(&[&[0; 8], A1111.as_bytes()].concat(), false))),
        ("no prefix", jpeg(&exif(A1111.as_bytes(), true))),
        ("UTF-8 under the wrong name", jpeg(&exif(&[b"UNICODE\0", A1111.as_bytes()].concat(), true))),
    ] {
        println!("{place}");
        assert_is_a1111(&read(&bytes));
    }
}

#[test]
fn letters_beyond_ascii_survive_every_encoding() {
    let text = "雪の中の狐 🦊, mûrier\nNegative prompt: flou\nSteps: 12, Sampler: Euler a, CFG scale: 6.5, Seed: 1";
    let latin = "mûrier\nSteps: 12, Sampler: Euler a, CFG scale: 6.5, Seed: 1";
    let prompt = |bytes: &[u8]| read(bytes).recipe.prompt;
    assert_eq!(prompt(&png_with(&[("parameters", text)])), "雪の中の狐 🦊, mûrier");
    for order in [true, false] {
        let comment = [b"UNICODE\0", &utf16(text, order)[..]].concat();
        assert_eq!(prompt(&jpeg(&exif(&comment, !order))), "雪の中の狐 🦊, mûrier");
    }
    assert_eq!(prompt(&png(|e| e.add_text_chunk("parameters".into(), latin.into()).unwrap())), "mûrier");
    // UTF-8 in a chunk meant for Latin-1.
    let raw: String = text.bytes().map(char::from).collect();
    assert_eq!(prompt(&png(|e| e.add_text_chunk("parameters".into(), raw).unwrap())), "雪の中の狐 🦊, mûrier");
}

#[test]
fn a_text_beside_a_silent_picture_is_read() {
    let folder = tempfile::TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.png"), png_with(&[("Software", "GIMP")])).unwrap();
    assert!(session::import(&at("a.png")).is_err());
    fs::write(at("a.txt"), A1111).unwrap();
    assert_is_a1111(&session::import(&at("a.png")).unwrap());
    // A picture's own text comes first; a caption is no settings text.
    fs::write(at("a.png"), png_with(&[("parameters", "a dog\nSteps: 9, Sampler: LCM, Seed: 1")])).unwrap();
    assert_eq!(session::import(&at("a.png")).unwrap().recipe.prompt, "a dog");
    fs::write(at("b.jpg"), b"\xff\xd8\xff\xd9").unwrap();
    fs::write(at("b.txt"), "a cat on a mat").unwrap();
    assert!(session::import(&at("b.jpg")).is_err());
}

#[test]
fn a_damaged_text_is_told_of() {
    let spoil = |mut bytes: Vec<u8>, keyword: &[u8]| {
        let at = bytes.windows(keyword.len()).position(|part| part == keyword).unwrap();
        // One letter changes, so that the checksum is wrong.
        let text = at + bytes[at..].windows(2).position(|part| part == b"a ").unwrap();
        bytes[text] = b'A';
        bytes
    };
    let texts = [("sextant", "(prompt: \"a fox\", seed: 7)"), ("parameters", "a cat\nSteps: 9, Sampler: LCM, Seed: 1")];
    let whole = png_with(&texts);
    assert_eq!(read(&whole).recipe.prompt, "a fox");
    // The intact text comes before the damaged one.
    let imported = read(&spoil(whole, b"sextant"));
    assert_eq!((imported.recipe.prompt.as_str(), imported.recipe.seed), ("a cat", 1));
    assert_eq!(imported.not_restored, ["the text \"sextant\": its checksum is wrong"]);
    // A damaged text is used where there is no other.
    let imported = read(&spoil(png_with(&texts[1..]), b"parameters"));
    assert_eq!((imported.recipe.prompt.as_str(), imported.recipe.steps), ("A cat", 9));
    assert_eq!(imported.not_restored, ["the text \"parameters\": its checksum is wrong"]);
    assert!(import_bytes(&png_with(&[("Comment", "x")]), Path::new("x")).is_err());
}
