//! Undo and redo: of the recipe, one entry per gesture, and of removed takes.

use super::state::{Removed, Studio, TakeId};
use crate::recipe::Recipe;

const DEPTH: usize = 200;

/// One step back, or forth.
enum Entry {
    /// To this recipe.
    Recipe(Box<Recipe>),
    /// This take comes back.
    Return(Box<Removed>),
    /// This take is removed again.
    Remove(TakeId),
}

#[derive(Default)]
pub struct History {
    past: Vec<Entry>,
    future: Vec<Entry>,
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
        self.push(Entry::Recipe(Box::new(before)));
        true
    }

    fn push(&mut self, entry: Entry) {
        self.past.push(entry);
        self.past.drain(..self.past.len().saturating_sub(DEPTH));
        self.future.clear();
    }

    /// Removes a take so that it can be had back.
    pub fn remove(&mut self, studio: &mut Studio, id: TakeId) {
        if let Some(removed) = studio.remove_take(id) {
            self.push(Entry::Return(Box::new(removed)));
        }
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

    pub fn undo(&mut self, studio: &mut Studio) {
        let back = self.past.pop().and_then(|entry| self.go(studio, entry));
        self.future.extend(back);
    }

    pub fn redo(&mut self, studio: &mut Studio) {
        let back = self.future.pop().and_then(|entry| self.go(studio, entry));
        self.past.extend(back);
    }

    /// Takes one step and gives the one that leads back.
    fn go(&mut self, studio: &mut Studio, entry: Entry) -> Option<Entry> {
        match entry {
            Entry::Recipe(recipe) => {
                let now = std::mem::replace(&mut studio.recipe, *recipe);
                self.settled = Some(studio.recipe.clone());
                Some(Entry::Recipe(Box::new(now)))
            }
            Entry::Return(removed) => Some(Entry::Remove(studio.put_back(*removed))),
            Entry::Remove(id) => studio.remove_take(id).map(|removed| Entry::Return(Box::new(removed))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studio::track::Track;

    #[test]
    fn a_drag_is_one_entry_and_undo_and_redo_mirror_each_other() {
        let mut studio = Studio::default();
        let mut history = History::default();
        history.watch(&studio.recipe, false);
        for cfg in [6.0, 7.0, 8.0] {
            studio.recipe.cfg = cfg;
            history.watch(&studio.recipe, true);
        }
        history.watch(&studio.recipe, false);
        history.undo(&mut studio);
        assert_eq!(studio.recipe.cfg, 5.0);
        assert!(!history.can_undo());
        history.watch(&studio.recipe, false);
        history.redo(&mut studio);
        assert_eq!(studio.recipe.cfg, 8.0);
        assert!(history.can_undo() && !history.can_redo());
    }

    #[test]
    fn a_new_change_forgets_what_was_undone() {
        let mut studio = Studio::default();
        let mut history = History::default();
        history.watch(&studio.recipe, false);
        studio.recipe.seed = 1;
        history.watch(&studio.recipe, false);
        history.undo(&mut studio);
        studio.recipe.seed = 2;
        history.watch(&studio.recipe, false);
        assert!(!history.can_redo());
    }

    #[test]
    fn a_removed_take_comes_back_to_its_place_with_its_children() {
        let mut studio = Studio::default();
        let ids: Vec<TakeId> =
            (0..3).map(|_| studio.add_take("take".into(), Track::default(), Default::default(), 0)).collect();
        studio.takes[1].parent = Some(ids[0]);
        studio.takes[2].parent = Some(ids[1]);
        studio.pins[1] = Some(ids[1]);
        let mut history = History::default();
        history.remove(&mut studio, ids[1]);
        assert_eq!((studio.takes.len(), studio.takes[1].parent, studio.pins[1]), (2, Some(ids[0]), None));
        history.undo(&mut studio);
        let order: Vec<TakeId> = studio.takes.iter().map(|take| take.id).collect();
        assert_eq!((order, studio.takes[2].parent, studio.pins[1]), (ids.clone(), Some(ids[1]), Some(ids[1])));
        history.redo(&mut studio);
        assert_eq!(studio.takes.len(), 2);
        history.undo(&mut studio);
        assert_eq!(studio.takes.len(), 3);
    }
}
