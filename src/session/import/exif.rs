//! The tags of EXIF (TIFF 6.0 structure, CIPA DC-008) that carry text.
//!
//! It stands apart because JPEG, PNG and WebP files all contain the same block.

use crate::files::{utf8_or_latin1, utf16_of_either_order};

const USER_COMMENT: u16 = 0x9286;
const EXIF_DIRECTORY: u16 = 0x8769;

/// The number of directory entries after which reading stops; ordinary directories have a few dozen.
const MAX_ENTRIES: usize = 1024;

/// A block has one directory of EXIF's own.
const MAX_DIRECTORIES: usize = 4;

/// The texts of a block may be so many times as long as the block.
const SHARED: usize = 2;

/// The texts of an EXIF block.
#[derive(Default)]
pub(super) struct ExifTexts {
    pub user_comment: Option<String>,
    /// The ASCII entries of the first directory: description, maker, model and others.
    pub others: Vec<String>,
}

/// Reads the texts of a TIFF structure; entries that point out of it are ignored.
pub(super) fn texts(tiff: &[u8]) -> ExifTexts {
    let mut found = ExifTexts::default();
    let Some(block) = Block::new(tiff) else { return found };
    // Entries may share their bytes, so their sum is limited, and only what is kept is decoded.
    let mut room = SHARED * tiff.len();
    let mut comment = None;
    let mut directories = 0;
    for entry in block.directory(block.number(4)) {
        if entry.tag == EXIF_DIRECTORY {
            directories += 1;
            if directories > MAX_DIRECTORIES {
                continue;
            }
            let inner = block.directory(block.value(&entry).and_then(|v| block.number_in(v)));
            comment = inner.filter(|e| e.tag == USER_COMMENT).filter_map(|e| block.value(&e)).last().or(comment);
        } else if entry.tag == USER_COMMENT {
            comment = comment.or_else(|| block.value(&entry));
        } else if entry.kind == Entry::ASCII
            && let Some(value) = block.value(&entry)
            && let Some(left) = room.checked_sub(value.len())
        {
            room = left;
            found.others.push(trimmed(utf8_or_latin1(value)));
        }
    }
    found.user_comment = comment.map(user_comment).filter(|text| !text.trim().is_empty());
    found
}

/// The text of a user comment: eight bytes that name the encoding, then the text. Many writers name a wrong encoding or
/// none.
fn user_comment(bytes: &[u8]) -> String {
    trimmed(match bytes.split_at_checked(8) {
        Some((b"UNICODE\0", text)) => utf16_of_either_order(text),
        Some((b"ASCII\0\0\0" | b"JIS\0\0\0\0\0", text)) => utf8_or_latin1(text),
        Some((b"\0\0\0\0\0\0\0\0", text)) if text.contains(&0) => utf16_of_either_order(text),
        Some((b"\0\0\0\0\0\0\0\0", text)) => utf8_or_latin1(text),
        _ => utf8_or_latin1(bytes),
    })
}

fn trimmed(text: String) -> String {
    text.trim_end_matches('\0').to_owned()
}

/// A TIFF structure; all offsets count from its first byte.
struct Block<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

struct Entry {
    tag: u16,
    kind: u16,
    count: usize,
    /// Offset of the value, or of the offset to it.
    at: usize,
}

impl Entry {
    const ASCII: u16 = 2;

    /// Bytes of one value of this kind; 0 for an unknown kind.
    fn width(&self) -> usize {
        match self.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 => 4,
            5 | 10 | 12 => 8,
            _ => 0,
        }
    }
}

impl<'a> Block<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        match bytes.get(..4)? {
            b"II*\0" => Some(Self { bytes, big_endian: false }),
            b"MM\0*" => Some(Self { bytes, big_endian: true }),
            _ => None,
        }
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn number(&self, at: usize) -> Option<usize> {
        self.number_in(self.bytes.get(at..)?)
    }

    /// The first 32-bit number of `bytes`.
    fn number_in(&self, bytes: &[u8]) -> Option<usize> {
        let bytes = bytes.get(..4)?.try_into().ok()?;
        usize::try_from(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }).ok()
    }

    /// The entries of the directory at an offset: a count, then twelve bytes each.
    fn directory(&self, at: Option<usize>) -> impl Iterator<Item = Entry> {
        let at = at.unwrap_or(usize::MAX);
        let count = self.short(at).map_or(0, usize::from).min(MAX_ENTRIES);
        (0..count).map_while(move |i| {
            let at = at.checked_add(2 + 12 * i)?;
            let (tag, kind, count) = (self.short(at)?, self.short(at + 2)?, self.number(at + 4)?);
            Some(Entry { tag, kind, count, at: at + 8 })
        })
    }

    /// The bytes of an entry's value: in the entry itself if they fit into four bytes, else at its offset.
    fn value(&self, entry: &Entry) -> Option<&'a [u8]> {
        let length = entry.count.checked_mul(entry.width())?;
        let at = if length <= 4 { entry.at } else { self.number(entry.at)? };
        self.bytes.get(at..at.checked_add(length)?)
    }
}
