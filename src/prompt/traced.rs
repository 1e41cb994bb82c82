//! A text that was made of parts of another, with the place that each byte comes from.
//!
//! Apart because every stage of reading a prompt passes it on: a window marks words where they were typed.

use std::ops::Range;

/// A text and, for each of its bytes, the byte of the source that it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traced {
    text: String,
    origins: Vec<usize>,
}

impl Traced {
    /// A text that is its own source.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), origins: (0..text.len()).collect() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds a part of another text. Nothing is added for a range that cuts a letter.
    pub fn push(&mut self, other: &Self, range: Range<usize>) {
        if let (Some(text), Some(origins)) = (other.text.get(range.clone()), other.origins.get(range)) {
            self.text.push_str(text);
            self.origins.extend_from_slice(origins);
        }
    }

    /// A part of the text.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let mut part = Self::default();
        part.push(self, range);
        part
    }

    /// The bytes of the source from the first to the last byte of a range that is not empty.
    pub fn origin(&self, range: Range<usize>) -> Option<Range<usize>> {
        let origins = self.origins.get(range)?;
        Some(*origins.first()?..origins.last()? + 1)
    }
}
