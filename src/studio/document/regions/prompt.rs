//! The prompt that the settings of regions refer to, and the tokens of prompts as runs have reported them.
//!
//! Apart from how they change, which edits and events both bring about.

use std::sync::Arc;

use super::parked::ParkedSettings;
use crate::engine::Token;

/// The tokens of so many prompts are remembered.
const REMEMBERED: usize = 512;

/// Prompts with their tokens, the newest last.
#[derive(Clone, Debug, Default)]
pub struct PromptTokens(Vec<(String, Arc<Vec<Token>>)>);

impl PromptTokens {
    pub fn of(&self, prompt: &str) -> Option<Arc<Vec<Token>>> {
        self.0.iter().rev().find(|(known, _)| known == prompt).map(|(_, tokens)| tokens.clone())
    }

    /// Remembers the tokens of a prompt in the place of those that another model gave.
    pub fn learn(&mut self, prompt: &str, tokens: &Arc<Vec<Token>>) {
        self.0.retain(|(known, _)| known != prompt);
        self.0.push((prompt.to_owned(), tokens.clone()));
        self.0.drain(..self.0.len().saturating_sub(REMEMBERED));
    }
}

/// The prompt that the settings of regions refer to.
#[derive(Clone, Debug, Default)]
pub struct RegionPrompt {
    /// The prompt whose token positions factors, locks and paint name: another than the recipe's own until its tokens are
    /// known.
    pub prompt: String,
    pub known: PromptTokens,
    /// The settings of words that have left the prompt.
    pub parked: ParkedSettings,
}

impl RegionPrompt {
    /// For a recipe whose regions name positions of its own prompt.
    pub fn new(prompt: String) -> Self {
        Self { prompt, ..Self::default() }
    }
}
