//! What a session file keeps of the document, and a document made from it.
//!
//! Apart from the files themselves: nothing here is read from or written to a disk.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    engine_status::EngineStatus,
    file::FileState,
    live_run::LiveRun,
    notice::{Notice, Origin},
    state::Document,
    takes::{Take, TakeId},
    track::Track,
};
use crate::{recipe::Recipe, session::Layout};

/// What a session keeps of a take.
#[derive(Clone, Debug)]
pub struct SavedTake {
    pub name: String,
    pub track: Track,
    pub elapsed: Duration,
    /// Seconds since 1970-01-01 UTC.
    pub created: u64,
    /// The place in the session's list of the take it was made from.
    pub parent: Option<usize>,
    pub starred: bool,
}

/// What a session keeps of the window.
#[derive(Clone, Debug, Default)]
pub struct SavedSession {
    pub recipe: Recipe,
    pub takes: Vec<SavedTake>,
    /// Places in the list of the takes pinned as A and B.
    pub pins: [Option<usize>; 2],
    pub layout: Layout,
    /// Whether the steps of the takes are kept with it.
    pub keep_steps: bool,
    /// What could not be read of it: a sentence for the user.
    pub notice: Option<String>,
    /// Where the recipe comes from, if not from a session.
    pub origin: Option<Origin>,
}

impl Document {
    /// What would be saved now; `layout` is how it is looked at.
    pub fn saved_session(&self, layout: Layout) -> SavedSession {
        let kept: Vec<_> = self.takes.list().iter().filter(|take| take.track.picture.is_some()).collect();
        let place = |id: TakeId| kept.iter().position(|take| take.id == id);
        let takes = kept.iter().map(|take| SavedTake {
            name: take.name.clone(),
            track: take.track.clone(),
            elapsed: take.elapsed,
            created: take.created,
            parent: take.parent.and_then(place),
            starred: take.starred,
        });
        SavedSession {
            recipe: self.recipe.clone(),
            takes: takes.collect(),
            pins: self.takes.pins().map(|pin| pin.and_then(place)),
            layout,
            keep_steps: self.file.keep_steps,
            notice: None,
            origin: None,
        }
    }

    /// A document with `recipe` and nothing else; only what the engine says of itself stays.
    pub fn start_over(&mut self, recipe: Recipe, keep_steps: bool) {
        let engine = EngineStatus { busy: None, compatibility: None, ..std::mem::take(&mut self.engine) };
        let file = FileState { keep_steps, ..FileState::default() };
        *self = Self { engine, file, ..Self::new(recipe) };
    }

    /// Puts a session that was read in the place of this one; `path` is where it is saved. `keep_steps` is what is set
    /// for all sessions. Its layout is left to the view.
    pub fn adopt(&mut self, path: Option<PathBuf>, session: SavedSession, keep_steps: bool) {
        self.start_over(session.recipe, keep_steps || session.keep_steps);
        self.file.path = path;
        // The session is rendered by itself, which must not take the notice away.
        self.notices.shown = session.notice.map(Notice::info);
        let ids = self.add_takes(session.takes);
        self.takes.set_pins(session.pins.map(|place| ids.get(place?).copied()));
        let base = self.takes.of_recipe(&self.recipe);
        self.takes.set_base(base);
        if let Some(id) = base {
            self.show_kept(id);
        }
    }

    /// Says where the recipe of an adopted file comes from.
    pub fn tell_origin(&mut self, path: &Path, origin: Origin) {
        self.notices.imported(path, origin);
    }

    fn add_takes(&mut self, takes: Vec<SavedTake>) -> Vec<TakeId> {
        let links: Vec<(Option<usize>, bool)> = takes.iter().map(|take| (take.parent, take.starred)).collect();
        let add = |take: SavedTake| self.takes.add(take.name, take.track, take.elapsed, take.created);
        let ids: Vec<TakeId> = takes.into_iter().map(add).collect();
        for (&id, (parent, starred)) in ids.iter().zip(links) {
            if let Some(take) = self.takes.get_mut(id) {
                take.parent = parent.and_then(|at| ids.get(at)).copied();
                take.starred = starred;
            }
        }
        ids
    }

    /// Shows a take as the newest result, although no job has made it.
    fn show_kept(&mut self, id: TakeId) {
        let Some(track) = self.takes.get(id).map(|take: &Take| take.track.clone()) else { return };
        self.learn_tokens(&track.recipe.prompt, &track.tokens);
        self.run = Some(LiveRun::kept(track));
    }

    /// Shows the take of the recipe, if there is one, unless a job of the recipe is shown already.
    pub(super) fn show_take_of_recipe(&mut self) {
        let key = self.recipe.canonical();
        if self.run.as_ref().is_none_or(|run| run.track.recipe.canonical() != key)
            && let Some(id) = self.takes.of_picture(&self.recipe)
        {
            self.show_kept(id);
        }
    }

    /// Notes that version `version` was written to `path`. What has changed since stays unsaved.
    pub fn saved(&mut self, path: PathBuf, version: u64) {
        (self.file.path, self.file.saved) = (Some(path), version);
    }

    /// Names the file that the document will be saved to.
    pub fn set_path(&mut self, path: Option<PathBuf>) {
        self.file.path = path;
    }

    /// Whether this session keeps the steps of its takes, as it is set for all sessions.
    pub fn set_keep_steps(&mut self, keep: bool) {
        self.file.keep_steps = keep;
    }

    /// Notes that it was recovered: it is not saved anywhere yet.
    pub fn mark_unsaved(&mut self) {
        self.file.touch();
        self.file.recovered = Some(self.file.version);
    }
}
