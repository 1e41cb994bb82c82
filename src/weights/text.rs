//! The text encoders of a model with their tokenizers: from files to encoded texts.
//!
//! Separate because one model has one pair and another has two.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use sha2::Sha256;

use super::{
    LoadError, ModelFiles,
    checkpoint::Checkpoint,
    lora::{Loras, Network},
    words::LearnedWords,
};
use crate::{
    nets::{
        ClipConfig, ClipText, NetError, Params, TextEncoding, Tokenized, Tokenizer, TokenizerError, TokenizerSettings,
    },
    tensor::{ReadWord, Standing, TextReading},
};

/// The tokenizers and text encoders of a model: one pair, or SDXL's two.
#[derive(Clone)]
pub struct TextStack {
    pub(super) first: (Tokenizer, ClipText),
    pub(super) second: Option<(Tokenizer, ClipText)>,
    /// Whether an empty negative prompt is all zeros (SDXL) instead of an encoded empty text.
    zeros_for_empty_negative: bool,
}

/// A text that could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    #[error(transparent)]
    Net(#[from] NetError),
}

impl TextStack {
    pub(super) fn read(
        files: &ModelFiles,
        two: bool,
        zeros_for_empty_negative: bool,
        loras: &Loras,
        device: &Device,
        hash: &mut Sha256,
    ) -> Result<Self, LoadError> {
        let first = read_pair(files, ["tokenizer", "text_encoder"], (loras, Network::Text), device, hash)?;
        let read_second = || read_pair(files, ["tokenizer_2", "text_encoder_2"], (loras, Network::Text2), device, hash);
        let second = two.then(read_second).transpose()?;
        if let Some((tokenizer, _)) = &second
            && tokenizer.length() != first.0.length()
        {
            let what = format!("it has {} positions, the first has {}", tokenizer.length(), first.0.length());
            return Err(LoadError::Mismatch { path: files.describe("tokenizer_2"), what });
        }
        Ok(Self { first, second, zeros_for_empty_negative })
    }

    /// Width of the embeddings it makes.
    pub fn width(&self) -> usize {
        let second = self.second.as_ref().map_or(0, |(_, encoder)| encoder.config().width);
        self.first.1.config().width + second
    }

    /// Width of the pooled embedding, where it makes one.
    pub fn pooled_width(&self) -> Option<usize> {
        self.second.as_ref().map(|(_, encoder)| encoder.pooled_width())
    }

    /// Positions of every encoded text.
    pub fn length(&self) -> usize {
        self.first.0.length()
    }

    /// The ids of a text, for each text encoder.
    ///
    /// # Errors
    /// [`TokenizerError`] if the tokenizer's rules fail.
    pub fn tokenize(&self, text: &str) -> Result<Vec<Tokenized>, TokenizerError> {
        let pairs = std::iter::once(&self.first).chain(&self.second);
        pairs.map(|(tokenizer, _)| tokenizer.encode(text)).collect()
    }

    /// The words of a text, as the first tokenizer splits it, and what becomes of them.
    ///
    /// # Errors
    /// As [`TextStack::tokenize`].
    pub fn reading(&self, text: &str, learned: Option<&LearnedWords>) -> Result<TextReading, TokenizerError> {
        let words = self.first.0.words(text)?;
        // Start and end take a position each.
        let limit = self.length() - 2;
        let mut reading = TextReading { words: Vec::new(), tokens: 0, limit };
        for pieces in words {
            let range = pieces[0].start..pieces[pieces.len() - 1].end;
            let word = text.get(range.clone()).unwrap_or_default();
            let standing = standing(text, word, &pieces, learned);
            let position = 1 + reading.tokens;
            reading.tokens += pieces.len();
            let is_cut = reading.tokens > limit;
            reading.words.push(ReadWord { range, position, pieces, standing, is_cut });
        }
        Ok(reading)
    }

    /// Every word that is one token.
    pub fn whole_words(&self) -> &[String] {
        self.first.0.whole_words()
    }

    /// Encodes a prompt. One encoder: its last layer, normalised. Two: the outputs of their layers before the last,
    /// concatenated, and the pooled embedding of the second.
    ///
    /// # Errors
    /// [`EncodeError`] if the tokenizer's rules fail, or give ids beyond the encoder's vocabulary.
    pub fn encode(&self, text: &str) -> Result<TextEncoding, EncodeError> {
        let (tokenizer, encoder) = &self.first;
        let first = tokenizer.encode(text)?;
        if first.dropped > 0 {
            log::warn!("the text is {} tokens too long, its end was cut off: \"{text}\"", first.dropped);
        }
        let output = encoder.encode(&first.ids)?;
        let Some((tokenizer, encoder)) = &self.second else {
            return Ok(TextEncoding { hidden: output.last, pooled: None, tokens: first.tokens });
        };
        let second = encoder.encode(&tokenizer.encode(text)?.ids)?;
        let hidden = Tensor::cat(vec![output.penultimate, second.penultimate], 2);
        Ok(TextEncoding { hidden, pooled: Some(second.pooled), tokens: first.tokens })
    }

    /// Encodes a negative prompt; for some models an empty one is all zeros.
    ///
    /// # Errors
    /// As [`TextStack::encode`].
    pub fn encode_negative(&self, text: &str) -> Result<TextEncoding, EncodeError> {
        let encoding = self.encode(text)?;
        if !(text.is_empty() && self.zeros_for_empty_negative) {
            return Ok(encoding);
        }
        Ok(TextEncoding {
            hidden: encoding.hidden.zeros_like(),
            pooled: encoding.pooled.map(|pooled| pooled.zeros_like()),
            tokens: encoding.tokens,
        })
    }
}

/// What a word is to a model. Signs and digits are what they are.
fn standing(text: &str, word: &str, pieces: &[Range<usize>], learned: Option<&LearnedWords>) -> Standing {
    if !word.chars().all(char::is_alphabetic) {
        return Standing::Known;
    }
    if let Some(learned) = learned {
        return if learned.has(word) { Standing::Known } else { Standing::Unlearned };
    }
    // A token may be a part of a letter.
    let letters =
        pieces.iter().filter(|piece| text.get((*piece).clone()).is_none_or(|t| t.chars().count() <= 1)).count();
    if pieces.len() > 1 && 2 * letters >= pieces.len() { Standing::Split } else { Standing::Known }
}

fn read_pair(
    files: &ModelFiles,
    [tokenizer, encoder]: [&str; 2],
    (loras, network): (&Loras, Network),
    device: &Device,
    hash: &mut Sha256,
) -> Result<(Tokenizer, ClipText), LoadError> {
    let config_path = format!("{encoder}/config.json");
    let config = ClipConfig::parse(files.text(&config_path)?.as_bytes())
        .map_err(|source| LoadError::Config { path: files.describe(&config_path), source })?;
    let tokenizer = read_tokenizer(files, tokenizer, config.positions)?;
    let checkpoint = Checkpoint::read(files, encoder, hash)?;
    let source = loras.onto(network, &checkpoint, &checkpoint.names())?;
    let encoder =
        ClipText::load(&Params::root(&source, device), config).map_err(|source| checkpoint.load_error(source))?;
    checkpoint.warn_of_unused();
    Ok((tokenizer, encoder))
}

fn read_tokenizer(files: &ModelFiles, folder: &str, positions: usize) -> Result<Tokenizer, LoadError> {
    let at = |name: &str| format!("{folder}/{name}");
    let settings = TokenizerSettings::parse(files.text(&at("tokenizer_config.json"))?.as_bytes())
        .map_err(|source| LoadError::Json { path: files.describe(&at("tokenizer_config.json")), source })?;
    let json = at("tokenizer.json");
    let (path, built) = if files.has(&json) {
        let built = Tokenizer::from_json(files.text(&json)?.as_bytes(), &settings, positions);
        (json, built)
    } else {
        let (vocabulary, merges) = (at("vocab.json"), at("merges.txt"));
        let (words, pairs) = (files.text(&vocabulary)?, files.text(&merges)?);
        let built = Tokenizer::from_vocabulary(words.as_bytes(), &pairs, &settings, positions);
        (vocabulary, built)
    };
    built.map_err(|source| LoadError::Tokenizer { path: files.describe(&path), source })
}
