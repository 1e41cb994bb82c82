//! CLIP's tokenizer: from a text to token ids, and back to the words that they stand for.
//!
//! Separate from the text encoder, which takes ids alone.

use std::{
    collections::HashMap,
    ops::Range,
    panic::{self, AssertUnwindSafe},
    sync::OnceLock,
};

use serde::de::IgnoredAny;
use serde_json::Value;
use tokenizers::{
    AddedToken, Model as _, NormalizedString, Normalizer as _, OffsetType, PreTokenizedString, PreTokenizer as _,
};

use super::{
    added_tokens::{AddedTokens, Piece},
    clip_rules::clip_rules,
};
use crate::tensor::{Token, TokenKind};

/// Why a tokenizer cannot be built, or a text not be tokenized.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    #[error("the tokenizer cannot be built: {0}")]
    Build(#[source] tokenizers::Error),
    #[error("the tokenizer's file is not the JSON that was expected: {0}")]
    Vocabulary(#[from] serde_json::Error),
    #[error("the tokenizer's vocabulary lacks the {role} token \"{token}\"")]
    NoToken { role: &'static str, token: String },
    #[error("the tokenizer allows {0} positions, but there must be at least a start and an end")]
    NoRoom(usize),
    #[error("the text cannot be tokenized: {0}")]
    Encode(#[source] tokenizers::Error),
}

/// CLIP's byte-pair encoding, with start token, end token and padding.
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    start: u32,
    end: u32,
    padding: u32,
    length: usize,
    added: AddedTokens,
    /// In alphabetical order; listed when they are first asked for.
    whole_words: OnceLock<Vec<String>>,
}

/// A text as token ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokenized {
    /// Padded or cut to the model's length, always with an end token.
    pub ids: Vec<u32>,
    /// The kind and the text of each id.
    pub tokens: Vec<Token>,
    /// The number of tokens that were cut off at the end.
    pub dropped: usize,
}

/// A token of a text by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawToken {
    pub id: u32,
    /// Bytes of the text.
    pub range: Range<usize>,
    /// The word that it is a part of, counted from 0.
    pub word: usize,
    /// How many tokens from this one on belong together: the vectors of a textual inversion, else 1.
    pub joined: usize,
}

/// The ids of the tokens that stand for no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialIds {
    pub start: u32,
    pub end: u32,
    pub padding: u32,
}

/// The special tokens and the length, from `tokenizer_config.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenizerSettings {
    start: String,
    end: String,
    padding: String,
    /// `None` where the file has none, or has transformers' "no limit" of 1e30.
    length: Option<usize>,
}

impl TokenizerSettings {
    /// Parses `tokenizer_config.json`. Tokens may be strings, or objects with `content`.
    ///
    /// # Errors
    /// [`serde_json::Error`] where it is not JSON.
    pub fn parse(config: &[u8]) -> Result<Self, serde_json::Error> {
        let config: Value = serde_json::from_slice(config)?;
        let token = |key: &str| {
            let value = config.get(key)?;
            value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned)
        };
        let end = token("eos_token").unwrap_or_else(|| "<|endoftext|>".to_owned());
        Ok(Self {
            start: token("bos_token").unwrap_or_else(|| "<|startoftext|>".to_owned()),
            padding: token("pad_token").unwrap_or_else(|| end.clone()),
            end,
            length: config.get("model_max_length").and_then(Value::as_u64).map(|n| n as usize),
        })
    }
}

impl Tokenizer {
    /// Builds a tokenizer from `tokenizer.json`; `positions` is the longest text that the text encoder takes.
    ///
    /// # Errors
    /// [`TokenizerError`] where the file is no tokenizer, or lacks one of the special tokens.
    pub fn from_json(json: &[u8], settings: &TokenizerSettings, positions: usize) -> Result<Self, TokenizerError> {
        let _: IgnoredAny = serde_json::from_slice(json)?;
        let inner = guarded(|| tokenizers::Tokenizer::from_bytes(json)).map_err(TokenizerError::Build)?;
        Self::finish(inner, settings, positions)
    }

    /// Builds a tokenizer from `vocab.json` and `merges.txt`, with the rules that all CLIP models share.
    ///
    /// # Errors
    /// As for [`Tokenizer::from_json`].
    pub fn from_vocabulary(
        vocabulary: &[u8],
        merges: &str,
        settings: &TokenizerSettings,
        positions: usize,
    ) -> Result<Self, TokenizerError> {
        let vocabulary: HashMap<String, u32> = serde_json::from_slice(vocabulary)?;
        let merges: Vec<&str> =
            merges.lines().filter(|line| !line.starts_with("#version") && !line.trim().is_empty()).collect();
        let rules = clip_rules(&vocabulary, &merges, &settings.end);
        let inner = guarded(|| tokenizers::Tokenizer::from_bytes(rules.to_string())).map_err(TokenizerError::Build)?;
        Self::finish(inner, settings, positions)
    }

    fn finish(
        mut inner: tokenizers::Tokenizer,
        settings: &TokenizerSettings,
        positions: usize,
    ) -> Result<Self, TokenizerError> {
        let id = |role, token: &String| {
            inner.token_to_id(token).ok_or_else(|| TokenizerError::NoToken { role, token: token.clone() })
        };
        let (start, end, padding) =
            (id("start", &settings.start)?, id("end", &settings.end)?, id("padding", &settings.padding)?);
        // Special tokens are split off the text first. Where "!" is the padding token (SD 2.x), this applies to every
        // exclamation mark: transformers does so, and the models were trained with it.
        let special = [&settings.start, &settings.end, &settings.padding]
            .map(|token| AddedToken::from(token.as_str(), true).normalized(false));
        guarded(|| inner.add_special_tokens(special)).map_err(TokenizerError::Build)?;
        inner.with_truncation(None).map_err(TokenizerError::Build)?;
        inner.with_padding(None);
        let length = settings.length.unwrap_or(positions).min(positions);
        if length < 2 {
            return Err(TokenizerError::NoRoom(length));
        }
        let added = AddedTokens::default();
        Ok(Self { inner, start, end, padding, length, added, whole_words: OnceLock::new() })
    }

    /// Every word of letters that is one token, in alphabetical order.
    pub fn whole_words(&self) -> &[String] {
        self.whole_words.get_or_init(|| whole_words(&self.inner))
    }

    /// The bytes of each token of a text, word by word; words are what the rules split before they merge letters. Nothing
    /// is cut off.
    ///
    /// # Errors
    /// As for [`Tokenizer::encode`].
    pub fn words(&self, text: &str) -> Result<Vec<Vec<Range<usize>>>, TokenizerError> {
        let mut words: Vec<Vec<Range<usize>>> = Vec::new();
        let mut last = None;
        for Piece { range, word, .. } in self.pieces(text)? {
            match words.last_mut().filter(|_| word.is_some() && word == last) {
                Some(pieces) => pieces.push(range),
                None => words.push(std::iter::once(range).collect()),
            }
            last = word;
        }
        Ok(words)
    }

    /// The tokens of a text, without start, end and padding, however many. No part of the text stands for a special token: an
    /// exclamation mark is a word, also where it is the padding token of the tokenizer's file.
    ///
    /// # Errors
    /// As for [`Tokenizer::encode`].
    pub fn raw_tokens(&self, text: &str) -> Result<Vec<RawToken>, TokenizerError> {
        let mut normalized = NormalizedString::from(text);
        if let Some(normalizer) = self.inner.get_normalizer() {
            normalizer.normalize(&mut normalized).map_err(TokenizerError::Encode)?;
        }
        let mut words = PreTokenizedString::from(normalized);
        if let Some(rules) = self.inner.get_pre_tokenizer() {
            rules.pre_tokenize(&mut words).map_err(TokenizerError::Encode)?;
        }
        words.tokenize(|word| self.inner.get_model().tokenize(word.get())).map_err(TokenizerError::Encode)?;
        let encoding = words.into_encoding(None, 0, OffsetType::Byte).map_err(TokenizerError::Encode)?;
        let places = encoding.get_offsets().iter().zip(encoding.get_word_ids());
        let piece =
            |(&id, (&(from, to), &word)): (&u32, (&(usize, usize), &Option<u32>))| Piece { id, range: from..to, word };
        let pieces = self.added.replace(encoding.get_ids().iter().zip(places).map(piece).collect());
        let joined = self.added.joined(pieces.iter().map(|piece| piece.id));
        let token =
            |(Piece { id, range, word }, joined)| RawToken { id, range, word: word.unwrap_or(0) as usize, joined };
        Ok(pieces.into_iter().zip(joined).map(token).collect())
    }

    /// The token of a comma that ends a word, if there is one.
    pub fn comma(&self) -> Option<u32> {
        self.inner.token_to_id(",</w>")
    }

    pub fn special(&self) -> SpecialIds {
        SpecialIds { start: self.start, end: self.end, padding: self.padding }
    }

    /// Lets the tokens of `trigger` stand for `ids` wherever they occur; answers whether it has any.
    ///
    /// # Errors
    /// As for [`Tokenizer::encode`].
    pub fn add_trigger(&mut self, trigger: &str, ids: Range<u32>) -> Result<bool, TokenizerError> {
        let encoding = guarded(|| self.inner.encode(trigger, false)).map_err(TokenizerError::Encode)?;
        let tokens = encoding.get_ids().to_vec();
        let is_some = !tokens.is_empty();
        if is_some {
            self.added.add(tokens, ids);
        }
        Ok(is_some)
    }

    /// The tokens of a text, without start, end and padding.
    fn pieces(&self, text: &str) -> Result<Vec<Piece>, TokenizerError> {
        let encoding = guarded(|| self.inner.encode(text, false)).map_err(TokenizerError::Encode)?;
        let places = encoding.get_offsets().iter().zip(encoding.get_word_ids());
        let piece =
            |(&id, (&(from, to), &word)): (&u32, (&(usize, usize), &Option<u32>))| Piece { id, range: from..to, word };
        Ok(self.added.replace(encoding.get_ids().iter().zip(places).map(piece).collect()))
    }

    /// Length of every encoded text, in tokens.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Start token, the text, end token, padding: always [`Tokenizer::length`] ids. A text that is too long is cut.
    ///
    /// # Errors
    /// [`TokenizerError::Encode`] where the rules of the tokenizer's file fail on this text.
    pub fn encode(&self, text: &str) -> Result<Tokenized, TokenizerError> {
        let pieces = self.pieces(text)?;
        let room = self.length - 2;
        let count = self.whole_within(&pieces, room);
        let mut ids = Vec::with_capacity(self.length);
        let mut tokens = Vec::with_capacity(self.length);
        let mut push = |id, kind, text: &str| {
            tokens.push(Token { position: ids.len(), text: text.to_owned(), kind });
            ids.push(id);
        };
        push(self.start, TokenKind::Start, "");
        for piece in &pieces[..count] {
            // A token may be a part of a character, which has no text of its own.
            push(piece.id, TokenKind::Word, text.get(piece.range.clone()).unwrap_or("").trim());
        }
        push(self.end, TokenKind::End, "");
        for _ in count..room {
            push(self.padding, TokenKind::Padding, "");
        }
        Ok(Tokenized { ids, tokens, dropped: pieces.len() - count })
    }

    /// How many of the tokens go into `room` places. The vectors of an embedding stay together.
    fn whole_within(&self, pieces: &[Piece], room: usize) -> usize {
        let Some(cut) = pieces.get(room).filter(|piece| self.inner.id_to_token(piece.id).is_none()) else {
            return pieces.len().min(room);
        };
        pieces.iter().position(|piece| piece.range == cut.range).unwrap_or(room).min(room)
    }
}

/// What `work` gives. Rules of a file that contradict each other make the tokenizers crate panic, and the window reads texts
/// with them.
fn guarded<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> tokenizers::Result<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("its rules contradict each other".into()))
}

/// The tokens that end a word and are words of at least two letters, without the mark of a word's end.
fn whole_words(inner: &tokenizers::Tokenizer) -> Vec<String> {
    let vocabulary = inner.get_vocab(false);
    let words = vocabulary.keys().filter_map(|token| token.strip_suffix("</w>"));
    let is_word = |word: &&str| word.chars().count() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    let mut words: Vec<String> = words.filter(is_word).map(str::to_owned).collect();
    words.sort_unstable();
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(json: &str) -> String {
        let settings = TokenizerSettings::parse(b"{}").expect("JSON");
        Tokenizer::from_json(json.as_bytes(), &settings, 77).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn rules_that_make_the_crate_panic_are_refused() {
        let vocabulary = HashMap::from([("<|startoftext|>".to_owned(), 0), ("<|endoftext|>".to_owned(), 1)]);
        let mut rules = clip_rules(&vocabulary, &[], "<|endoftext|>");
        let whole = rules.to_string();
        assert_eq!(said(&whole), "");
        rules["decoder"] = json!({ "type": 7 });
        assert!(
            said(&rules.to_string()).starts_with("the tokenizer cannot be built: "),
            "{}",
            said(&rules.to_string())
        );
        for cut in 1..whole.len() {
            assert!(said(&whole[..cut]).contains("not the JSON that was expected"), "{}", &whole[..cut]);
        }
    }
}
