//! Hostile files: each gives at most an error sentence, in little time and memory.

use std::{fs, path::Path, time::Instant};

use sextant::{
    fingerprint::{Fingerprint, LatentDigest},
    session::{self, Document, Metadata, SessionError, encode_picture, import_bytes, parameters_text},
    tensor::Picture,
};

use crate::{
    A1111, assert_is_a1111,
    containers::{gif, gzip, hidden, stealth},
    exif, jpeg,
    ours::full_recipe,
    png, png_with, read, text,
    tools::COMFY,
    utf16, webp, webp_with,
};

#[test]
fn files_without_a_recipe_are_told_apart() {
    let path = Path::new("that.file");
    let other = [("Comment", "Created with GIMP"), ("Software", "GIMP")];
    for bytes in [
        Vec::new(),
        b"\0\x01\x02 binary \xff".to_vec(),
        b"Dear diary, today: nothing.".to_vec(),
        b"{\"name\": \"a package\", \"version\": \"1\"}".to_vec(),
        png_with(&[]),
        png_with(&other),
        png_with(&[("parameters", "  \n ")]),
        jpeg(&exif(b"ASCII\0\0\0Camera 3000", true)),
        b"\xff\xd8\xff\xd9".to_vec(),
        webp(b"MM\0*"),
    ] {
        let error = import_bytes(&bytes, path).expect_err("no recipe");
        assert!(matches!(error, SessionError::NothingToImport { .. }), "{error:?}");
        assert!(error.to_string().starts_with("that.file carries no recipe: "), "{error}");
    }
    let damaged = [b"\x89PNG\r\n\x1a\n", &[0; 40][..]].concat();
    assert!(matches!(import_bytes(&damaged, path), Err(SessionError::NotAPicture { .. })));
    let gone = session::import(Path::new("no/such/file.png")).unwrap_err();
    assert!(matches!(gone, SessionError::Read { .. }) && gone.to_string().contains("no/such/file.png"), "{gone}");
    let folder = tempfile::TempDir::new().unwrap();
    assert!(matches!(session::import(folder.path()), Err(SessionError::Read { .. })));
    let file = folder.path().join("a.txt");
    fs::write(&file, A1111).unwrap();
    assert_is_a1111(&session::import(&file).unwrap());
}

/// A linear congruential generator: the same numbers in every run.
fn noise(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*state >> 33) as usize
}

#[test]
fn no_bytes_bring_the_reader_down() {
    let recipe = full_recipe();
    let run = Fingerprint { start: LatentDigest { hash: "ab".into(), probes: vec![1.0] }, ..Fingerprint::default() };
    let metadata = Metadata { recipe: &recipe, model_hash: Some("0123456789"), run: Some(&run) };
    let ours = encode_picture(&Picture { width: 8, height: 8, rgb: vec![9; 192] }, Some(metadata)).unwrap();
    let exif = exif(&[b"UNICODE\0", &utf16(A1111, true)[..]].concat(), true);
    let samples = [
        ours,
        jpeg(&exif),
        webp(&exif),
        png(|e| e.add_ztxt_chunk("parameters".into(), A1111.into()).unwrap()),
        gif(A1111.as_bytes()),
        webp_with(b"XMP ", b"<a b=\"c\">Steps: 9, Sampler: LCM, Seed: 1</a>"),
        stealth(b"stealth_pngcomp", &gzip(A1111.as_bytes()), 4),
        A1111.as_bytes().to_vec(),
        parameters_text(&recipe, None).into_bytes(),
        COMFY.as_bytes().to_vec(),
        Document::new(recipe.clone()).to_text().unwrap().into_bytes(),
    ];
    let mut state = 7;
    let (mut read, mut refused) = (0, 0);
    let mut try_one = |bytes: &[u8]| match import_bytes(bytes, Path::new("hostile")) {
        Ok(_) => read += 1,
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "{error}");
            refused += 1;
        }
    };
    for sample in &samples {
        for cut in (0..sample.len()).step_by(1 + sample.len() / 200) {
            try_one(&sample[..cut]);
        }
        for _ in 0..400 {
            let mut bytes = sample.clone();
            for _ in 0..1 + noise(&mut state) % 4 {
                let at = noise(&mut state) % bytes.len();
                match noise(&mut state) % 4 {
                    0 => bytes[at] ^= 1 << (noise(&mut state) % 8),
                    1 => bytes[at] = [0, 0xff, b'"', b'\\', b'{', b','][noise(&mut state) % 6],
                    2 => drop(bytes.splice(at..at, sample[..at.min(40)].iter().copied())),
                    _ => drop(bytes.drain(at..(at + 1 + noise(&mut state) % 30).min(bytes.len()))),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            try_one(&bytes);
        }
    }
    assert!(read > 500 && refused > 500, "{read} read, {refused} refused");
}

#[test]
fn endless_texts_are_read_in_time() {
    let begun = std::time::Instant::now();
    let graph =
        "{\"1\": {\"class_type\": \"A\", \"inputs\": {\"positive\": [\"1\", 0], \"latent_image\": [\"1\", 0]}}}";
    text(graph);
    for part in ["Aa: \"", "ab: c, ", "Steps: 1, ", "a b ", "\"\\", ": ", ",", "Negative prompt:\n"] {
        let long = format!("Steps: 1, Seed: 2, Sampler: Euler, {}", part.repeat(300_000));
        let _ = import_bytes(long.as_bytes(), Path::new("long"));
    }
    let nested = format!("{{\"prompt\": {}", "[".repeat(500_000));
    let _ = import_bytes(nested.as_bytes(), Path::new("nested"));
    let _ = import_bytes(format!("(format: \"sextant-session\", {}", "(".repeat(500_000)).as_bytes(), Path::new("ron"));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

/// A chunk of a PNG file.
fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(content);
    [&(content.len() as u32).to_be_bytes()[..], kind, content, &sum.sum().to_be_bytes()].concat()
}

/// A PNG file with chunks before its only pixel.
fn png_of(chunks: &[u8]) -> Vec<u8> {
    let one = png_with(&[]);
    // Signature and header.
    [&one[..33], chunks, &one[33..]].concat()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn packed_texts_are_unpacked_up_to_a_limit() {
    let begun = Instant::now();
    let bomb = zlib(&vec![b'a'; 15 << 20]);
    let packed = |keyword: &[u8], text: &[u8]| chunk(b"zTXt", &[keyword, b"\0\0", text].concat());
    let one = packed(b"x", &bomb);
    assert!(one.len() < 20_000);
    // Ten thousand of them would be 150 GB.
    let mut chunks = one.repeat(10_000);
    let failed = import_bytes(&png_of(&chunks), Path::new("bomb")).unwrap_err();
    assert!(matches!(failed, SessionError::NothingToImport { .. }), "{failed:?}");
    // Texts before them are read.
    let text = packed(b"parameters", &zlib(A1111.as_bytes()));
    chunks.splice(0..0, text);
    assert_is_a1111(&read(&png_of(&chunks)));
    // A single text beyond the limit, and a truncated one.
    let huge = packed(b"parameters", &zlib(&vec![b'a'; 40 << 20]));
    let cut = packed(b"parameters", &bomb[..bomb.len() / 2]);
    let international = chunk(b"iTXt", &[b"parameters\0\x01\0\0\0", &bomb[..100]].concat());
    for chunks in [huge, cut, international, chunk(b"zTXt", b"parameters\0\0"), chunk(b"iTXt", b"parameters\0\x01")] {
        assert!(import_bytes(&png_of(&chunks), Path::new("bomb")).is_err());
    }
    let hidden = stealth(b"stealth_pngcomp", &gzip(&vec![b'a'; 40 << 20]), 4);
    assert!(import_bytes(&hidden, Path::new("bomb")).is_err());
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn lengths_are_held_against_what_is_there() {
    let text = chunk(b"tEXt", &[b"parameters\0", A1111.as_bytes()].concat());
    let mut long = chunk(b"tEXt", b"x\0y");
    long[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_is_a1111(&read(&png_of(&[&text[..], &long].concat())));
    assert!(import_bytes(&png_of(&[&long[..], &text].concat()), Path::new("long")).is_err());
    // Of too many texts, the first are read.
    let many = chunk(b"tEXt", b"x\0y").repeat(100_000);
    assert_is_a1111(&read(&png_of(&[&text[..], &many].concat())));
    // A length field in the pixels may exceed the picture.
    for bits in [0u32, 7, 8, 1 << 20, u32::MAX - 7, u32::MAX] {
        for (signature, in_colours) in [(b"stealth_pnginfo", false), (b"stealth_rgbcomp", true)] {
            let bytes = [&signature[..], &bits.to_be_bytes(), b"short"].concat();
            assert!(import_bytes(&hidden(&bytes, in_colours, 4), Path::new("x")).is_err());
        }
    }
    for kind in [*b"EXIF", *b"XMP "] {
        let mut bytes = webp_with(&kind, A1111.as_bytes());
        let at = bytes.windows(4).position(|part| part == kind).unwrap();
        bytes[at + 4..at + 8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(import_bytes(&bytes, Path::new("x")).is_err());
    }
}

#[test]
fn a_header_that_promises_the_world_costs_nothing() {
    let begun = Instant::now();
    let header = |width: u32, height: u32| {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &[&size[..], &[8, 6, 0, 0, 0]].concat())].concat()
    };
    let text = chunk(b"tEXt", &[b"parameters\0", A1111.as_bytes()].concat());
    for (width, height) in [(u32::MAX, u32::MAX), (1 << 16, 1 << 16), (1 << 31, 1), (5000, 5000)] {
        let pixels = chunk(b"IDAT", &zlib(&[0; 1000]));
        let silent = [header(width, height), pixels.clone()].concat();
        assert!(import_bytes(&silent, Path::new("vast")).is_err());
        assert_is_a1111(&read(&[header(width, height), pixels, text.clone()].concat()));
    }
    assert!(import_bytes(&header(0, 5), Path::new("none")).is_err());
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}
