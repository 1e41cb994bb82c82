//! How a model reads texts, for a window that marks words as they are typed.
//!
//! Apart from encoding, which computes: reading is a look-up, cheap enough for every frame and any thread.

use std::fmt::Debug;

use crate::{
    recipe::TextRules,
    tensor::{TextReading, WordGroup},
};

/// Reads texts as a model's text encoder gets them.
pub trait TextReader: Debug + Send + Sync {
    /// The words of a text and what becomes of them.
    fn read(&self, text: &str) -> TextReading;

    /// The words of a text that is read by rules, as they stand at its first step.
    fn read_by(&self, text: &str, _rules: TextRules) -> TextReading {
        self.read(text)
    }

    /// The words that the model learned, where its files list them.
    fn learned(&self) -> &[WordGroup];

    /// At most `most` known words that begin with `prefix`, in lower case; the shortest first.
    fn completions(&self, prefix: &str, most: usize) -> Vec<String>;
}
