//! Undo and redo of the recipe: one entry per gesture.

use crate::recipe::Recipe;

const DEPTH: usize = 200;

#[derive(Default)]
pub struct History {
    past: Vec<Recipe>,
    future: Vec<Recipe>,
    /// The recipe as it stood when the last gesture ended.
    settled: Option<Recipe>,
}

impl History {
    /// Looks at the recipe once a frame; `moving` is whether a gesture (a drag, typing) still goes on. Says whether a
    /// gesture ended that changed it.
    pub fn watch(&mut self, recipe: &Recipe, moving: bool) -> bool {
        if (moving && self.settled.is_some()) || self.settled.as_ref() == Some(recipe) {
            return false;
        }
        let Some(before) = self.settled.replace(recipe.clone()) else { return false };
        self.past.push(before);
        self.past.drain(..self.past.len().saturating_sub(DEPTH));
        self.future.clear();
        true
    }

    /// The recipe as it stood when the gesture began.
    pub fn settled(&self) -> Option<&Recipe> {
        self.settled.as_ref()
    }

    /// Whether a gesture has changed the recipe and not ended yet.
    pub fn is_moving(&self, recipe: &Recipe) -> bool {
        self.settled.as_ref().is_some_and(|settled| settled != recipe)
    }

    /// Counts `recipe` as what the last gesture ended with.
    pub fn amend(&mut self, recipe: &Recipe) {
        self.settled = Some(recipe.clone());
    }

    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    pub fn undo(&mut self, recipe: &mut Recipe) {
        if let Some(before) = self.past.pop() {
            self.future.push(std::mem::replace(recipe, before));
            self.settled = Some(recipe.clone());
        }
    }

    pub fn redo(&mut self, recipe: &mut Recipe) {
        if let Some(after) = self.future.pop() {
            self.past.push(std::mem::replace(recipe, after));
            self.settled = Some(recipe.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drag_is_one_entry_and_undo_and_redo_mirror_each_other() {
        let mut recipe = Recipe::default();
        let mut history = History::default();
        history.watch(&recipe, false);
        for cfg in [6.0, 7.0, 8.0] {
            recipe.cfg = cfg;
            history.watch(&recipe, true);
        }
        history.watch(&recipe, false);
        history.undo(&mut recipe);
        assert_eq!(recipe.cfg, 5.0);
        assert!(!history.can_undo());
        history.watch(&recipe, false);
        history.redo(&mut recipe);
        assert_eq!(recipe.cfg, 8.0);
        assert!(history.can_undo() && !history.can_redo());
    }

    #[test]
    fn a_new_change_forgets_what_was_undone() {
        let mut recipe = Recipe::default();
        let mut history = History::default();
        history.watch(&recipe, false);
        recipe.seed = 1;
        history.watch(&recipe, false);
        history.undo(&mut recipe);
        recipe.seed = 2;
        history.watch(&recipe, false);
        assert!(!history.can_redo());
    }
}
