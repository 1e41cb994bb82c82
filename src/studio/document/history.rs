//! Undo and redo: of the recipe, one entry for every settled change, and of what was done to takes.

use super::takes::{RemovedTake, TakeId, TakeLabel, Takes};
use crate::{engine::cost::EditCost, recipe::Recipe};

const DEPTH: usize = 200;

/// The recipe as it stands between two gestures, with what it refers to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Snapshot {
    pub recipe: Recipe,
    /// The prompt whose token positions its regions name: another than its own until the tokens of that are known.
    pub positions_of: String,
    /// The take that it was changed from.
    pub base: Option<TakeId>,
}

/// One step back, or forth.
#[derive(Clone, Debug)]
enum Entry {
    /// To this state of the recipe.
    Recipe(Box<Snapshot>),
    /// This take comes back.
    Return(Box<RemovedTake>),
    /// This take is removed again.
    Remove(TakeId),
    /// This take gets this name and star.
    Label(TakeId, TakeLabel),
}

/// Past and future states of the document.
#[derive(Clone, Debug, Default)]
pub struct History {
    past: Vec<Entry>,
    future: Vec<Entry>,
    /// The recipe as it stood when the last gesture ended.
    settled: Option<Snapshot>,
    /// Whether undo or redo has led to it, which make no takes.
    pub(super) travelled: bool,
    /// What the newest change of the recipe costs, from where its gesture began.
    pub(super) cost: Option<EditCost>,
}

impl History {
    /// Counts the gesture as ended with `now`. Returns whether it changed the recipe.
    pub(super) fn settle(&mut self, now: Snapshot) -> bool {
        let changed = self.is_moving(&now.recipe);
        self.travelled &= !changed;
        if let Some(before) = self.settled.replace(now).filter(|_| changed) {
            self.push(Entry::Recipe(Box::new(before)));
        }
        changed
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

    /// Notes that a take was named or starred; `before` is how it was. A name that is typed letter by letter is one
    /// entry.
    pub(super) fn labelled(&mut self, id: TakeId, before: TakeLabel, now: &TakeLabel) {
        let goes_on = matches!(self.past.last(), Some(Entry::Label(last, label))
            if *last == id && label.starred == now.starred && before.starred == now.starred);
        if goes_on {
            self.future.clear();
        } else {
            self.push(Entry::Label(id, before));
        }
    }

    /// The recipe as it stood when the gesture began.
    pub(super) fn settled(&self) -> Option<&Snapshot> {
        self.settled.as_ref()
    }

    /// Whether a gesture has changed the recipe and not ended yet.
    pub(super) fn is_moving(&self, recipe: &Recipe) -> bool {
        self.settled.as_ref().is_some_and(|settled| settled.recipe != *recipe)
    }

    /// Counts `now` as what the last gesture ended with.
    pub(super) fn amend(&mut self, now: Snapshot) {
        self.settled = Some(now);
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

    /// Goes one step back from `now`. Returns the state that the recipe takes, if the step is one of the recipe.
    pub(super) fn undo(&mut self, now: Snapshot, takes: &mut Takes) -> Option<Snapshot> {
        let (back, state) = go(self.past.pop()?, now, takes);
        self.future.extend(back);
        state
    }

    /// As [`Self::undo`], forth.
    pub(super) fn redo(&mut self, now: Snapshot, takes: &mut Takes) -> Option<Snapshot> {
        let (back, state) = go(self.future.pop()?, now, takes);
        self.past.extend(back);
        state
    }
}

/// Takes one step. Returns the one that leads back, and the state that the recipe takes.
fn go(entry: Entry, now: Snapshot, takes: &mut Takes) -> (Option<Entry>, Option<Snapshot>) {
    match entry {
        Entry::Recipe(state) => (Some(Entry::Recipe(Box::new(now))), Some(*state)),
        Entry::Return(removed) => (Some(Entry::Remove(takes.put_back(*removed))), None),
        Entry::Remove(id) => (takes.remove(id).map(|removed| Entry::Return(Box::new(removed))), None),
        Entry::Label(id, label) => (takes.relabel(id, label).map(|before| Entry::Label(id, before)), None),
    }
}
