//! Recipes that wait for their turn: each becomes a take once it is rendered.
//!
//! Apart from the grid, whose cells become no takes, and from the newest job, which always goes first.

use std::{ops::RangeInclusive, sync::Arc};

use super::{render_status::RenderStatus, takes::TakeId, track::Track};
use crate::{
    engine::{Event, JobId, RenderResult},
    recipe::Recipe,
};

/// How many pictures one press of Generate may ask for.
pub const COUNTS: RangeInclusive<usize> = 1..=16;

/// Random seeds are below this: short enough to remember.
pub const SEEDS: u64 = 1_000_000;

/// At most so many entries; further ones are refused.
pub const MOST: usize = 256;

/// Names an entry for as long as the window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u64);

/// What one press of Generate asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Pictures with successive seeds, or with random ones.
    pub count: usize,
    /// Every press takes a new seed.
    pub random_seed: bool,
}

impl Default for Batch {
    fn default() -> Self {
        Self { count: 1, random_seed: false }
    }
}

/// One recipe that waits, is rendered, or is done.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: EntryId,
    pub recipe: Recipe,
    /// Entries of one press of Generate have the same number.
    pub batch: u64,
    pub status: RenderStatus<TakeId>,
    /// The take that its recipe was changed from.
    pub parent: Option<TakeId>,
    /// What is known of it while it is rendered.
    pub track: Track,
}

/// What the user asks of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueEdit {
    Pause(bool),
    /// Takes an entry out; the one that is rendered is given up.
    Skip(EntryId),
    /// One place earlier or later among those that wait.
    Move(EntryId, Turn),
    /// Takes out all that are not done.
    Clear,
}

/// A direction in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Earlier,
    Later,
}

/// The entries in their order.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    entries: Vec<Entry>,
    pub batch: Batch,
    paused: bool,
    last_id: u64,
    last_batch: u64,
}

impl Queue {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries of the newest press of Generate that asked for several.
    pub fn newest_batch(&self) -> impl Iterator<Item = &Entry> {
        let last = self.last_batch;
        self.entries.iter().filter(move |entry| entry.batch == last)
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The entries that are not finished.
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_open())
    }

    pub fn is_rendering(&self) -> bool {
        self.entries.iter().any(|entry| entry.status.is_rendering())
    }

    /// How many entries of the batches that are still open are finished, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        let open: Vec<u64> = self.open().map(|entry| entry.batch).collect();
        let counted = self.entries.iter().filter(|entry| open.contains(&entry.batch));
        let (done, all) = counted.fold((0, 0), |(done, all), e| (done + usize::from(!e.is_open()), all + 1));
        (done, all)
    }

    /// Puts recipes at the end, as one batch, and goes on where it was paused. Finished entries of earlier batches are
    /// forgotten; their takes stay. Returns how many had no room.
    pub(super) fn add(&mut self, recipes: Vec<Recipe>, parent: Option<TakeId>) -> usize {
        self.entries.retain(Entry::is_open);
        self.last_batch += 1;
        self.paused = false;
        let room = MOST.saturating_sub(self.entries.len());
        let refused = recipes.len().saturating_sub(room);
        for recipe in recipes.into_iter().take(room) {
            self.last_id += 1;
            let (id, track) = (EntryId(self.last_id), Track::new(recipe.clone()));
            let (batch, status) = (self.last_batch, RenderStatus::Waiting);
            self.entries.push(Entry { id, recipe, batch, status, parent, track });
        }
        refused
    }

    /// Carries out what the user asks; returns whether what is being rendered is to be given up.
    pub(super) fn change(&mut self, edit: QueueEdit) -> bool {
        let rendering = self.is_rendering();
        match edit {
            QueueEdit::Pause(paused) => {
                self.paused = paused;
                if paused {
                    self.overtaken();
                }
            }
            QueueEdit::Skip(id) => self.entries.retain(|entry| entry.id != id || !entry.is_open()),
            QueueEdit::Move(id, turn) => self.move_one(id, turn),
            QueueEdit::Clear => self.entries.retain(|entry| !entry.is_open()),
        }
        rendering && !self.is_rendering()
    }

    fn move_one(&mut self, id: EntryId, turn: Turn) {
        let waiting: Vec<usize> =
            (0..self.entries.len()).filter(|&at| self.entries[at].status == RenderStatus::Waiting).collect();
        let Some(place) = waiting.iter().position(|&at| self.entries[at].id == id) else { return };
        let other = match turn {
            Turn::Earlier => place.checked_sub(1),
            Turn::Later => Some(place + 1),
        };
        if let Some(&other) = other.and_then(|other| waiting.get(other)) {
            self.entries.swap(waiting[place], other);
        }
    }

    /// The next recipe to render; `None` while one is being rendered or it is paused. A recipe that is not valid fails
    /// with its reason and is passed over, and one of which there is a picture already is done; `known` finds that.
    pub(super) fn next(&mut self, known: impl Fn(&Recipe) -> Option<TakeId>) -> Option<(EntryId, Recipe)> {
        if self.paused || self.is_rendering() {
            return None;
        }
        for entry in self.entries.iter_mut().filter(|entry| entry.status == RenderStatus::Waiting) {
            if let Some(take) = known(&entry.recipe) {
                entry.status = RenderStatus::Done(take);
                continue;
            }
            match entry.recipe.validate() {
                Ok(()) => return Some((entry.id, entry.recipe.clone())),
                Err(reason) => entry.status = RenderStatus::Failed(reason.to_string()),
            }
        }
        None
    }

    /// Notes that an entry was sent as `job`.
    pub(super) fn sent(&mut self, id: EntryId, job: JobId) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.status = RenderStatus::Rendering(job);
        }
    }

    /// Another job was sent: the current one was cancelled and waits again.
    pub(super) fn overtaken(&mut self) {
        self.entries.iter_mut().filter(|entry| entry.status.is_rendering()).for_each(Entry::wait);
    }

    /// Gives the current job up and starts none until the user goes on.
    pub(super) fn stop(&mut self) {
        self.overtaken();
        self.paused |= self.entries.iter().any(Entry::is_open);
    }

    /// The entry that an event is about.
    pub(super) fn entry_of(&mut self, event: &Event) -> Option<&mut Entry> {
        let job = event.job()?;
        self.entries.iter_mut().find(|entry| entry.status.is_job(job))
    }
}

impl Entry {
    /// Whether it is not finished.
    pub fn is_open(&self) -> bool {
        matches!(self.status, RenderStatus::Waiting | RenderStatus::Rendering(_))
    }

    fn wait(&mut self) {
        self.status = RenderStatus::Waiting;
        self.track = Track::new(self.recipe.clone());
    }

    /// Applies an event of its job; returns the finished result.
    pub(super) fn apply(&mut self, event: Event) -> Option<Arc<RenderResult>> {
        match event {
            Event::Started { calls, tokens, .. } => {
                self.track.tokens = tokens;
                self.track.reports.resize(calls, None);
            }
            Event::Step { report, .. } => self.track.put(report),
            Event::Stopped { .. } => self.wait(),
            Event::Failed { message, .. } => self.status = RenderStatus::Failed(message),
            Event::Done { take, .. } => return Some(take),
            _ => {}
        }
        None
    }
}

/// The recipe with each of `seeds`.
pub fn by_seed(recipe: &Recipe, seeds: impl IntoIterator<Item = u64>) -> Vec<Recipe> {
    seeds.into_iter().map(|seed| Recipe { seed, ..recipe.clone() }).collect()
}

/// Another seed than `last`, from the random keys of the standard library's hasher.
pub fn random_seed(last: u64) -> u64 {
    use std::hash::BuildHasher;
    let throw = std::hash::RandomState::new().hash_one(last) % SEEDS;
    if throw == last { (throw + 1) % SEEDS } else { throw }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipes(seeds: std::ops::Range<u64>) -> Vec<Recipe> {
        by_seed(&Recipe { prompt: "a cat".into(), ..Recipe::default() }, seeds)
    }

    fn seeds(queue: &Queue) -> Vec<u64> {
        queue.open().map(|entry| entry.recipe.seed).collect()
    }

    #[test]
    fn a_random_seed_is_another_one() {
        let mut seed = 3;
        for _ in 0..50 {
            let next = random_seed(seed);
            assert!(next != seed && next < SEEDS);
            seed = next;
        }
    }

    #[test]
    fn entries_are_rendered_in_their_order_which_can_be_changed() {
        let mut queue = Queue::default();
        queue.add(recipes(0..4), None);
        let (first, recipe) = queue.next(|_| None).expect("one waits");
        assert_eq!(recipe.seed, 0);
        queue.sent(first, JobId(1));
        assert!(queue.next(|_| None).is_none(), "one is under way");
        let last = queue.entries()[3].id;
        assert!(!queue.change(QueueEdit::Move(last, Turn::Earlier)));
        assert_eq!(seeds(&queue), [0, 1, 3, 2]);
        queue.change(QueueEdit::Move(queue.entries()[1].id, Turn::Earlier));
        assert_eq!(seeds(&queue), [0, 1, 3, 2], "nothing goes before what is being rendered");
        assert!(queue.change(QueueEdit::Skip(first)), "the engine is told to give it up");
        assert_eq!(seeds(&queue), [1, 3, 2]);
        assert_eq!(queue.next(|_| None).map(|(_, recipe)| recipe.seed), Some(1));
    }

    #[test]
    fn a_pause_lasts_until_it_is_ended_or_more_is_asked_for() {
        let mut queue = Queue::default();
        queue.add(recipes(0..2), None);
        let (id, _) = queue.next(|_| None).expect("one waits");
        queue.sent(id, JobId(1));
        assert!(queue.change(QueueEdit::Pause(true)));
        assert!(queue.next(|_| None).is_none() && queue.is_paused());
        queue.change(QueueEdit::Pause(false));
        assert_eq!(queue.next(|_| None).map(|(id, _)| id), Some(id), "what was given up waits first");
        queue.stop();
        assert!(queue.next(|_| None).is_none());
        queue.add(recipes(7..8), None);
        assert_eq!((seeds(&queue), queue.next(|_| None).is_some()), (vec![0, 1, 7], true));
        assert_eq!(queue.newest_batch().count(), 1);
        queue.change(QueueEdit::Clear);
        assert!(seeds(&queue).is_empty());
    }

    #[test]
    fn what_is_there_or_cannot_be_met_is_passed_over() {
        let mut queue = Queue::default();
        let mut list = recipes(0..3);
        list[1].cfg = 900.0;
        queue.add(list, None);
        let known = |recipe: &Recipe| (recipe.seed == 0).then_some(TakeId(5));
        assert_eq!(queue.next(known).map(|(_, recipe)| recipe.seed), Some(2));
        assert_eq!(queue.entries()[0].status, RenderStatus::Done(TakeId(5)));
        assert!(matches!(&queue.entries()[1].status, RenderStatus::Failed(why) if why.contains("guidance scale")));
        assert_eq!(queue.progress(), (2, 3));
    }

    #[test]
    fn there_is_an_end_to_what_can_wait() {
        let mut queue = Queue::default();
        assert_eq!(queue.add(recipes(0..300), None), 300 - MOST);
        assert_eq!(queue.entries().len(), MOST);
    }
}
