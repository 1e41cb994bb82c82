//! The words that a model learned, from `learned_words.txt` in its folder: lines of `group: word, a phrase, word`.
//!
//! Separate from the tokenizer, whose vocabulary has more words than a small model was ever shown. A model of the usual size
//! has no such file.

use std::collections::HashSet;

use super::{LoadError, ModelFiles};
use crate::tensor::WordGroup;

const FILE: &str = "learned_words.txt";

/// The words that a model learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LearnedWords {
    pub groups: Vec<WordGroup>,
    /// Every word of the groups, those of phrases one by one.
    single: HashSet<String>,
}

impl LearnedWords {
    /// The list in a model's folder; `None` where there is none.
    pub(super) fn read(files: &ModelFiles) -> Result<Option<Self>, LoadError> {
        if !files.has(FILE) {
            return Ok(None);
        }
        Ok(Some(Self::parse(&files.text(FILE)?)))
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let group = |line: &str| {
            let (title, words) = line.split_once(':')?;
            let words = words.split(',').map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty());
            Some(WordGroup { title: title.trim().to_owned(), words: words.collect() })
        };
        let groups: Vec<WordGroup> = lines.filter_map(group).collect();
        let words = groups.iter().flat_map(|group| &group.words);
        let single = words.flat_map(|word| word.split_whitespace()).map(str::to_owned).collect();
        Self { groups, single }
    }

    /// Whether a single word is among them, in any case of its letters.
    pub fn has(&self, word: &str) -> bool {
        self.single.contains(&word.to_lowercase())
    }

    /// Every word and every phrase.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.groups.iter().flat_map(|group| &group.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_phrases_count_one_by_one() {
        let words = LearnedWords::parse("# a comment\nto wear: top hat, Crown\n\ncolours: red,\nno group\n");
        let titles: Vec<_> = words.groups.iter().map(|group| (group.title.as_str(), group.words.len())).collect();
        assert_eq!(titles, [("to wear", 2), ("colours", 1)]);
        assert!(["top", "Hat", "crown", "red"].iter().all(|word| words.has(word)));
        assert!(!words.has("top hat") && !words.has("group"));
    }
}
