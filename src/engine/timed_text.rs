//! A text that may differ from call to call of the denoiser: prompt editing.
//!
//! Apart from the run, which asks for the text of its next call.

use super::prediction_cache::Text;

/// The encoded texts of a prompt, each once.
pub(super) struct TimedText {
    texts: Vec<Text>,
    /// Which of them holds at each call.
    of_call: Vec<usize>,
}

impl TimedText {
    /// `text_at` gives the text of each of `calls`, `encode` encodes each different one.
    ///
    /// # Errors
    /// As `encode`.
    pub fn new<E>(
        calls: usize,
        text_at: impl Fn(usize) -> String,
        mut encode: impl FnMut(&str) -> Result<Text, E>,
    ) -> Result<Self, E> {
        let mut known: Vec<String> = Vec::new();
        let mut timed = Self { texts: Vec::new(), of_call: Vec::new() };
        for call in 0..calls.max(1) {
            let text = text_at(call);
            let place = match known.iter().position(|other| *other == text) {
                Some(place) => place,
                None => {
                    timed.texts.push(encode(&text)?);
                    known.push(text);
                    known.len() - 1
                }
            };
            timed.of_call.push(place);
        }
        Ok(timed)
    }

    /// The text of a call, and its number among the different ones.
    pub fn at(&self, call: usize) -> (usize, &Text) {
        let place = self.of_call.get(call).copied().unwrap_or(0);
        (place, &self.texts[place])
    }

    pub fn texts(&self) -> &[Text] {
        &self.texts
    }
}
