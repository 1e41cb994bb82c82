//! Finished results: their list, the tree that they form, and the two that are pinned.
//!
//! Apart from the rest of the document because a take is never edited by the engine's events once it is finished.

use std::time::Duration;

use super::{naming, track::Track};
use crate::recipe::Recipe;

/// The steps of older takes are dropped while all steps together take more than this many bytes; pictures and recipes
/// stay.
const STEP_BYTES: usize = 768 << 20;

/// Names a take for as long as the window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TakeId(pub u64);

/// A finished result.
#[derive(Clone, Debug)]
pub struct Take {
    pub id: TakeId,
    pub name: String,
    pub track: Track,
    pub elapsed: Duration,
    /// Seconds since 1970-01-01 UTC.
    pub created: u64,
    /// The take whose recipe was changed into this one's.
    pub parent: Option<TakeId>,
    pub starred: bool,
}

impl Take {
    /// Whether its picture is there with its steps.
    pub fn is_whole(&self) -> bool {
        self.track.picture.is_some() && self.track.has_steps()
    }
}

/// What the user can say of a take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TakeLabel {
    pub name: String,
    pub starred: bool,
}

/// A removed take with everything that is needed to put it back.
#[derive(Clone, Debug)]
pub struct RemovedTake {
    at: usize,
    take: Take,
    children: Vec<TakeId>,
    pins: [bool; 2],
    was_base: bool,
}

/// All takes, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Takes {
    list: Vec<Take>,
    /// The takes pinned as A and B.
    pins: [Option<TakeId>; 2],
    /// The take that the recipe was changed from.
    base: Option<TakeId>,
    last_id: u64,
}

/// What a finished run became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// The take of the same recipe got its steps back.
    Restored,
    New,
}

impl Takes {
    pub fn list(&self) -> &[Take] {
        &self.list
    }

    /// Where a take stands in the list. Ids grow along it: takes are added at its end, and put back where they were.
    pub fn place(&self, id: TakeId) -> Option<usize> {
        self.list.binary_search_by_key(&id, |take| take.id).ok()
    }

    pub fn get(&self, id: TakeId) -> Option<&Take> {
        self.place(id).map(|at| &self.list[at])
    }

    pub(super) fn get_mut(&mut self, id: TakeId) -> Option<&mut Take> {
        self.place(id).map(|at| &mut self.list[at])
    }

    /// Of these only one.
    pub(super) fn only(&self, id: TakeId) -> Self {
        Self { list: self.get(id).cloned().into_iter().collect(), last_id: self.last_id, ..Self::default() }
    }

    pub fn newest(&self) -> Option<&Take> {
        self.list.last()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn pins(&self) -> [Option<TakeId>; 2] {
        self.pins
    }

    pub(super) fn set_pins(&mut self, pins: [Option<TakeId>; 2]) {
        self.pins = pins;
    }

    pub fn base(&self) -> Option<TakeId> {
        self.base
    }

    pub(super) fn set_base(&mut self, base: Option<TakeId>) {
        self.base = base;
    }

    /// The newest take of exactly this recipe.
    pub fn of_recipe(&self, recipe: &Recipe) -> Option<TakeId> {
        self.list.iter().rev().find(|take| take.track.recipe.same_settings(recipe)).map(|take| take.id)
    }

    /// The take whose picture `recipe` gives: the newest of exactly this recipe, else the newest that differs from it only
    /// in what changes no picture.
    pub fn of_picture(&self, recipe: &Recipe) -> Option<TakeId> {
        let key = recipe.canonical();
        // The canonical form of each is made only where the fields agree that it never changes.
        let alike = |own: &Recipe| own.seed == recipe.seed && own.steps == recipe.steps && own.prompt == recipe.prompt;
        let same = |take: &&Take| alike(&take.track.recipe) && take.track.recipe.canonical() == key;
        self.of_recipe(recipe).or_else(|| self.list.iter().rev().find(same).map(|take| take.id))
    }

    /// Adds a finished result.
    pub(super) fn add(&mut self, name: String, track: Track, elapsed: Duration, created: u64) -> TakeId {
        self.last_id += 1;
        let id = TakeId(self.last_id);
        self.list.push(Take { id, name, track, elapsed, created, parent: None, starred: false });
        id
    }

    /// Keeps a finished run of a settled recipe. The same recipe is the same take, which gets its steps back; any other is
    /// a new one, made from the take that the recipe was changed from.
    pub(super) fn keep(&mut self, track: Track, elapsed: Duration, now: u64) -> Kept {
        let (id, kept) = self.keep_from(self.base, track, elapsed, now);
        self.base = Some(id);
        kept
    }

    /// As [`Self::keep`], made from `parent`; what the recipe is changed from stays.
    pub(super) fn keep_from(
        &mut self,
        parent: Option<TakeId>,
        track: Track,
        elapsed: Duration,
        now: u64,
    ) -> (TakeId, Kept) {
        if let Some(take) = self.of_picture(&track.recipe).and_then(|id| self.get_mut(id)) {
            // What changes no picture stays as it was when the take was made.
            let recipe = take.track.recipe.clone();
            let renamed = recipe.same_settings(&track.recipe);
            take.track = if renamed { track } else { Track { recipe, ..track } };
            return (take.id, Kept::Restored);
        }
        let before = parent.and_then(|id| self.get(id));
        let (parent, name) = (before.map(|take| take.id), naming::name(&track, before.map(|take| &take.track)));
        let id = self.add(name, track, elapsed, now);
        if let Some(take) = self.list.last_mut() {
            take.parent = parent;
        }
        (id, Kept::New)
    }

    /// Gives a take another name and star; returns those before.
    pub(super) fn relabel(&mut self, id: TakeId, label: TakeLabel) -> Option<TakeLabel> {
        let take = self.get_mut(id)?;
        let name = std::mem::replace(&mut take.name, label.name);
        Some(TakeLabel { name, starred: std::mem::replace(&mut take.starred, label.starred) })
    }

    /// The newest take of a recipe, for a better picture of one of its steps.
    pub(super) fn track_of_mut(&mut self, recipe: &Recipe) -> Option<&mut Track> {
        self.list.iter_mut().rev().find(|take| take.track.recipe.same_settings(recipe)).map(|take| &mut take.track)
    }

    /// Pins a take as A (0) or B (1); a second time takes the pin off.
    pub(super) fn toggle_pin(&mut self, side: usize, id: TakeId) {
        self.pins[side] = if self.pins[side] == Some(id) { None } else { Some(id) };
    }

    /// Removes a take; what was made from it now counts as made from its parent.
    pub(super) fn remove(&mut self, id: TakeId) -> Option<RemovedTake> {
        let at = self.place(id)?;
        let take = self.list.remove(at);
        let mut children = Vec::new();
        for child in self.list.iter_mut().filter(|child| child.parent == Some(id)) {
            child.parent = take.parent;
            children.push(child.id);
        }
        let pins = self.pins.map(|pin| pin == Some(id));
        let was_base = self.base == Some(id);
        if was_base {
            self.base = take.parent;
        }
        self.pins = self.pins.map(|pin| pin.filter(|pin| *pin != id));
        Some(RemovedTake { at, take, children, pins, was_base })
    }

    /// Puts a removed take back where it was.
    pub(super) fn put_back(&mut self, removed: RemovedTake) -> TakeId {
        let RemovedTake { at, take, children, pins, was_base } = removed;
        let id = take.id;
        self.list.iter_mut().filter(|other| children.contains(&other.id)).for_each(|child| child.parent = Some(id));
        self.list.insert(at.min(self.list.len()), take);
        for (pin, was) in self.pins.iter_mut().zip(pins) {
            *pin = pin.or(was.then_some(id));
        }
        if was_base {
            self.base = Some(id);
        }
        id
    }

    /// Drops the steps of the oldest takes while all steps together take too much memory. Pinned takes, the newest one
    /// and `shown` keep theirs.
    pub(super) fn trim_steps(&mut self, shown: Option<TakeId>) {
        let held = |take: &Take| take.track.bytes();
        let mut total: usize = self.list.iter().map(held).sum();
        let (pins, newest) = (self.pins, self.list.last().map(|take| take.id));
        for take in &mut self.list {
            if total <= STEP_BYTES {
                break;
            }
            let id = Some(take.id);
            if !pins.contains(&id) && shown != id && newest != id {
                total -= held(take);
                take.track.reports.clear();
            }
        }
    }
}
