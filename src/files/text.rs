//! Text in files: one decoder for whole text files, and the guesses for texts inside pictures.
//!
//! Editors and shells change how a text file is encoded: Notepad adds a byte order mark and CRLF line ends, PowerShell's
//! `>` writes UTF-16. Everything that is read as text is decoded here, so that such a file is read as before.

use std::borrow::Cow;

/// Bytes that are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not text (line {line}, column {column})")]
pub struct NotText {
    /// Of the first byte that is not text, from 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// The text of a file: UTF-8 or UTF-16 of either byte order, with or without a byte order mark. Line ends become `\n`, the
/// mark is left out.
///
/// # Errors
/// [`NotText`] for what is neither, and for text with NUL characters, which no text file has.
pub fn decode_text(bytes: &[u8]) -> Result<Cow<'_, str>, NotText> {
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0xfe, 0xff, rest @ ..] => strict_utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => strict_utf16(rest, u16::from_le_bytes),
        _ => match unmarked_utf16(bytes) {
            Some(from) => strict_utf16(bytes, from),
            None => utf8(bytes),
        },
    }?;
    if let Some(at) = text.find('\0') {
        return Err(place(&text[..at]));
    }
    Ok(if text.contains('\r') { text.replace("\r\n", "\n").into() } else { text })
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, NotText> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(place(&String::from_utf8_lossy(&bytes[..error.valid_up_to()]))),
    }
}

fn strict_utf16(bytes: &[u8], from: fn([u8; 2]) -> u16) -> Result<Cow<'static, str>, NotText> {
    let mut text = String::with_capacity(bytes.len() / 2);
    for c in char::decode_utf16(units(bytes, from)) {
        text.push(c.map_err(|_| place(&text))?);
    }
    if bytes.len().is_multiple_of(2) { Ok(text.into()) } else { Err(place(&text)) }
}

/// How UTF-16 without a mark is read, if `bytes` are that: text that begins with two ASCII characters, each beside a zero.
fn unmarked_utf16(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    match bytes.first_chunk::<4>()?.map(|byte| byte == 0) {
        [false, true, false, true] => Some(u16::from_le_bytes),
        [true, false, true, false] => Some(u16::from_be_bytes),
        _ => None,
    }
}

/// The place after a text.
fn place(before: &str) -> NotText {
    let line = before.rsplit('\n').next().unwrap_or_default();
    NotText { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

/// Text of ISO 8859-1, in which every byte is a character.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}

/// Text inside a picture whose encoding is not stated: UTF-8 if it can be, else Latin-1.
pub fn utf8_or_latin1(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| latin1(bytes), str::to_owned)
}

/// UTF-16 inside a picture, in the byte order that gives more ASCII characters: settings are mostly ASCII, and writers do
/// not agree on an order. Without any zero byte it is no UTF-16 at all, regardless of its label.
pub fn utf16_of_either_order(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => return lossy_utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => return lossy_utf16(rest, u16::from_le_bytes),
        _ if !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok() => return utf8_or_latin1(bytes),
        _ => {}
    }
    let ascii = |from: fn([u8; 2]) -> u16| units(bytes, from).filter(|&u| u < 0x80).count();
    if ascii(u16::from_le_bytes) > ascii(u16::from_be_bytes) {
        lossy_utf16(bytes, u16::from_le_bytes)
    } else {
        lossy_utf16(bytes, u16::from_be_bytes)
    }
}

/// Repairs UTF-8 that was read as Latin-1, because it stood in a place meant for that; returns other text unchanged.
pub fn mend_utf8_read_as_latin1(text: &str) -> String {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

fn lossy_utf16(bytes: &[u8], from: fn([u8; 2]) -> u16) -> String {
    char::decode_utf16(units(bytes, from)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// An odd last byte is no unit.
fn units(bytes: &[u8], from: fn([u8; 2]) -> u16) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(move |&pair| from(pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to).collect()
    }

    #[test]
    fn every_encoding_of_a_text_file_is_read() {
        let text = "mûrier 🦊\nSteps: 3\n";
        let windows = text.replace('\n', "\r\n");
        for written in [text, &windows] {
            let (le, be) = (utf16(written, u16::to_le_bytes), utf16(written, u16::to_be_bytes));
            for bytes in [
                written.as_bytes().to_vec(),
                [b"\xef\xbb\xbf", written.as_bytes()].concat(),
                [b"\xff\xfe", &le[..]].concat(),
                [b"\xfe\xff", &be[..]].concat(),
                le,
                be,
            ] {
                assert_eq!(decode_text(&bytes).as_deref(), Ok(text), "{bytes:?}");
            }
        }
        assert_eq!(decode_text(b"").as_deref(), Ok(""));
        assert_eq!(decode_text(b"\xff\xfe").as_deref(), Ok(""));
    }

    #[test]
    fn other_bytes_are_refused_with_their_place() {
        let refused = |bytes: &[u8], line, column| {
            assert_eq!(decode_text(bytes), Err(NotText { line, column }), "{bytes:?}");
        };
        refused(b"one\ntw\xff", 2, 3);
        refused("é\0".as_bytes(), 1, 2);
        refused(b"\xff\xfea\0b", 1, 2);
        // A surrogate without its partner.
        refused(b"\xfe\xff\0\n\xd8\0\0a", 2, 1);
        refused(b"\x89PNG\r\n\x1a\n", 1, 1);
    }
}
