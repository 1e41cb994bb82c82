//! Undo and redo: of the recipe, one entry per gesture, and of removed takes.

use super::takes::{RemovedTake, TakeId, Takes};
use crate::recipe::{Recipe, cost::EditCost};

const DEPTH: usize = 200;

/// One step back, or forth.
#[derive(Clone, Debug)]
enum Entry {
    /// To this recipe.
    Recipe(Box<Recipe>),
    /// This take comes back.
    Return(Box<RemovedTake>),
    /// This take is removed again.
    Remove(TakeId),
}

/// Past and future states of the document.
#[derive(Clone, Debug, Default)]
pub struct History {
    past: Vec<Entry>,
    future: Vec<Entry>,
    /// The recipe as it stood when the last gesture ended.
    settled: Option<Recipe>,
    /// What the newest change of the recipe costs, from where its gesture began.
    pub(super) cost: Option<EditCost>,
}

impl History {
    /// Looks at the recipe once a frame; `moving` is whether a gesture (a drag, typing) still goes on. Returns whether a
    /// gesture ended that changed it.
    pub(super) fn watch(&mut self, recipe: &Recipe, moving: bool) -> bool {
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

    /// Notes that a take was removed, so that undo brings it back.
    pub(super) fn removed(&mut self, take: RemovedTake) {
        self.push(Entry::Return(Box::new(take)));
    }

    /// The recipe as it stood when the gesture began.
    pub(super) fn settled(&self) -> Option<&Recipe> {
        self.settled.as_ref()
    }

    /// Whether a gesture has changed the recipe and not ended yet.
    pub(super) fn is_moving(&self, recipe: &Recipe) -> bool {
        self.settled.as_ref().is_some_and(|settled| settled != recipe)
    }

    /// Counts `recipe` as what the last gesture ended with.
    pub(super) fn amend(&mut self, recipe: &Recipe) {
        self.settled = Some(recipe.clone());
    }

    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// What the newest change of the recipe costs; `None` where it costs nothing.
    pub fn cost(&self) -> Option<EditCost> {
        self.cost
    }

    pub(super) fn undo(&mut self, recipe: &mut Recipe, takes: &mut Takes) {
        let back = self.past.pop().and_then(|entry| self.go(recipe, takes, entry));
        self.future.extend(back);
    }

    pub(super) fn redo(&mut self, recipe: &mut Recipe, takes: &mut Takes) {
        let back = self.future.pop().and_then(|entry| self.go(recipe, takes, entry));
        self.past.extend(back);
    }

    /// Takes one step and returns the one that leads back.
    fn go(&mut self, recipe: &mut Recipe, takes: &mut Takes, entry: Entry) -> Option<Entry> {
        match entry {
            Entry::Recipe(other) => {
                let now = std::mem::replace(recipe, *other);
                self.settled = Some(recipe.clone());
                Some(Entry::Recipe(Box::new(now)))
            }
            Entry::Return(removed) => Some(Entry::Remove(takes.put_back(*removed))),
            Entry::Remove(id) => takes.remove(id).map(|removed| Entry::Return(Box::new(removed))),
        }
    }
}
