//! Encoding of texts with a syntax: each chunk by itself, its embeddings weighted, chunk after chunk along the tokens.
//!
//! Separate from the layout in chunks, which needs no network.

use burn::tensor::{Tensor, TensorData};

use super::{
    chunks::{Chunk, chunks, layout},
    text::{EncodeError, TextStack, standing},
    words::LearnedWords,
};
use crate::{
    nets::{ClipText, NetError, TextEncoding, Tokenizer, TokenizerError},
    prompt::Traced,
    recipe::{Emphasis, PromptSyntax, TextRules},
    tensor::{ReadWord, Standing, TextReading},
};

impl TextStack {
    /// Encodes a prompt by rules. Of plain text that is [`TextStack::encode`], with clip skip if that is set.
    ///
    /// With a syntax, `text` is what is left of it at a step ([`TextRules::text_at`]); k chunks give `k · length` positions.
    /// The pooled embedding is that of the first chunk, unweighted.
    ///
    /// # Errors
    /// As [`TextStack::encode`], and for a clip skip beyond the encoder's layers.
    pub fn encode_by(&self, text: &str, rules: TextRules) -> Result<TextEncoding, EncodeError> {
        let text = Traced::new(text);
        if rules.syntax == PromptSyntax::Plain {
            return self.encode_plain(text.text(), rules);
        }
        let pairs: Vec<_> = std::iter::once(&self.first).chain(&self.second).collect();
        let mut laid: Vec<Vec<Chunk>> =
            pairs.iter().map(|(tokenizer, _)| chunks(tokenizer, &text, rules)).collect::<Result<_, _>>()?;
        // Two tokenizers of other words may need other numbers of chunks.
        let count = laid.iter().map(Vec::len).max().unwrap_or(1);
        for (chunks, (tokenizer, _)) in laid.iter_mut().zip(&pairs) {
            chunks.resize(count, Chunk::empty(tokenizer));
        }
        let tokens = layout(&laid[0], text.text());
        let mut parts = Vec::new();
        let mut pooled = None;
        for (chunks, pair) in laid.iter().zip(&pairs) {
            let encoded = self.encode_chunks(pair, chunks, rules)?;
            pooled = encoded.pooled.or(pooled);
            parts.push(encoded.hidden);
        }
        let pooled = pooled.filter(|_| self.second.is_some());
        Ok(TextEncoding { hidden: Tensor::cat(parts, 2), pooled, tokens })
    }

    /// Encodes a negative prompt by rules. In A1111 an empty one is all zeros for models of two encoders.
    ///
    /// # Errors
    /// As [`TextStack::encode_by`].
    pub fn encode_negative_by(&self, text: &str, rules: TextRules) -> Result<TextEncoding, EncodeError> {
        let is_zero = match rules.syntax {
            PromptSyntax::Plain => self.zeros_for_empty_negative,
            PromptSyntax::A1111 => self.second.is_some(),
            PromptSyntax::Comfy => false,
        };
        let encoding = self.encode_by(text, rules)?;
        Ok(if is_zero && text.is_empty() { zeros(encoding) } else { encoding })
    }

    /// The ids and weights of each chunk, for each text encoder.
    ///
    /// # Errors
    /// [`TokenizerError`] if the tokenizer's rules fail.
    pub fn chunks(&self, text: &str, rules: TextRules) -> Result<Vec<Vec<Chunk>>, TokenizerError> {
        let text = Traced::new(text);
        let pairs = std::iter::once(&self.first).chain(&self.second);
        pairs.map(|(tokenizer, _)| chunks(tokenizer, &text, rules)).collect()
    }

    /// The words of a text as they stand at its first step, and what becomes of them.
    ///
    /// # Errors
    /// As [`TextStack::chunks`].
    pub fn reading_by(
        &self,
        text: &str,
        rules: TextRules,
        learned: Option<&LearnedWords>,
    ) -> Result<TextReading, TokenizerError> {
        if rules.syntax == PromptSyntax::Plain {
            return self.reading(text, learned);
        }
        let first = rules.text_at(text, 0, 1);
        let chunks = chunks(&self.first.0, &first, rules)?;
        let room = self.length() - 2;
        let mut reading = TextReading { words: Vec::new(), tokens: 0, limit: room * chunks.len() };
        let mut last = None;
        for (chunk, number) in chunks.iter().zip(0..) {
            for (place, word) in chunk.words().iter().enumerate() {
                reading.tokens += 1;
                let position = number * self.length() + 1 + place;
                match reading.words.last_mut().filter(|_| last == Some(word.word)) {
                    Some(read) => {
                        read.range.end = read.range.end.max(word.range.end);
                        read.pieces.push(word.range.clone());
                    }
                    None => reading.words.push(ReadWord {
                        range: word.range.clone(),
                        position,
                        pieces: vec![word.range.clone()],
                        standing: Standing::Known,
                        is_cut: false,
                    }),
                }
                last = Some(word.word);
            }
        }
        for word in &mut reading.words {
            let said = text.get(word.range.clone()).unwrap_or_default();
            word.standing = standing(text, said, &word.pieces, learned);
        }
        Ok(reading)
    }

    fn encode_plain(&self, text: &str, rules: TextRules) -> Result<TextEncoding, EncodeError> {
        let skip = rules.clip_skip.filter(|_| self.heeds_clip_skip());
        let encoding = self.encode(text)?;
        let Some(skip) = skip.filter(|skip| *skip > 1) else { return Ok(encoding) };
        let (tokenizer, encoder) = &self.first;
        let hidden = encoder.encode_skipping(&tokenizer.encode(text)?.ids, skip)?;
        Ok(TextEncoding { hidden, ..encoding })
    }

    /// Whether clip skip acts: not for OpenCLIP's encoders and pairs of encoders, whose layer is a part of the model.
    fn heeds_clip_skip(&self) -> bool {
        let special = self.first.0.special();
        self.second.is_none() && special.padding == special.end
    }

    fn encode_chunks(
        &self,
        (tokenizer, encoder): &(Tokenizer, ClipText),
        chunks: &[Chunk],
        rules: TextRules,
    ) -> Result<TextEncoding, EncodeError> {
        let two = self.second.is_some();
        let skip = rules.clip_skip.filter(|_| self.heeds_clip_skip()).unwrap_or(1);
        let hidden = |ids: &[u32]| -> Result<(Tensor<3>, Tensor<2>), NetError> {
            let output = encoder.encode(ids)?;
            let hidden = match (two, skip) {
                (true, _) => output.penultimate,
                (false, 1) => output.last,
                (false, skip) => encoder.encode_skipping(ids, skip)?,
            };
            Ok((hidden, output.pooled))
        };
        let mut empty = None;
        let mut encoded = Vec::new();
        let mut pooled = None;
        for chunk in chunks {
            let (embeddings, of_text) = hidden(&chunk.ids)?;
            pooled = pooled.or(Some(of_text));
            encoded.push(match rules.syntax {
                _ if !chunk.is_weighted() => embeddings,
                PromptSyntax::Comfy => {
                    let origin = match empty.take() {
                        Some(origin) => origin,
                        None => hidden(&Chunk::empty(tokenizer).ids)?.0,
                    };
                    empty = Some(origin.clone());
                    away_from(embeddings, origin, &chunk.weights)?
                }
                _ => emphasized(embeddings, &chunk.weights, rules.emphasis)?,
            });
        }
        Ok(TextEncoding { hidden: Tensor::cat(encoded, 1), pooled, tokens: Vec::new() })
    }
}

fn zeros(encoding: TextEncoding) -> TextEncoding {
    let (hidden, pooled) = (encoding.hidden.zeros_like(), encoding.pooled.map(|pooled| pooled.zeros_like()));
    TextEncoding { hidden, pooled, tokens: encoding.tokens }
}

/// A1111's emphasis on embeddings `[1, L, width]`: each row times its weight, and by default all brought back to the mean that
/// they had.
fn emphasized(embeddings: Tensor<3>, weights: &[f32], emphasis: Emphasis) -> Result<Tensor<3>, NetError> {
    if matches!(emphasis, Emphasis::Ignore | Emphasis::None) {
        return Ok(embeddings);
    }
    rows(embeddings, |values, width| {
        let mean = |values: &[f32]| values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        let before = mean(values);
        for (row, weight) in values.chunks_exact_mut(width).zip(weights) {
            row.iter_mut().for_each(|value| *value *= weight);
        }
        let after = mean(values);
        if emphasis == Emphasis::Original && after != 0.0 {
            let factor = (before / after) as f32;
            values.iter_mut().for_each(|value| *value *= factor);
        }
    })
}

/// ComfyUI's emphasis: each row moves on the line from the row of an empty text.
fn away_from(embeddings: Tensor<3>, origin: Tensor<3>, weights: &[f32]) -> Result<Tensor<3>, NetError> {
    let origin: Vec<f32> = origin.try_into_vec_as::<f32>()?;
    rows(embeddings, |values, width| {
        let rows = values.chunks_exact_mut(width).zip(origin.chunks_exact(width)).zip(weights);
        for ((row, origin), weight) in rows.filter(|(_, weight)| **weight != 1.0) {
            row.iter_mut().zip(origin).for_each(|(value, from)| *value = (*value - from) * weight + from);
        }
    })
}

/// Changes embeddings on the host, row after row.
fn rows(embeddings: Tensor<3>, change: impl FnOnce(&mut [f32], usize)) -> Result<Tensor<3>, NetError> {
    let (shape, device) = (embeddings.dims(), embeddings.device());
    let mut values: Vec<f32> = embeddings.try_into_vec_as::<f32>()?;
    change(&mut values, shape[2]);
    Ok(Tensor::from_data(TensorData::new(values, shape), &device))
}
