//! From inputs to new inputs: changes of bytes, of texts, and of what a format has inside.

use crate::{
    formats::{self, Format},
    random::Random,
};

/// What mutations take from.
pub struct Material<'a> {
    pub format: Format,
    /// Words of the format and of the seeds.
    pub words: &'a [Vec<u8>],
    /// Another input of the corpus.
    pub other: &'a [u8],
    /// Operands of comparisons that failed with this input.
    pub comparisons: &'a [[u64; 2]],
    /// The longest input.
    pub most: usize,
}

/// Numbers at the ends of types and ranges.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "2",
    "127",
    "128",
    "255",
    "256",
    "1000",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "0.5",
    "1e-45",
    "1e38",
    "3.5e38",
    "1e308",
    "1e309",
    "-1e309",
    "NaN",
    "nan",
    "inf",
    "-inf",
    "Infinity",
    "1e30",
    "0x7f",
    "00",
    "1_000",
    "1e999999999",
];

/// The length of a stretched text, in bytes.
const STRETCHED: usize = 1 << 20;

const BYTES: &[u8] = b"\0\x01\x7f\x80\xff\"'\\{}[]():,;=<>/|!#%&@*+- \n\r\t.~^`";

/// A changed copy of `input`.
pub fn mutated(random: &mut Random, input: &[u8], material: &Material<'_>) -> Vec<u8> {
    let mut bytes = input.to_vec();
    if material.format != Format::Text && random.one_in(2) {
        bytes = formats::mutated_inside(random, &bytes, material);
    } else {
        any(random, &mut bytes, material);
    }
    if !random.one_in(4) {
        formats::repair(&mut bytes, material.format);
    }
    bytes.truncate(material.most);
    bytes
}

/// A part of a text so often that time which grows faster than the text shows.
pub fn stretched(random: &mut Random, input: &[u8]) -> Vec<u8> {
    let range = random.range(input.len().min(1 << 12));
    let part = &input[range.clone()];
    let copies = STRETCHED / part.len().max(1);
    [&input[..range.start], &part.repeat(copies), &input[range.end..]].concat()
}

/// A few changes of any kind.
pub fn any(random: &mut Random, bytes: &mut Vec<u8>, material: &Material<'_>) {
    let count = 1 << random.below(5);
    for _ in 0..1 + random.below(count) {
        let kind = random.below(16);
        match kind {
            0..=4 => change_bytes(random, bytes, kind),
            5..=7 => put(random, bytes, material),
            8 | 9 => change_number(random, bytes),
            10 | 11 => compare(random, bytes, material.comparisons),
            _ => change_range(random, bytes, kind, material),
        }
        if bytes.len() > material.most {
            bytes.truncate(material.most);
        }
    }
}

fn change_bytes(random: &mut Random, bytes: &mut [u8], kind: usize) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    match kind {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes[at] = BYTES[random.below(BYTES.len())],
        3 => bytes[at] = bytes[at].wrapping_add(random.below(9) as u8).wrapping_sub(4),
        _ => {
            let extreme = [
                0,
                1,
                0x7f,
                0x80,
                0xff,
                0x7fff,
                0x8000,
                0xffff,
                0x7fff_ffff,
                0x8000_0000,
                u64::from(u32::MAX),
                u64::MAX,
            ];
            let value = extreme[random.below(extreme.len())];
            let width = [1, 2, 4, 8][random.below(4)];
            let written =
                if random.one_in(2) { value.to_le_bytes() } else { (value << (64 - 8 * width)).to_be_bytes() };
            bytes.iter_mut().skip(at).zip(&written[..width]).for_each(|(to, from)| *to = *from);
        }
    }
}

/// Puts in a word, a number or a part of another input; sometimes in place of as much.
fn put(random: &mut Random, bytes: &mut Vec<u8>, material: &Material<'_>) {
    let part = match random.below(4) {
        0 => material.other[random.range(material.other.len())].to_vec(),
        1 => NUMBERS[random.below(NUMBERS.len())].as_bytes().to_vec(),
        _ => random.of(material.words).cloned().unwrap_or_default(),
    };
    let at = random.below(bytes.len() + 1);
    let end = if random.one_in(2) { at } else { (at + part.len()).min(bytes.len()) };
    bytes.splice(at..end, part);
}

/// Replaces a number that is written in digits.
fn change_number(random: &mut Random, bytes: &mut Vec<u8>) {
    let from = random.below(bytes.len());
    let Some(start) = bytes.iter().skip(from).position(u8::is_ascii_digit).map(|at| from + at) else { return };
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'-' | b'+');
    let length = bytes[start..].iter().position(|byte| !is_number(byte)).unwrap_or(bytes.len() - start);
    let number = if random.one_in(3) {
        let bits = random.below(24);
        random.below(1 << bits).to_string()
    } else {
        NUMBERS[random.below(NUMBERS.len())].to_owned()
    };
    bytes.splice(start..start + length, number.into_bytes());
}

/// Makes a comparison that failed hold: one of its operands is found in the input and replaced by the other.
fn compare(random: &mut Random, bytes: &mut Vec<u8>, comparisons: &[[u64; 2]]) {
    let Some(&pair) = random.of(comparisons) else { return };
    let [found, wanted] = if random.one_in(2) { pair } else { [pair[1], pair[0]] };
    let wanted = wanted.wrapping_add(random.below(3) as u64).wrapping_sub(1);
    let forms: Vec<(Vec<u8>, Vec<u8>)> = if random.one_in(4) {
        vec![(found.to_string().into_bytes(), wanted.to_string().into_bytes())]
    } else {
        let width = [1, 2, 4, 8].into_iter().find(|width| *width == 8 || found >> (8 * width) == 0).unwrap_or(8);
        let (le, be) = (|v: u64| v.to_le_bytes()[..width].to_vec(), |v: u64| v.to_be_bytes()[8 - width..].to_vec());
        vec![(le(found), le(wanted)), (be(found), be(wanted))]
    };
    let from = random.below(bytes.len());
    for (found, wanted) in forms {
        if let Some(at) = bytes[from..].windows(found.len().max(1)).position(|part| part == found) {
            bytes.splice(from + at..from + at + found.len(), wanted);
            return;
        }
    }
}

fn change_range(random: &mut Random, bytes: &mut Vec<u8>, kind: usize, material: &Material<'_>) {
    let range = random.range(bytes.len());
    match kind {
        12 => drop(bytes.drain(range)),
        13 => {
            // Many copies: lists, nesting, lengths.
            let part = bytes[range.clone()].to_vec();
            let most = 1 << random.below(10);
            let copies = 1 + random.below(most);
            let room = material.most.saturating_sub(bytes.len());
            let copied = part.repeat(copies.min(room / part.len().max(1)).max(1));
            bytes.splice(range.end..range.end, copied);
        }
        14 => {
            // The rest of another input, as from an equal delimiter on.
            let at = range.start;
            let delimiter = bytes.get(at).copied().unwrap_or(b'"');
            let places: Vec<usize> = (0..material.other.len()).filter(|&i| material.other[i] == delimiter).collect();
            if let Some(&from) = random.of(&places) {
                bytes.truncate(at);
                bytes.extend_from_slice(&material.other[from..]);
            }
        }
        _ => {
            let to = random.below(bytes.len() + 1);
            let part = bytes[range].to_vec();
            bytes.splice(to..to, part);
        }
    }
}
