//! The settings of regions follow a changed prompt.
//!
//! Apart from edits and events because both change the prompt that the recipe has.

use std::sync::Arc;

use super::{
    regions::{follow::follow_words, prompt::RegionPrompt},
    state::Document,
};
use crate::engine::Token;

impl Document {
    /// Takes note of the tokens of a prompt.
    pub(super) fn learn_tokens(&mut self, prompt: &str, tokens: &Arc<Vec<Token>>) {
        if !tokens.is_empty() {
            self.context.regions.known.learn(prompt, tokens);
            self.follow_prompt();
        }
    }

    /// Has the settings of regions follow their words once the prompt has changed and its tokens are known. That belongs to
    /// the change of the prompt: it is not a step of its own to undo.
    pub(super) fn follow_prompt(&mut self) {
        let RegionPrompt { prompt, known, parked } = &mut self.context.regions;
        if *prompt == self.recipe.prompt {
            return;
        }
        let Some(now) = known.of(&self.recipe.prompt) else { return };
        let moving = self.history.is_moving(&self.recipe);
        if let Some(before) = known.of(prompt) {
            follow_words(&mut self.recipe, parked, &before, &now);
        }
        prompt.clone_from(&self.recipe.prompt);
        if !moving && self.history.settled().is_some() {
            self.history.amend(self.snapshot());
        }
    }
}
