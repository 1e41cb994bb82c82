//! What is rendered while nothing else is: the queue, cells of the grid, each model of a fusion alone, then filmstrips.

use super::{
    films::{FRAMES, FilmFrame, FilmOf},
    live_run::Phase,
    notice::{Notice, Topic},
    queue::{self, EntryId, QueueEdit},
    state::Document,
    takes::Take,
};
use crate::{engine::JobId, recipe::Recipe};

/// A recipe that is rendered in the background, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackgroundJob {
    Entry(EntryId),
    Cell(usize),
    Baseline(usize),
}

impl Document {
    /// The next recipe to render in the background; `None` while one is under way, or when there is none.
    pub fn next_background(&mut self) -> Option<(BackgroundJob, Recipe)> {
        let Self { background, takes, recipe, .. } = self;
        let known = |recipe: &Recipe| takes.of_picture(recipe).filter(|id| takes.get(*id).is_some_and(Take::is_whole));
        if let Some((id, recipe)) = background.queue.next(known) {
            return Some((BackgroundJob::Entry(id), recipe));
        }
        if background.queue.is_rendering() {
            return None;
        }
        if let Some((at, recipe)) = background.grid.next_cell() {
            return Some((BackgroundJob::Cell(at), recipe));
        }
        if background.grid.running {
            return None;
        }
        background.baselines.next(recipe).map(|(at, recipe)| (BackgroundJob::Baseline(at), recipe))
    }

    /// The next picture of a filmstrip, where nothing else is wanted and the picture on the canvas is finished.
    pub fn next_film(&mut self, of: FilmOf) -> Option<Recipe> {
        if self.is_moving() || !self.is_rendered() || self.background.is_rendering() {
            return None;
        }
        let Self { background, recipe, .. } = self;
        background.films.next(of, recipe)
    }

    /// Notes that a picture of a filmstrip was sent as `job`.
    pub fn film_sent(&mut self, recipe: &Recipe, job: JobId) {
        self.background.films.sent(recipe, job);
    }

    /// The pictures under a slider.
    pub fn film(&self, of: FilmOf) -> [FilmFrame; FRAMES] {
        self.background.films.frames(of, &self.recipe)
    }

    /// Whether previews of the newest run are still being decoded, which another job would end.
    pub fn is_refining(&self) -> bool {
        let track = self.run.as_ref().map(|run| &run.track);
        track.is_some_and(|track| track.reports.iter().flatten().any(|report| report.approximate))
    }

    /// Notes that it was sent as `job`.
    pub fn background_sent(&mut self, job_of: BackgroundJob, job: JobId) {
        self.background.films.overtaken();
        match job_of {
            BackgroundJob::Entry(id) => self.background.queue.sent(id, job),
            BackgroundJob::Cell(at) => self.background.grid.sent(at, job),
            BackgroundJob::Baseline(at) => self.background.baselines.sent(at, job),
        }
    }

    /// Puts the recipe into the queue, once for each of the pictures that Generate is set to.
    pub fn enqueue(&mut self) {
        self.settle();
        let (batch, seed) = (self.queue().batch, self.recipe.seed);
        let mut last = seed;
        let further = |k: u64| {
            last = if batch.random_seed { queue::random_seed(last) } else { seed.wrapping_add(k) };
            last
        };
        let seeds = std::iter::once(seed).chain((1..batch.count as u64).map(further));
        let recipes = queue::by_seed(&self.recipe, seeds);
        let refused = self.background.queue.add(recipes, self.takes.base());
        if refused > 0 {
            let message = format!(
                "{refused} pictures have no room in the queue, which holds {}: wait, or clear it.",
                queue::MOST
            );
            self.notify(Notice::error(Topic::Rendering, message));
        }
    }

    /// Changes the queue; returns whether the engine is to give up what it renders.
    pub fn change_queue(&mut self, edit: QueueEdit) -> bool {
        self.background.queue.change(edit)
    }

    /// Sets how many pictures Generate asks for, and whether each press takes a new seed.
    pub fn set_batch(&mut self, batch: queue::Batch) {
        self.background.queue.batch = batch;
    }

    /// Whether the engine has something to do that the user has asked for.
    pub fn is_working(&self) -> bool {
        self.is_busy() || self.queue().is_rendering() || self.grid().running
    }

    /// Notes that the engine was told to stop: for the window the run has stopped, however long the operation takes that is
    /// under way. Nothing goes on in the background either.
    pub fn stop(&mut self) {
        if let Some(run) = self.run.as_mut().filter(|run| run.is_busy()) {
            run.phase = Phase::Stopped;
        }
        self.background.stop();
    }
}
