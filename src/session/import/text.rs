//! Bytes that may be text in one of several encodings.

/// The text of a file, or `None` if the bytes are not text: UTF-8, or UTF-16 with a byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0xfe, 0xff, rest @ ..] => Some(utf16(rest, u16::from_be_bytes)),
        [0xff, 0xfe, rest @ ..] => Some(utf16(rest, u16::from_le_bytes)),
        _ => {
            let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()?;
            (!text.contains('\0')).then(|| text.to_owned())
        }
    }
}

/// Text whose encoding nobody says for sure: UTF-8 if it can be, else Latin-1.
pub(super) fn utf8_or_latin1(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|&b| char::from(b)).collect(), str::to_owned)
}

/// UTF-16 in whichever byte order gives more plain letters: settings are mostly ASCII, and writers do not agree on an
/// order. Without any zero byte it is no UTF-16 at all, whatever the label said.
pub(super) fn utf16_of_either_order(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        _ if !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok() => return utf8_or_latin1(bytes),
        _ => {}
    }
    let plain = |from: fn([u8; 2]) -> u16| units(bytes, from).filter(|&u| u < 0x80).count();
    if plain(u16::from_le_bytes) > plain(u16::from_be_bytes) {
        utf16(bytes, u16::from_le_bytes)
    } else {
        utf16(bytes, u16::from_be_bytes)
    }
}

/// Text that was written as UTF-8 into a place meant for Latin-1, put right; other text as it is.
pub(super) fn mended(text: &str) -> String {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

fn utf16(bytes: &[u8], from: fn([u8; 2]) -> u16) -> String {
    char::decode_utf16(units(bytes, from)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// An odd last byte is no unit.
fn units(bytes: &[u8], from: fn([u8; 2]) -> u16) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(move |&pair| from(pair))
}
