//! What an input has inside: mutations of its parts, and lengths and checksums that fit again.

use std::io::{Read as _, Write as _};

use flate2::{Compression, Crc, read::ZlibDecoder, write::ZlibEncoder};

use crate::{
    mutate::{self, Material},
    random::Random,
};

/// What the inputs of a target are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Bytes,
    Png,
    Safetensors,
}

/// What a target's inputs are, the longest one, and words that its seeds may lack.
pub fn of(target: &str) -> (Format, usize, &'static [&'static str]) {
    const PLAIN: &[&str] =
        &["Steps: ", "Sampler: ", "Seed: ", "Size: ", "Negative prompt:", "<lora:a:1>", "((", "[a:b:0.5]", "BREAK"];
    const JSON: &[&str] =
        &["{", "}", "[", "]", "null", "true", "false", "\"\"", "{\"a\":", "[[", "\\u0000", "\\ud800", ",", ":"];
    const RON: &[&str] = &[
        "Some(",
        "None",
        "(",
        ")",
        "[",
        "]",
        "\"",
        "r#\"",
        "\"#",
        "/*",
        "*/",
        "//",
        "'a'",
        "true",
        "\\u{0}",
        "#![enable(unwrap_newtypes)]",
    ];
    const CHUNKS: &[&str] = &[
        "tEXt",
        "zTXt",
        "iTXt",
        "eXIf",
        "IDAT",
        "IEND",
        "IHDR",
        "PLTE",
        "tRNS",
        "acTL",
        "fcTL",
        "fdAT",
        "parameters",
        "Comment",
        "prompt",
        "sextant",
        "sextant-run",
        "XML:com.adobe.xmp",
        "\u{0}\u{0}",
        "WEBP",
        "EXIF",
        "XMP ",
        "GIF89a",
        "Exif\0\0",
    ];
    const TIFF: &[&str] = &["II*\0", "MM\0*", "UNICODE\0", "ASCII\0\0\0", "JIS\0\0\0\0\0", "prompt:{", "workflow:{"];
    const TENSORS: &[&str] = &[
        "F32",
        "F16",
        "BF16",
        "U8",
        "I32",
        "I64",
        "F64",
        "BOOL",
        "\"shape\":[",
        "\"dtype\":\"",
        "\"data_offsets\":[",
        "__metadata__",
        ".alpha",
        ".lora_down.weight",
        ".lora_up.weight",
    ];
    match target {
        "picture" => (Format::Png, 1 << 16, CHUNKS),
        "exif" => (Format::Bytes, 1 << 13, TIFF),
        "xmp" => (Format::Text, 1 << 14, &["<![CDATA[", "]]>", "<a b=\"", "\"/>", "&#x", "&amp;", "<?", "<!--", "='"]),
        "stealth" => {
            (Format::Bytes, 1 << 12, &["stealth_pnginfo", "stealth_pngcomp", "stealth_rgbinfo", "stealth_rgbcomp"])
        }
        "parameters" => (Format::Text, 1 << 15, PLAIN),
        "json" | "config" | "folder" | "tokenizer" | "vocabulary" => (Format::Text, 1 << 15, JSON),
        "session" | "settings" => (Format::Text, 1 << 16, RON),
        _ => (Format::Safetensors, 1 << 17, TENSORS),
    }
}

/// Makes lengths and checksums fit what they stand for.
pub fn repair(bytes: &mut Vec<u8>, format: Format) {
    match format {
        Format::Png if bytes.starts_with(SIGNATURE) => {
            let repaired = chunks(bytes).iter().flat_map(|(kind, content)| chunk(kind, content)).collect::<Vec<u8>>();
            *bytes = [SIGNATURE, &repaired].concat();
        }
        Format::Safetensors => repair_tensors(bytes),
        _ => {}
    }
}

/// Changes one part of a file.
pub fn mutated_inside(random: &mut Random, bytes: &[u8], material: &Material<'_>) -> Vec<u8> {
    match material.format {
        Format::Png if bytes.starts_with(SIGNATURE) => mutated_png(random, bytes, material),
        Format::Safetensors => mutated_tensors(random, bytes, material),
        _ => {
            let mut changed = bytes.to_vec();
            mutate::any(random, &mut changed, material);
            changed
        }
    }
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

type Chunk = ([u8; 4], Vec<u8>);

fn chunks(bytes: &[u8]) -> Vec<Chunk> {
    let mut found = Vec::new();
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let length = length.min(after.len());
        found.push(([head[4], head[5], head[6], head[7]], after[..length].to_vec()));
        rest = after.get(length + 4..).unwrap_or_default();
    }
    found
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut sum = Crc::new();
    sum.update(kind);
    sum.update(content);
    [&(content.len() as u32).to_be_bytes()[..], kind, content, &sum.sum().to_be_bytes()].concat()
}

fn mutated_png(random: &mut Random, bytes: &[u8], material: &Material<'_>) -> Vec<u8> {
    let mut list = chunks(bytes);
    let other = if material.other.starts_with(SIGNATURE) { chunks(material.other) } else { Vec::new() };
    let at = random.below(list.len());
    let to = random.below(list.len() + 1);
    match random.below(8) {
        0 if !list.is_empty() => drop(list.remove(at)),
        1 if !list.is_empty() => list.insert(to, list[at].clone()),
        2 | 3 => list.splice(to..to, random.of(&other).cloned()).for_each(drop),
        _ => {
            if let Some((kind, content)) = list.get_mut(at) {
                mutate_chunk(random, kind, content, material);
            }
        }
    }
    let written = list.iter().flat_map(|(kind, content)| chunk(kind, content)).collect::<Vec<u8>>();
    [SIGNATURE, &written].concat()
}

/// Compressed contents are changed as they are, or unpacked, changed and packed again.
fn mutate_chunk(random: &mut Random, kind: &mut [u8; 4], content: &mut Vec<u8>, material: &Material<'_>) {
    let start = match &*kind {
        b"zTXt" => content.iter().position(|&byte| byte == 0).map(|at| at + 2),
        b"iTXt" => content.windows(5).position(|part| part == b"\0\x01\0\0\0").map(|at| at + 5),
        b"IDAT" => Some(0),
        b"fdAT" => Some(4),
        _ => None,
    };
    let packed = start.and_then(|start| content.get(start..)).unwrap_or_default();
    let mut unpacked = Vec::new();
    let read = ZlibDecoder::new(packed).take(1 << 20).read_to_end(&mut unpacked);
    if let Some(start) = start.filter(|_| read.is_ok() && !packed.is_empty() && !random.one_in(4)) {
        mutate::any(random, &mut unpacked, material);
        let mut encoder = ZlibEncoder::new(content[..start].to_vec(), Compression::fast());
        // Writing to memory does not fail.
        *content = encoder.write_all(&unpacked).and_then(|()| encoder.finish()).unwrap_or_default();
    } else if random.one_in(8) {
        let kinds =
            [*b"tEXt", *b"zTXt", *b"iTXt", *b"eXIf", *b"IDAT", *b"tRNS", *b"PLTE", *b"acTL", *b"fcTL", *b"fdAT"];
        *kind = kinds[random.below(kinds.len())];
    } else {
        mutate::any(random, content, material);
    }
}

/// Header and data of a safetensors file.
fn tensors(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

fn joined(header: &[u8], data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header, data].concat()
}

fn mutated_tensors(random: &mut Random, bytes: &[u8], material: &Material<'_>) -> Vec<u8> {
    let Some((header, data)) = tensors(bytes) else { return bytes.to_vec() };
    let (mut header, mut data) = (header.to_vec(), data.to_vec());
    if random.one_in(4) {
        mutate::any(random, &mut data, material);
        return joined(&header, &data);
    }
    // Names, types and shapes as JSON, so that the header stays one.
    if random.one_in(2)
        && let Some(changed) = changed_entry(random, &header, material)
    {
        header = changed;
    } else {
        mutate::any(random, &mut header, material);
    }
    joined(&header, &data)
}

fn changed_entry(random: &mut Random, header: &[u8], material: &Material<'_>) -> Option<Vec<u8>> {
    let mut json: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    let names: Vec<String> = json.keys().cloned().collect();
    let name = random.of(&names)?.clone();
    let other: Option<serde_json::Map<String, serde_json::Value>> =
        tensors(material.other).and_then(|(header, _)| serde_json::from_slice(header).ok());
    match random.below(6) {
        0 => drop(json.remove(&name)),
        1 => {
            let mut text = name.clone().into_bytes();
            mutate::any(random, &mut text, material);
            let entry = json.get(&name)?.clone();
            json.insert(String::from_utf8_lossy(&text).into_owned(), entry);
        }
        2 => {
            let other = other?;
            let names: Vec<&String> = other.keys().collect();
            let name = (*random.of(&names)?).clone();
            let entry = other.get(&name)?.clone();
            json.insert(name, entry);
        }
        3 => {
            let types = ["F32", "F16", "BF16", "U8", "I32", "I64", "F64", "BOOL", "F8_E4M3"];
            *json.get_mut(&name)?.get_mut("dtype")? = types[random.below(types.len())].into();
        }
        _ => {
            let shape = json.get_mut(&name)?.get_mut("shape")?.as_array_mut()?;
            let at = random.below(shape.len() + 1);
            let side = [0, 1, 2, 3, 8, 1 << 20, 1 << 32, u64::MAX][random.below(8)];
            match shape.get_mut(at).filter(|_| !random.one_in(3)) {
                Some(own) => *own = side.into(),
                None => shape.insert(at, side.into()),
            }
        }
    }
    serde_json::to_vec(&json).ok()
}

/// The header's length is what it is, each tensor follows the one before with the bytes of its shape, and there is as much data:
/// a file that a reader accepts, unless it would be long.
fn repair_tensors(bytes: &mut Vec<u8>) {
    let Some(header) = bytes.get(8..).and_then(|rest| {
        let mut values =
            serde_json::Deserializer::from_slice(rest).into_iter::<serde_json::Map<String, serde_json::Value>>();
        let header = values.next()?.ok()?;
        Some((header, 8 + values.byte_offset()))
    }) else {
        return;
    };
    let (mut header, end) = header;
    let mut data = bytes[end..].to_vec();
    let mut at = 0;
    for entry in header.iter_mut().filter(|(name, _)| *name != "__metadata__").map(|(_, entry)| entry) {
        let shape = entry.get("shape").and_then(|shape| shape.as_array());
        let mut sides =
            shape.into_iter().flatten().map(|side| side.as_u64().and_then(|side| usize::try_from(side).ok()));
        let count = sides.try_fold(1usize, |product, side| product.checked_mul(side?));
        let bits = match entry.get("dtype").and_then(|dtype| dtype.as_str()) {
            Some("F64" | "I64" | "U64") => 64,
            Some("F32" | "I32" | "U32") => 32,
            Some("F16" | "BF16" | "I16" | "U16") => 16,
            _ => 8,
        };
        let Some(end) =
            count.and_then(|count| (count.checked_mul(bits)? / 8).checked_add(at)).filter(|end| *end < 1 << 16)
        else {
            return;
        };
        if let Some(offsets) = entry.get_mut("data_offsets") {
            *offsets = serde_json::json!([at, end]);
        }
        at = end;
    }
    data.resize(at, 0x3c);
    if let Ok(header) = serde_json::to_vec(&header) {
        *bytes = joined(&header, &data);
    }
}
